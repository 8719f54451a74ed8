"""A command controller without an app: its questions, requests and notices as text."""

import asyncio
from itertools import count
from typing import Any

from mexc_tui.desk.api_types import CommandOutcome, Reply
from mexc_tui.model.plan_view import Preview, PreviewRow
from mexc_tui.model.trading import TradingState
from mexc_tui.model.trading_view import Achieved
from mexc_tui.tui.actions.actions import BY_ID, ActionTarget
from mexc_tui.tui.actions.command_controller import CommandController, ControllerCallbacks
from mexc_tui.tui.actions.effects import Target
from mexc_tui.tui.activity_log import ActivityLog
from mexc_tui.tui.keys import KEYS
from mexc_tui.tui.screens.command_lines import Lines, draw_run
from mexc_tui.tui.widgets.cell import Tone
from tests.support.tui.frozen_desk import NOW_MS, FrozenDesk

HALTED = Achieved(state=TradingState.HALTED, orders_cancelled=5, positions_left=3)


class ControllerBench:
    """A command controller without a screen, with a clock that the test moves."""

    def __init__(self, frozen: FrozenDesk | None = None) -> None:
        self.frozen = frozen or FrozenDesk()
        self.now_s = 100.0
        self.width = 120
        self.symbol = "OPENUSDT"
        """Symbol of the row under the cursor."""
        self.is_visible = True
        self.said: list[str] = []
        self.activity = ActivityLog()
        number = count(1)
        callbacks = ControllerCallbacks(
            lambda: self.now_s,
            lambda: f"id{next(number)}",
            self._record_notice,
            lambda: None,
            lambda: self.is_visible,
        )
        self._source = self.frozen.source()
        self.controller = CommandController(self._source, self.activity, callbacks)

    def _record_notice(self, words: str, tone: Tone) -> None:
        del tone
        self.said.append(words)

    async def press(self, *keys: str) -> None:
        """Press keys, with a human pause before each."""
        for key in keys:
            self.now_s += 1.0
            await self.press_at_once(key)

    async def press_at_once(self, key: str) -> None:
        """Press a key at the same time as the previous one."""
        if not self.controller.handle_key(key, key if len(key) == 1 else None):
            self._want(key)
        for _ in range(5):
            await asyncio.sleep(0)

    def _want(self, key: str) -> None:
        found = next((item.id for item in KEYS if key in item.each), key)
        if found == "halt":
            self.controller.halt()
        elif found in BY_ID:
            action = BY_ID[found]
            self.controller.request(
                action, Target() if action.target is ActionTarget.DESK else Target(self.symbol)
            )

    @property
    def text(self) -> str:
        """Return the three current lines."""
        confirmation = self.controller.shown
        lines: Lines = (
            [] if confirmation is None else draw_run(confirmation, self._source, self.now_s, width=self.width)
        )
        return "\n".join("   ".join(part.text for part in line) for line in lines)

    async def until(self, words: str) -> str:
        """Let pending tasks continue until these words are shown."""
        for _ in range(50):
            if words in "\n".join([self.text, *self.said]):
                return self.text
            await asyncio.sleep(0)
        raise AssertionError(f"{words!r} was not said: {self.text!r} {self.said}")

    @property
    def sent_commands(self) -> list[str]:
        """Return the names of the sent commands."""
        return [name for name, _ in self.frozen.received if name != "preview"]

    def args(self, name: str) -> Any:
        """Return the arguments of the last command with this name."""
        return next(args for given, args in reversed(self.frozen.received) if given == name)


def previewed(words: str, *, is_allowed: bool = True, typed: str = "") -> PreviewRow:
    return PreviewRow(
        name=Preview.CLOSE,
        symbol="OPENUSDT",
        at_ms=NOW_MS,
        is_allowed=is_allowed,
        text=words,
        state=TradingState.ACTIVE,
        state_after=TradingState.ACTIVE,
        typed=typed,
    )


def done(words: str, outcome: CommandOutcome = CommandOutcome.DONE) -> Reply[Any]:
    return Reply(outcome, words, HALTED, is_repeated=False)
