import asyncio

from mexc_tui.desk.engine_requests import SETTINGS, WHY, NoArguments, SettingList, WhyQuery
from mexc_tui.tui.query_cache import MAX_KEPT, NO_RESPONSE, QueryCache
from tests.support.tui.frozen_desk import FrozenDesk

ASKED = SettingList([])


async def _answered(answers: QueryCache) -> None:
    came = asyncio.Event()
    answers.on_change(lambda _: came.set())
    await asyncio.wait_for(came.wait(), 5)


async def test_the_first_use_sends_the_query_and_the_next_has_the_response() -> None:
    frozen = FrozenDesk()
    frozen.replies["settings"] = ASKED
    answers = QueryCache(frozen.send, lambda: frozen.now_ms)
    assert answers.latest(SETTINGS, NoArguments(), 60) is NO_RESPONSE
    await _answered(answers)
    assert answers.latest(SETTINGS, NoArguments(), 60).result == ASKED
    assert len(frozen.received) == 1


async def test_an_old_response_is_shown_until_the_repeated_query_returns() -> None:
    frozen = FrozenDesk()
    frozen.replies["settings"] = ASKED
    answers = QueryCache(frozen.send, lambda: frozen.now_ms)
    answers.latest(SETTINGS, NoArguments(), 60)
    await _answered(answers)
    assert answers.latest(SETTINGS, NoArguments(), 0).result == ASKED
    await _answered(answers)
    assert len(frozen.received) == 2


async def test_a_refusal_is_shown_with_the_last_response() -> None:
    frozen = FrozenDesk()
    frozen.replies["settings"] = ASKED
    answers = QueryCache(frozen.send, lambda: frozen.now_ms)
    answers.latest(SETTINGS, NoArguments(), 60)
    await _answered(answers)
    del frozen.replies["settings"]
    answers.forget(SETTINGS)
    answers.latest(SETTINGS, NoArguments(), 60)
    await _answered(answers)
    heard = answers.latest(SETTINGS, NoArguments(), 60)
    assert heard.result == ASKED
    assert "No reply is set for settings" in heard.problem


async def test_the_number_of_cached_responses_is_bounded() -> None:
    frozen = FrozenDesk()
    answers = QueryCache(frozen.send, lambda: frozen.now_ms)
    for number in range(MAX_KEPT + 1):
        answers.latest(WHY, WhyQuery(symbol=f"A{number}USDT"), 60)
        await _answered(answers)
    assert answers.latest(WHY, WhyQuery(symbol="A0USDT"), 60) is NO_RESPONSE
    assert answers.latest(WHY, WhyQuery(symbol=f"A{MAX_KEPT}USDT"), 60).problem
    await answers.close()
