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
    bench = ControllerBench()
    bench.frozen.replies["halt"] = done("halted: by hand; 5 orders cancelled, 0 left.")
    await bench.press("h")
    text = await bench.until("5 orders cancelled")
    assert bench.sent_commands == ["halt"]
    assert "HALT" in text


async def test_the_same_key_again_offers_to_resume_and_needs_confirmation() -> None:
    frozen = FrozenDesk()
    halted(frozen)
    bench = ControllerBench(frozen)
    bench.frozen.replies |= {"preview": previewed("Entries are allowed again."), "resume": done("active")}
    await bench.press("h")
    await bench.until("Entries are allowed again.")
    assert bench.sent_commands == []
    await bench.press("Y")
    await bench.until("done: active")
    assert bench.sent_commands == ["resume"]


async def test_a_held_halt_key_halts_once_without_a_question() -> None:
    bench = ControllerBench()
    bench.frozen.replies["halt"] = done("halted")
    await bench.press("h")
    await bench.until("done: halted")
    halted(bench.frozen)
    for _ in range(5):
        bench.now_s += 0.03
        await bench.press_at_once("h")
    assert bench.sent_commands == ["halt"]
    assert "RESUME" not in bench.text


async def test_results_are_shown_in_the_header_if_the_lines_are_hidden() -> None:
    bench = ControllerBench()
    bench.is_visible = False
    bench.frozen.replies["halt"] = done("halted: by hand")
    await bench.press("h")
    await bench.until("HALT: done. halted: by hand")


async def test_a_halt_does_not_wait_for_other_commands() -> None:
    bench = ControllerBench()
    release, bench.frozen.replies["flatten"] = held_back()
    bench.frozen.replies["halt"] = done("halted: by hand")
    await bench.press("X", "Y")
    await bench.until("in progress")
    await bench.press("h")
    await bench.until("done: halted: by hand")
    assert bench.sent_commands == ["flatten", "halt"]
    release.set()
    await bench.until("FLATTEN: done")


async def test_without_a_connection_the_halt_key_halts_again_and_never_resumes() -> None:
    frozen = FrozenDesk()
    halted(frozen)
    bench = ControllerBench(frozen)
    bench.frozen.link = replace(bench.frozen.link, link=Link.DISCONNECTED)
    release, bench.frozen.replies["halt"] = held_back()
    await bench.press("h")
    await bench.until(
        "Engine disconnected: will send on reconnect.   Without the engine: mexc-tui kill --direct"
    )
    assert bench.sent_commands == ["halt"]
    release.set()


# Confirmations


async def test_close_states_its_effect_in_numbers_and_needs_the_named_key() -> None:
    bench = ControllerBench()
    bench.frozen.replies["close"] = done("2930 OPEN sold.")
    await bench.press("D")
    text = await bench.until("CLOSE OPENUSDT?")
    assert "Sells 2930 OPEN at market, worth 99.97 USDT at the bid, P&L +27.57." in text
    assert "Y confirm" in text
    assert bench.sent_commands == []
    await bench.press("Y")
    await bench.until("done: 2930 OPEN sold.")
    assert bench.args("close") == CloseRequest(symbol="OPENUSDT")


async def test_the_effect_is_never_cut_off_on_a_narrow_terminal() -> None:
    bench = ControllerBench()
    bench.width = 60
    cost = "Sell 66.08 KIRA, worth 3.94 USDT at bid 0.05956, expected ~0.05956 (0.00 % slippage), "
    bench.frozen.replies["preview"] = previewed(f"{cost}P&L ~+0.5355 USDT; cancels 2 take-profits first.")
    await bench.press("D")
    text = await bench.until("cancels 2 take-profits first.")
    assert all(cell_len(line) < bench.width for line in text.split("\n"))
    assert len(text.split("\n")) == 4
    bench.frozen.replies["preview"] = previewed("word " * 200)
    await bench.press("n", "D")
    assert (await bench.until(" …")).count("\n") == 5


async def test_the_preview_of_the_engine_replaces_the_estimate() -> None:
    bench = ControllerBench()
    bench.frozen.replies["preview"] = previewed("Sells 2930 OPEN for about 99.1 USDT, 0.4 % below the bid.")
    await bench.press("D")
    await bench.until("0.4 % below the bid")


async def test_keys_are_ignored_at_first_and_a_held_key_never_confirms() -> None:
    bench = ControllerBench()
    await bench.press("D")
    for key in ["Y", *["D"] * 20, *["Y"] * 20]:
        bench.now_s += 0.03
        await bench.press_at_once(key)
    assert bench.sent_commands == []
    assert "CLOSE OPENUSDT?" in bench.text


