import asyncio

from mexc_tui.desk.engine_requests import SETTINGS, WHY, NoArguments, SettingList, WhyQuery
from mexc_tui.tui.query_cache import MAX_KEPT, NO_RESPONSE, QueryCache
from tests.support.tui.frozen_desk import Frozen

ASKED = SettingList([])


async def _answered(answers: QueryCache) -> None:
    came = asyncio.Event()
    answers.on_change(lambda _: came.set())
    await asyncio.wait_for(came.wait(), 5)


async def test_the_first_look_asks_and_the_next_one_has_the_answer() -> None:
    frozen = Frozen()
    frozen.replies["settings"] = ASKED
    answers = QueryCache(frozen.send, lambda: frozen.now_ms)
    assert answers.latest(SETTINGS, NoArguments(), 60) is NO_RESPONSE
    await _answered(answers)
    assert answers.latest(SETTINGS, NoArguments(), 60).result == ASKED
    assert len(frozen.given) == 1


async def test_an_answer_that_is_too_old_for_a_look_is_asked_anew_and_shown_meanwhile() -> None:
    frozen = Frozen()
    frozen.replies["settings"] = ASKED
    answers = QueryCache(frozen.send, lambda: frozen.now_ms)
    answers.latest(SETTINGS, NoArguments(), 60)
    await _answered(answers)
    assert answers.latest(SETTINGS, NoArguments(), 0).result == ASKED
    await _answered(answers)
    assert len(frozen.given) == 2


async def test_a_refusal_is_said_and_the_last_answer_stays() -> None:
    frozen = Frozen()
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
    assert "Nobody here answers settings" in heard.problem


async def test_only_so_many_answers_are_kept() -> None:
    frozen = Frozen()
    answers = QueryCache(frozen.send, lambda: frozen.now_ms)
    for number in range(MAX_KEPT + 1):
        answers.latest(WHY, WhyQuery(symbol=f"A{number}USDT"), 60)
        await _answered(answers)
    assert answers.latest(WHY, WhyQuery(symbol="A0USDT"), 60) is NO_RESPONSE
    assert answers.latest(WHY, WhyQuery(symbol=f"A{MAX_KEPT}USDT"), 60).problem
    await answers.close()
