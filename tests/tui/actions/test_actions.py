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
    async with command_desk(size=(80, 24)) as ui:
        ui.frozen.replies["close"] = done("2930 OPEN sold.")
        await ui.press("4")
        await ui.until("OPENUSDT")
        for key in ("enter", "D", "y", "1", "ctrl+p"):
            await ui.press("D")
            await ui.until("CLOSE OPENUSDT?")
            await ui.press(key)
            await ui.gone("CLOSE OPENUSDT?")
            assert ui.app.screen.name == "positions"
        await ui.press("D")
        ui.app.post_message(events.Paste("Y"))
        await ui.until("Pasted text is ignored.")
        assert ui.sent_commands() == []
        await ui.press("Y")
        await ui.until("done: 2930 OPEN sold.")
        assert ui.sent_commands() == ["close"]
        await ui.press("escape")
        await ui.gone("2930 OPEN sold.")
        await ui.press("m")
        await ui.until("2930 OPEN sold.")


async def test_news_never_hides_an_open_confirmation() -> None:
    async with command_desk(size=(80, 24)) as ui:
        await ui.press("X")
        await ui.until("FLATTEN?")
        for number in range(3):
            ui.app.show_message(f"meanwhile:{number};")
        text = await ui.until("meanwhile:2;")
        assert "FLATTEN?    Sells 3 positions worth ~199.94 and 1 without a price" in text
        assert "Y confirm   any other key cancels" in text
        assert "equity 512.40" in text


async def test_no_row_moves_during_a_confirmation_until_it_expires() -> None:
    async with command_desk() as ui:
        await ui.press("4")
        await ui.until("OPENUSDT")
        await ui.press("D")
        await ui.until("[10s]")
        ui.frozen.positions.put("P-OPENUSDT", None)
        ui.now[0] += 3
        await ui.until("[ 7s]")
        assert "P-OPENUSDT" in ui.table.rows.shown
        ui.now[0] += 8
        await ui.gone("CLOSE OPENUSDT?")
        assert "P-OPENUSDT" not in ui.table.rows.shown
        assert ui.sent_commands() == []


async def test_keys_act_on_the_row_under_the_cursor_and_report_a_missing_target() -> None:
    async with command_desk() as ui:
        ui.frozen.replies |= {"disarm": done("FOOUSDT is disarmed.")}
        await ui.press("2")
        await ui.until("FOOUSDT")
        while ui.table.cursor != "L-FOOUSDT":
            await ui.press("down")
        await ui.press("D")
        await ui.until("No open position in FOOUSDT.")
        assert ui.sent_commands() == []
        await ui.press("a")
        await ui.until("FOOUSDT is disarmed.")
        assert ui.frozen.received[-1][1].symbol == "FOOUSDT"
        await ui.press("8", "A")
        await ui.until("Select a row with a symbol")


async def test_every_command_of_the_palette_and_the_keys_reaches_the_engine() -> None:
    frozen = FrozenDesk()
    async with command_desk(frozen) as ui:
        for name in ("halt", "reduce_only", "flatten", "kill", "reconcile", "stop"):
            frozen.replies[name] = done(f"{name} it was")
        frozen.positions.put("P-OPENUSDT", None)
        frozen.positions.put("P-QUXUSDT", None)
        frozen.positions.put("P-LOSTUSDT", None)
        await ui.press("5")
        for key, needs_confirmation, command in (
            ("r", False, "reduce_only"),
            ("B", False, "reconcile"),
            ("X", True, "flatten"),
            ("K", True, "kill"),
        ):
            await ui.press(key)
            if needs_confirmation:
                assert ui.sent_commands() == []
                await ui.press("Y")
            await ui.until(f"{command} it was")
            assert ui.sent_commands() == [command]
        await ui.app.run_action(BY_ID["stop_engine"].action)
        await ui.until("No open position.")
        await ui.press("Y")
        await ui.until("stop it was")


async def test_a_read_only_screen_hides_and_refuses_actions_that_add_risk() -> None:
    frozen = FrozenDesk()
    frozen.may_operate = False
    async with command_desk(frozen) as ui:
        frozen.replies["halt"] = done("halted: by hand")
        assert "A Arm" not in ui.text
        assert "X Flatten" in ui.text
        titles = [command.title for command in ui.app.get_system_commands(ui.app.screen)]
        assert any(title.startswith("Flatten") for title in titles)
        assert not any(title.startswith(("Arm", "Resume", "Stop engine", "Reconcile")) for title in titles)
        for name, title in (("arm", "ARM"), ("resume", "RESUME"), ("reconcile", "RECONCILE")):
            ui.app.action_command(name)
            await ui.until(f"{title} ")
            await ui.until("not executed: Unavailable in read-only mode.")
        assert ui.sent_commands() == []
        await ui.press("h")
        await ui.until("done: halted: by hand")
        await ui.press("question_mark")
        page = str(ui.app.screen.query_one(Static).content)
        assert BY_ID["halt"].read_only_help in page
        assert BY_ID["arm"].help not in page


async def test_a_new_trading_state_is_announced_and_logged() -> None:
    async with command_desk() as ui:
        ui.frozen.risk.put("risk", risk(TradingState.HALTED, "daily loss of 25 USDT"))
        await ui.until("trading halted by engine")
        await ui.press("m")
        await ui.until("daily loss of 25 USDT")


async def test_news_is_delayed_until_shortly_after_an_opening() -> None:
    async with command_desk() as ui:
        ui.frozen.now_ms = NOW_MS + 47_000  # FOOUSDT opens, and is armed
        ui.frozen.risk.put("risk", risk(TradingState.HALTED, "daily loss of 25 USDT"))
        await ui.pilot.pause()
        assert "trading halted" not in ui.text
        ui.frozen.now_ms += 10_000
        await ui.until("trading halted by engine")


async def test_a_halt_does_not_wait_for_a_busy_screen() -> None:
    async with command_desk() as ui:
        ui.frozen.replies["halt"] = done("halted: by hand")
        release = asyncio.Event()
        ui.app.screen.call_next(release.wait)
        focused = ui.app.focused
        assert focused is not None
        focused.call_next(release.wait)
        await asyncio.sleep(0)
        ui.app.post_message(events.Key("h", "h"))
        for _ in range(100):
            if "halt" in [name for name, _ in ui.frozen.received]:
                break
            await asyncio.sleep(0)
        assert "halt" in ui.sent_commands()
        release.set()
        await ui.until("done: halted: by hand")


async def test_a_confirmation_and_its_result_cost_few_bytes() -> None:
    async with command_desk(size=(120, 40)) as ui:
        ui.frozen.replies["close"] = done("2930 OPEN sold.")
        await ui.press("4")
        await ui.until("OPENUSDT")
        for keys, seen, gone in (
            ("D", "CLOSE OPENUSDT?", ""),
            ("Y", "2930 OPEN sold.", ""),
            ("escape", "", "OPEN sold."),
        ):
            before = len(ui.wire.written)
            await ui.press(keys)
            await (ui.until(seen) if seen else ui.gone(gone))
            await ui.pilot.pause()
            assert len(ui.wire.written) - before < 4_000, keys