async def test_a_share_is_selected_before_the_confirmation() -> None:
    bench = ControllerBench()
    bench.frozen.replies["close"] = done("1465 OPEN sold, 1465 left.")
    await bench.press("P")
    await bench.until("2: 25 %   5: 50 %   7: 75 %")
    await bench.press("5")
    text = await bench.until("CLOSE 50 % OF OPENUSDT?")
    assert "Sells 1465 OPEN at market, worth 49.98 USDT" in text or "49.99" in text
    await bench.press("Y")
    await bench.until("1465 OPEN sold")
    assert bench.args("close") == CloseRequest(symbol="OPENUSDT", share_pct=Decimal(50))


async def test_a_wrong_key_at_the_choice_closes_nothing() -> None:
    bench = ControllerBench()
    await bench.press("P", "Y")
    assert "CLOSE PART" not in bench.text
    assert bench.sent_commands == []


async def test_flatten_states_what_it_sells_and_what_remains() -> None:
    bench = ControllerBench()
    bench.frozen.replies["flatten"] = done("sold by hand; 3 positions closed, 0 left", CommandOutcome.PARTLY)
    await bench.press("X")
    await bench.until("Sells 3 positions worth ~199.94 and 1 without a price")
    await bench.press("Y")
    await bench.until("partly done: sold by hand; 3 positions closed, 0 left")


async def test_progress_shows_elapsed_time_and_remaining_orders() -> None:
    bench = ControllerBench()
    release, bench.frozen.replies["kill"] = held_back()
    await bench.press("K", "Y")
    await bench.until("in progress, 0 s, 0 orders and 3 positions left")
    bench.frozen.positions.put("P-LOSTUSDT", None)
    bench.now_s += 4
    await bench.until("in progress, 4 s, 0 orders and 2 positions left")
    release.set()
    await bench.until("5 orders cancelled")


# Actions that add risk


async def test_arming_waits_for_the_preview_of_the_engine() -> None:
    bench = ControllerBench()
    bench.frozen.replies |= {
        "preview": previewed("Buys FOOUSDT at its opening for at most 50 USDT, up to 0.0412."),
        "arm": done("FOOUSDT is armed: at most 50 USDT."),
    }
    bench.symbol = "FOOUSDT"
    await bench.press("A")
    await bench.until("at most 50 USDT, up to 0.0412")
    await bench.press("Y")
    await bench.until("FOOUSDT is armed")
    assert bench.args("arm").symbol == "FOOUSDT"
    assert bench.args("preview").name is Preview.ARM


async def test_a_refused_preview_needs_no_confirmation() -> None:
    bench = ControllerBench()
    bench.frozen.replies["preview"] = previewed("FOOUSDT is not armed: no calendar.", is_allowed=False)
    await bench.press("A")
    await bench.until("refused: FOOUSDT is not armed: no calendar.")
    await bench.press("Y")
    assert bench.sent_commands == []


async def test_without_a_preview_no_action_adds_risk() -> None:
    bench = ControllerBench()  # without a reply to the preview
    await bench.press("A")
    await bench.until("refused: No reply is set for preview.")
    await bench.press("Y")
    assert bench.sent_commands == []


async def test_resuming_after_a_loss_requires_a_typed_word() -> None:
    frozen = FrozenDesk()
    halted(frozen)
    bench = ControllerBench(frozen)
    bench.frozen.replies |= {
        "preview": previewed("Entries again after a daily loss of 25.", typed="resume"),
        "resume": done("trading is active; loss counters reset from here"),
    }
    await bench.press("R")
    await bench.until("type resume > _")
    await bench.press("Y")
    assert bench.sent_commands == []
    await bench.press("backspace", *"resum")
    await bench.until("type resume > resum_")
    assert bench.sent_commands == []
    await bench.press("e")
    await bench.until("loss counters reset")
    assert bench.args("resume").typed == "resume"


async def test_a_pasted_word_does_not_resume() -> None:
    frozen = FrozenDesk()
    halted(frozen)
    bench = ControllerBench(frozen)
    bench.frozen.replies["preview"] = previewed("Entries again.", typed="resume")
    await bench.press("R")
    await bench.until("type resume > _")
    bench.now_s += 1.0
    for key in "resume":  # the clock does not advance: pasted
        await bench.press_at_once(key)
    await bench.until("Pasted text is ignored.")
    assert bench.controller.handle_paste()
    assert bench.sent_commands == []


async def test_stopping_the_engine_with_open_positions_requires_a_typed_word() -> None:
    bench = ControllerBench()
    bench.frozen.replies[STOP.name] = EngineStopping(pid=1)
    await bench.press("stop_engine")
    text = await bench.until("type stop > _")
    assert "3 positions would stay open without a stop" in text
    await bench.press(*"stop")
    await bench.until("STOP ENGINE   done")


