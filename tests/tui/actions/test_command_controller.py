"""Each command with its confirmation, refusals and results, as shown in the lines above the footer."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from rich.cells import cell_len

from mexc_tui.desk.api_types import CommandOutcome, EngineSilent, FrontEndError, Reply
from mexc_tui.desk.client import Link
from mexc_tui.desk.engine_requests import STOP, EngineStopping
from mexc_tui.desk.trading_requests import CloseRequest
from mexc_tui.model.plan_view import Preview
from mexc_tui.model.trading import TradingState
from mexc_tui.tui.actions.actions import ACTIONS, BY_ID
from mexc_tui.tui.keys import BY_ID as KEYS_BY_ID
from tests.support.tui.controller_bench import HALTED, ControllerBench, done, previewed
from tests.support.tui.frozen_desk import FrozenDesk, risk


def halted(frozen: FrozenDesk) -> None:
    frozen.risk.put("risk", risk(TradingState.HALTED, "by hand"))


def held_back() -> tuple[asyncio.Event, Callable[[Any], Awaitable[Any]]]:
    """Return an event, and a reply that waits for it."""
    release = asyncio.Event()

    async def answer(_: Any) -> Reply[Any]:
        await release.wait()
        return done("halted: by hand; 5 orders cancelled, 0 left.")

    return release, answer


# Halting


async def test_one_key_halts_without_confirmation_and_reports_the_result() -> None:
    one = ControllerBench()
    one.frozen.replies["halt"] = done("halted: by hand; 5 orders cancelled, 0 left.")
    await one.press("h")
    text = await one.until("5 orders cancelled")
    assert one.sent_commands == ["halt"]
    assert "HALT" in text


async def test_the_same_key_again_offers_to_resume_and_needs_confirmation() -> None:
    frozen = FrozenDesk()
    halted(frozen)
    one = ControllerBench(frozen)
    one.frozen.replies |= {"preview": previewed("Entries are allowed again."), "resume": done("active")}
    await one.press("h")
    await one.until("Entries are allowed again.")
    assert one.sent_commands == []
    await one.press("Y")
    await one.until("done: active")
    assert one.sent_commands == ["resume"]


async def test_a_held_halt_key_halts_once_without_a_question() -> None:
    one = ControllerBench()
    one.frozen.replies["halt"] = done("halted")
    await one.press("h")
    await one.until("done: halted")
    halted(one.frozen)
    for _ in range(5):
        one.now_s += 0.03
        await one.press_at_once("h")
    assert one.sent_commands == ["halt"]
    assert "RESUME" not in one.text


async def test_results_are_shown_in_the_header_if_the_lines_are_hidden() -> None:
    one = ControllerBench()
    one.is_visible = False
    one.frozen.replies["halt"] = done("halted: by hand")
    await one.press("h")
    await one.until("HALT: done. halted: by hand")


async def test_a_halt_does_not_wait_for_other_commands() -> None:
    one = ControllerBench()
    release, one.frozen.replies["flatten"] = held_back()
    one.frozen.replies["halt"] = done("halted: by hand")
    await one.press("X", "Y")
    await one.until("in progress")
    await one.press("h")
    await one.until("done: halted: by hand")
    assert one.sent_commands == ["flatten", "halt"]
    release.set()
    await one.until("FLATTEN: done")


async def test_without_a_connection_the_halt_key_halts_again_and_never_resumes() -> None:
    frozen = FrozenDesk()
    halted(frozen)
    one = ControllerBench(frozen)
    one.frozen.link = replace(one.frozen.link, link=Link.DISCONNECTED)
    release, one.frozen.replies["halt"] = held_back()
    await one.press("h")
    await one.until(
        "Engine disconnected: will send on reconnect.   Without the engine: mexc-tui kill --direct"
    )
    assert one.sent_commands == ["halt"]
    release.set()


# Confirmations


async def test_close_states_its_effect_in_numbers_and_needs_the_named_key() -> None:
    one = ControllerBench()
    one.frozen.replies["close"] = done("2930 OPEN sold.")
    await one.press("D")
    text = await one.until("CLOSE OPENUSDT?")
    assert "Sells 2930 OPEN at market, worth 99.97 USDT at the bid, P&L +27.57." in text
    assert "Y confirm" in text
    assert one.sent_commands == []
    await one.press("Y")
    await one.until("done: 2930 OPEN sold.")
    assert one.args("close") == CloseRequest(symbol="OPENUSDT")


async def test_the_effect_is_never_cut_off_on_a_narrow_terminal() -> None:
    one = ControllerBench()
    one.width = 60
    cost = "Sell 66.08 KIRA, worth 3.94 USDT at bid 0.05956, expected ~0.05956 (0.00 % slippage), "
    one.frozen.replies["preview"] = previewed(f"{cost}P&L ~+0.5355 USDT; cancels 2 take-profits first.")
    await one.press("D")
    text = await one.until("cancels 2 take-profits first.")
    assert all(cell_len(line) < one.width for line in text.split("\n"))
    assert len(text.split("\n")) == 4
    one.frozen.replies["preview"] = previewed("word " * 200)
    await one.press("n", "D")
    assert (await one.until(" …")).count("\n") == 5


async def test_the_preview_of_the_engine_replaces_the_estimate() -> None:
    one = ControllerBench()
    one.frozen.replies["preview"] = previewed("Sells 2930 OPEN for about 99.1 USDT, 0.4 % below the bid.")
    await one.press("D")
    await one.until("0.4 % below the bid")


async def test_keys_are_ignored_at_first_and_a_held_key_never_confirms() -> None:
    one = ControllerBench()
    await one.press("D")
    for key in ["Y", *["D"] * 20, *["Y"] * 20]:
        one.now_s += 0.03
        await one.press_at_once(key)
    assert one.sent_commands == []
    assert "CLOSE OPENUSDT?" in one.text


async def test_a_share_is_selected_before_the_confirmation() -> None:
    one = ControllerBench()
    one.frozen.replies["close"] = done("1465 OPEN sold, 1465 left.")
    await one.press("P")
    await one.until("2: 25 %   5: 50 %   7: 75 %")
    await one.press("5")
    text = await one.until("CLOSE 50 % OF OPENUSDT?")
    assert "Sells 1465 OPEN at market, worth 49.98 USDT" in text or "49.99" in text
    await one.press("Y")
    await one.until("1465 OPEN sold")
    assert one.args("close") == CloseRequest(symbol="OPENUSDT", share_pct=Decimal(50))


async def test_a_wrong_key_at_the_choice_closes_nothing() -> None:
    one = ControllerBench()
    await one.press("P", "Y")
    assert "CLOSE PART" not in one.text
    assert one.sent_commands == []


async def test_flatten_states_what_it_sells_and_what_remains() -> None:
    one = ControllerBench()
    one.frozen.replies["flatten"] = done("sold by hand; 3 positions closed, 0 left", CommandOutcome.PARTLY)
    await one.press("X")
    await one.until("Sells 3 positions worth ~199.94 and 1 without a price")
    await one.press("Y")
    await one.until("partly done: sold by hand; 3 positions closed, 0 left")


async def test_progress_shows_elapsed_time_and_remaining_orders() -> None:
    one = ControllerBench()
    release, one.frozen.replies["kill"] = held_back()
    await one.press("K", "Y")
    await one.until("in progress, 0 s, 0 orders and 3 positions left")
    one.frozen.positions.put("P-LOSTUSDT", None)
    one.now_s += 4
    await one.until("in progress, 4 s, 0 orders and 2 positions left")
    release.set()
    await one.until("5 orders cancelled")


# Actions that add risk


async def test_arming_waits_for_the_preview_of_the_engine() -> None:
    one = ControllerBench()
    one.frozen.replies |= {
        "preview": previewed("Buys FOOUSDT at its opening for at most 50 USDT, up to 0.0412."),
        "arm": done("FOOUSDT is armed: at most 50 USDT."),
    }
    one.symbol = "FOOUSDT"
    await one.press("A")
    await one.until("at most 50 USDT, up to 0.0412")
    await one.press("Y")
    await one.until("FOOUSDT is armed")
    assert one.args("arm").symbol == "FOOUSDT"
    assert one.args("preview").name is Preview.ARM


async def test_a_refused_preview_needs_no_confirmation() -> None:
    one = ControllerBench()
    one.frozen.replies["preview"] = previewed("FOOUSDT is not armed: no calendar.", is_allowed=False)
    await one.press("A")
    await one.until("refused: FOOUSDT is not armed: no calendar.")
    await one.press("Y")
    assert one.sent_commands == []


async def test_without_a_preview_no_action_adds_risk() -> None:
    one = ControllerBench()  # without a reply to the preview
    await one.press("A")
    await one.until("refused: No reply is set for preview.")
    await one.press("Y")
    assert one.sent_commands == []


async def test_resuming_after_a_loss_requires_a_typed_word() -> None:
    frozen = FrozenDesk()
    halted(frozen)
    one = ControllerBench(frozen)
    one.frozen.replies |= {
        "preview": previewed("Entries again after a daily loss of 25.", typed="resume"),
        "resume": done("trading is active; loss counters reset from here"),
    }
    await one.press("R")
    await one.until("type resume > _")
    await one.press("Y")
    assert one.sent_commands == []
    await one.press("backspace", *"resum")
    await one.until("type resume > resum_")
    assert one.sent_commands == []
    await one.press("e")
    await one.until("loss counters reset")
    assert one.args("resume").typed == "resume"


async def test_a_pasted_word_does_not_resume() -> None:
    frozen = FrozenDesk()
    halted(frozen)
    one = ControllerBench(frozen)
    one.frozen.replies["preview"] = previewed("Entries again.", typed="resume")
    await one.press("R")
    await one.until("type resume > _")
    one.now_s += 1.0
    for key in "resume":  # the clock does not advance: pasted
        await one.press_at_once(key)
    await one.until("Pasted text is ignored.")
    assert one.controller.handle_paste()
    assert one.sent_commands == []


async def test_stopping_the_engine_with_open_positions_requires_a_typed_word() -> None:
    one = ControllerBench()
    one.frozen.replies[STOP.name] = EngineStopping(pid=1)
    await one.press("stop_engine")
    text = await one.until("type stop > _")
    assert "3 positions would stay open without a stop" in text
    await one.press(*"stop")
    await one.until("STOP ENGINE   done")


# Without confirmation


@pytest.mark.parametrize(("key", "command"), [("a", "disarm"), ("r", "reduce_only"), ("B", "reconcile")])
async def test_actions_without_confirmation_are_sent_immediately(key: str, command: str) -> None:
    one = ControllerBench()
    one.frozen.replies[command] = done(f"{command} it was")
    await one.press(key)
    await one.until(f"{command} it was")
    assert one.sent_commands == [command]


# Failures


async def test_a_failed_send_is_reported_with_its_reason() -> None:
    one = ControllerBench()

    async def answer(_: Any) -> Reply[Any]:
        raise FrontEndError("This engine does not know the command.")

    one.frozen.replies["reduce_only"] = answer
    await one.press("r")
    await one.until("failed, check before a retry: This engine does not know the command.")


async def test_no_response_is_reported_as_unknown_and_retried_with_the_same_id() -> None:
    one = ControllerBench()
    answers: list[Reply[Any] | EngineSilent] = [
        EngineSilent("close got no response within 200 s: its outcome is unknown."),
        Reply(CommandOutcome.DONE, "2930 OPEN sold.", HALTED, is_repeated=True),
    ]

    async def answer(_: Any) -> Reply[Any]:
        found = answers.pop(0)
        if isinstance(found, EngineSilent):
            raise found
        return found

    one.frozen.replies["close"] = answer
    await one.press("D", "Y")
    await one.until("Y retry")
    await one.press("Y")
    await one.until("done (repeated response): 2930 OPEN sold.")
    numbers = [number for name, number in one.frozen.ids if name == "close"]
    assert len(numbers) == 2
    assert len(set(numbers)) == 1
    assert numbers[0]


async def test_an_unanswered_sale_is_not_executed_twice_by_a_retry() -> None:
    one = ControllerBench()

    async def silent(_: Any) -> Reply[Any]:
        raise EngineSilent("close got no response within 200 s: its outcome is unknown.")

    one.frozen.replies["close"] = silent
    await one.press("P", "5", "Y")
    await one.until("Y retry")
    await one.press("n")
    assert one.controller.shown is None
    one.frozen.replies["close"] = Reply(CommandOutcome.DONE, "1465 OPEN sold.", HALTED, is_repeated=True)
    await one.press("P", "5", "Y")
    await one.until("done (repeated response): 1465 OPEN sold.")
    await one.press("P", "5", "Y")
    numbers = [number for name, number in one.frozen.ids if name == "close"]
    assert numbers[0] == numbers[1] != numbers[2]


async def test_a_second_halt_has_a_new_id_even_without_a_response_to_the_first() -> None:
    one = ControllerBench()

    async def silent(_: Any) -> Reply[Any]:
        raise EngineSilent("halt got no response within 30 s: its outcome is unknown.")

    one.frozen.replies["halt"] = silent
    await one.press("h")
    await one.until("Y retry")
    await one.press("n", "h")
    numbers = [number for name, number in one.frozen.ids if name == "halt"]
    assert len(numbers) == len(set(numbers)) == 2


async def test_each_command_has_its_own_id() -> None:
    one = ControllerBench()
    one.frozen.replies["disarm"] = done("disarmed")
    await one.press("a")
    await one.until("disarmed")
    await one.press("a")
    numbers = [number for name, number in one.frozen.ids if name == "disarm"]
    assert len(set(numbers)) == 2


async def test_an_action_in_progress_is_not_sent_twice() -> None:
    one = ControllerBench()
    release, one.frozen.replies["flatten"] = held_back()
    await one.press("X", "Y")
    await one.until("in progress")
    await one.press("X")
    await one.until("FLATTEN is already in progress.")
    assert one.sent_commands == ["flatten"]
    release.set()


# Read-only


async def test_a_read_only_screen_may_reduce_risk() -> None:
    frozen = FrozenDesk()
    frozen.may_operate = False
    one = ControllerBench(frozen)
    one.frozen.replies |= {"halt": done("halted"), "flatten": done("all sold")}
    await one.press("h")
    await one.until("done: halted")
    await one.press("X", "Y")
    await one.until("done: all sold")


def test_every_action_has_a_key_with_its_id() -> None:
    assert len(BY_ID) == len(ACTIONS)
    for action in ACTIONS:
        key = KEYS_BY_ID[action.id]
        assert key.action in (f"command('{action.id}')", f"form('{action.id}')")
        assert key.needs_operator is not action.lowers_risk
        if action.needs_confirmation:
            assert all(one.isupper() for one in key.each), action.id
