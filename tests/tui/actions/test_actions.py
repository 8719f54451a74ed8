"""Commands by keys at a terminal: what each key sends, on which page, and what the screen shows."""

import asyncio

import pytest
from textual import events
from textual.widgets import Static

from mexc_tui.model.trading import TradingState
from mexc_tui.tui.keys import BY_ID
from tests.support.tui.command_desk import command_desk, done
from tests.support.tui.frozen_desk import NOW_MS, FrozenDesk, risk

pytestmark = pytest.mark.timeout(120)  # drives the app


async def test_only_the_named_key_confirms_and_any_other_cancels() -> None:
    async with command_desk(size=(80, 24)) as one:
        one.frozen.replies["close"] = done("2930 OPEN sold.")
        await one.press("4")
        await one.until("OPENUSDT")
        for key in ("enter", "D", "y", "1", "ctrl+p"):
            await one.press("D")
            await one.until("CLOSE OPENUSDT?")
            await one.press(key)
            await one.gone("CLOSE OPENUSDT?")
            assert one.app.screen.name == "positions"
        await one.press("D")
        one.app.post_message(events.Paste("Y"))
        await one.until("Pasted text is ignored.")
        assert one.sent_commands() == []
        await one.press("Y")
        await one.until("done: 2930 OPEN sold.")
        assert one.sent_commands() == ["close"]
        await one.press("escape")
        await one.gone("2930 OPEN sold.")
        await one.press("m")
        await one.until("2930 OPEN sold.")


async def test_news_never_hides_an_open_confirmation() -> None:
    async with command_desk(size=(80, 24)) as one:
        await one.press("X")
        await one.until("FLATTEN?")
        for number in range(3):
            one.app.show_message(f"meanwhile:{number};")
        text = await one.until("meanwhile:2;")
        assert "FLATTEN?    Sells 3 positions worth ~199.94 and 1 without a price" in text
        assert "Y confirm   any other key cancels" in text
        assert "equity 512.40" in text


async def test_no_row_moves_during_a_confirmation_until_it_expires() -> None:
    async with command_desk() as one:
        await one.press("4")
        await one.until("OPENUSDT")
        await one.press("D")
        await one.until("[10s]")
        one.frozen.positions.put("P-OPENUSDT", None)
        one.now[0] += 3
        await one.until("[ 7s]")
        assert "P-OPENUSDT" in one.table.rows.shown
        one.now[0] += 8
        await one.gone("CLOSE OPENUSDT?")
        assert "P-OPENUSDT" not in one.table.rows.shown
        assert one.sent_commands() == []


async def test_keys_act_on_the_row_under_the_cursor_and_report_a_missing_target() -> None:
    async with command_desk() as one:
        one.frozen.replies |= {"disarm": done("FOOUSDT is disarmed.")}
        await one.press("2")
        await one.until("FOOUSDT")
        while one.table.cursor != "L-FOOUSDT":
            await one.press("down")
        await one.press("D")
        await one.until("No open position in FOOUSDT.")
        assert one.sent_commands() == []
        await one.press("a")
        await one.until("FOOUSDT is disarmed.")
        assert one.frozen.received[-1][1].symbol == "FOOUSDT"
        await one.press("8", "A")
        await one.until("Select a row with a symbol")


async def test_every_command_of_the_palette_and_the_keys_reaches_the_engine() -> None:
    frozen = FrozenDesk()
    async with command_desk(frozen) as one:
        for name in ("halt", "reduce_only", "flatten", "kill", "reconcile", "stop"):
            frozen.replies[name] = done(f"{name} it was")
        frozen.positions.put("P-OPENUSDT", None)
        frozen.positions.put("P-QUXUSDT", None)
        frozen.positions.put("P-LOSTUSDT", None)
        await one.press("5")
        for key, needs_confirmation, command in (
            ("r", False, "reduce_only"),
            ("B", False, "reconcile"),
            ("X", True, "flatten"),
            ("K", True, "kill"),
        ):
            await one.press(key)
            if needs_confirmation:
                assert one.sent_commands() == []
                await one.press("Y")
            await one.until(f"{command} it was")
            assert one.sent_commands() == [command]
        await one.app.run_action(BY_ID["stop_engine"].action)
        await one.until("No open position.")
        await one.press("Y")
        await one.until("stop it was")


async def test_a_read_only_screen_hides_and_refuses_actions_that_add_risk() -> None:
    frozen = FrozenDesk()
    frozen.may_operate = False
    async with command_desk(frozen) as one:
        frozen.replies["halt"] = done("halted: by hand")
        assert "A Arm" not in one.text
        assert "X Flatten" in one.text
        titles = [command.title for command in one.app.get_system_commands(one.app.screen)]
        assert any(title.startswith("Flatten") for title in titles)
        assert not any(title.startswith(("Arm", "Resume", "Stop engine", "Reconcile")) for title in titles)
        for name, title in (("arm", "ARM"), ("resume", "RESUME"), ("reconcile", "RECONCILE")):
            one.app.action_command(name)
            await one.until(f"{title} ")
            await one.until("not executed: Unavailable in read-only mode.")
        assert one.sent_commands() == []
        await one.press("h")
        await one.until("done: halted: by hand")
        await one.press("question_mark")
        page = str(one.app.screen.query_one(Static).content)
        assert BY_ID["halt"].read_only_help in page
        assert BY_ID["arm"].help not in page


async def test_a_new_trading_state_is_announced_and_logged() -> None:
    async with command_desk() as one:
        one.frozen.risk.put("risk", risk(TradingState.HALTED, "daily loss of 25 USDT"))
        await one.until("trading halted by engine")
        await one.press("m")
        await one.until("daily loss of 25 USDT")


async def test_news_is_delayed_until_shortly_after_an_opening() -> None:
    async with command_desk() as one:
        one.frozen.now_ms = NOW_MS + 47_000  # FOOUSDT opens, and is armed
        one.frozen.risk.put("risk", risk(TradingState.HALTED, "daily loss of 25 USDT"))
        await one.pilot.pause()
        assert "trading halted" not in one.text
        one.frozen.now_ms += 10_000
        await one.until("trading halted by engine")


async def test_a_halt_does_not_wait_for_a_busy_screen() -> None:
    async with command_desk() as one:
        one.frozen.replies["halt"] = done("halted: by hand")
        release = asyncio.Event()
        one.app.screen.call_next(release.wait)
        focused = one.app.focused
        assert focused is not None
        focused.call_next(release.wait)
        await asyncio.sleep(0)
        one.app.post_message(events.Key("h", "h"))
        for _ in range(100):
            if "halt" in [name for name, _ in one.frozen.received]:
                break
            await asyncio.sleep(0)
        assert "halt" in one.sent_commands()
        release.set()
        await one.until("done: halted: by hand")


async def test_a_confirmation_and_its_result_cost_few_bytes() -> None:
    async with command_desk(size=(120, 40)) as one:
        one.frozen.replies["close"] = done("2930 OPEN sold.")
        await one.press("4")
        await one.until("OPENUSDT")
        for keys, seen, gone in (
            ("D", "CLOSE OPENUSDT?", ""),
            ("Y", "2930 OPEN sold.", ""),
            ("escape", "", "OPEN sold."),
        ):
            before = len(one.wire.written)
            await one.press(keys)
            await (one.until(seen) if seen else one.gone(gone))
            await one.pilot.pause()
            assert len(one.wire.written) - before < 4_000, keys