# Without confirmation


@pytest.mark.parametrize(("key", "command"), [("a", "disarm"), ("r", "reduce_only"), ("B", "reconcile")])
async def test_actions_without_confirmation_are_sent_immediately(key: str, command: str) -> None:
    bench = ControllerBench()
    bench.frozen.replies[command] = done(f"{command} it was")
    await bench.press(key)
    await bench.until(f"{command} it was")
    assert bench.sent_commands == [command]


# Failures


async def test_a_failed_send_is_reported_with_its_reason() -> None:
    bench = ControllerBench()

    async def answer(_: Any) -> Reply[Any]:
        raise FrontEndError("This engine does not know the command.")

    bench.frozen.replies["reduce_only"] = answer
    await bench.press("r")
    await bench.until("failed, check before a retry: This engine does not know the command.")


async def test_no_response_is_reported_as_unknown_and_retried_with_the_same_id() -> None:
    bench = ControllerBench()
    answers: list[Reply[Any] | EngineSilent] = [
        EngineSilent("close got no response within 200 s: its outcome is unknown."),
        Reply(CommandOutcome.DONE, "2930 OPEN sold.", HALTED, is_repeated=True),
    ]

    async def answer(_: Any) -> Reply[Any]:
        found = answers.pop(0)
        if isinstance(found, EngineSilent):
            raise found
        return found

    bench.frozen.replies["close"] = answer
    await bench.press("D", "Y")
    await bench.until("Y retry")
    await bench.press("Y")
    await bench.until("done (repeated response): 2930 OPEN sold.")
    numbers = [number for name, number in bench.frozen.ids if name == "close"]
    assert len(numbers) == 2
    assert len(set(numbers)) == 1
    assert numbers[0]


async def test_an_unanswered_sale_is_not_executed_twice_by_a_retry() -> None:
    bench = ControllerBench()

    async def silent(_: Any) -> Reply[Any]:
        raise EngineSilent("close got no response within 200 s: its outcome is unknown.")

    bench.frozen.replies["close"] = silent
    await bench.press("P", "5", "Y")
    await bench.until("Y retry")
    await bench.press("n")
    assert bench.controller.shown is None
    bench.frozen.replies["close"] = Reply(CommandOutcome.DONE, "1465 OPEN sold.", HALTED, is_repeated=True)
    await bench.press("P", "5", "Y")
    await bench.until("done (repeated response): 1465 OPEN sold.")
    await bench.press("P", "5", "Y")
    numbers = [number for name, number in bench.frozen.ids if name == "close"]
    assert numbers[0] == numbers[1] != numbers[2]


async def test_a_second_halt_has_a_new_id_even_without_a_response_to_the_first() -> None:
    bench = ControllerBench()

    async def silent(_: Any) -> Reply[Any]:
        raise EngineSilent("halt got no response within 30 s: its outcome is unknown.")

    bench.frozen.replies["halt"] = silent
    await bench.press("h")
    await bench.until("Y retry")
    await bench.press("n", "h")
    numbers = [number for name, number in bench.frozen.ids if name == "halt"]
    assert len(numbers) == len(set(numbers)) == 2


async def test_each_command_has_its_own_id() -> None:
    bench = ControllerBench()
    bench.frozen.replies["disarm"] = done("disarmed")
    await bench.press("a")
    await bench.until("disarmed")
    await bench.press("a")
    numbers = [number for name, number in bench.frozen.ids if name == "disarm"]
    assert len(set(numbers)) == 2


async def test_an_action_in_progress_is_not_sent_twice() -> None:
    bench = ControllerBench()
    release, bench.frozen.replies["flatten"] = held_back()
    await bench.press("X", "Y")
    await bench.until("in progress")
    await bench.press("X")
    await bench.until("FLATTEN is already in progress.")
    assert bench.sent_commands == ["flatten"]
    release.set()


# Read-only


async def test_a_read_only_screen_may_reduce_risk() -> None:
    frozen = FrozenDesk()
    frozen.may_operate = False
    bench = ControllerBench(frozen)
    bench.frozen.replies |= {"halt": done("halted"), "flatten": done("all sold")}
    await bench.press("h")
    await bench.until("done: halted")
    await bench.press("X", "Y")
    await bench.until("done: all sold")


def test_every_action_has_a_key_with_its_id() -> None:
    assert len(BY_ID) == len(ACTIONS)
    for action in ACTIONS:
        key = KEYS_BY_ID[action.id]
        assert key.action in (f"command('{action.id}')", f"form('{action.id}')")
        assert key.needs_operator is not action.lowers_risk
        if action.needs_confirmation:
            assert all(bench.isupper() for bench in key.each), action.id
