"""The Textual app: current screen, repaints, themes."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import tzinfo
from functools import partial
from typing import Any, ClassVar

import msgspec
from textual.app import SystemCommand
from textual.binding import BindingType
from textual.driver import Driver
from textual.screen import Screen

from mexc_tui.desk.client import Link
from mexc_tui.model.text import clean
from mexc_tui.tui.action_mixin import DEFAULT_ENVIRONMENT, AppEnvironment
from mexc_tui.tui.keys import Scope, bindings, palette
from mexc_tui.tui.page_mixin import PageMixin
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens.board_screen import CURSOR, BoardScreen
from mexc_tui.tui.screens.pages import ActivityScreen
from mexc_tui.tui.screens.quit import Ending
from mexc_tui.tui.screens.registry import NAMES, board
from mexc_tui.tui.source import DeskSource
from mexc_tui.tui.terminal.repaint_scheduler import (
    ECONOMY_PER_S,
    ECONOMY_WIRE_PER_S,
    MAX_WIRE_PER_S,
    USUAL_PER_S,
    Dirty,
    RepaintScheduler,
    Time,
    adapted_rate,
    is_opening,
    quiet_left_s,
)
from mexc_tui.tui.themes import Theme, Themes
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.header_bar import HeaderBar
from mexc_tui.tui.widgets.header_text import HeaderData

log = logging.getLogger(__name__)

_TICK = "tick"
NEWS = "news"
MAX_PROBLEM = 100
_MARK_LATE_S = 0.01
"""Repaint stale marks just after an age passed its limit."""
ANSWERS = "answers"
"""Name of query results among the changed views."""


class DeskApp(PageMixin):
    """Shows a source and sends commands. Holds no secrets."""

    TITLE = "mexc-tui"
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.EVERYWHERE)]

    def __init__(
        self,
        source: DeskSource,
        themes: Themes,
        theme: Theme,
        *,
        zone: tzinfo,
        is_economy: bool = False,
        welcome: str = "",
        environment: AppEnvironment = DEFAULT_ENVIRONMENT,
        driver_class: type[Driver] | None = None,
    ) -> None:
        """Show a source in a theme; times are in `zone` and UTC."""
        super().__init__(
            source,
            themes,
            theme,
            zone=zone,
            welcome=welcome,
            environment=environment,
            driver_class=driver_class,
        )
        self._themes = themes
        self._repaints_per_s = ECONOMY_PER_S if is_economy else USUAL_PER_S
        self._most_wire_per_s = ECONOMY_WIRE_PER_S if is_economy else MAX_WIRE_PER_S
        self._paused_ms: int | None = None
        self.problem = ""
        """Error that ended the app."""
        self._scheduler: RepaintScheduler | None = None
        self._stale_timer: asyncio.TimerHandle | None = None
        """Timer that repaints when shown data becomes stale."""
        self._boards: dict[str, BoardScreen] = {}

    def on_mount(self) -> None:
        """Show the first screen and subscribe to every view."""
        if self._early_end is not None:
            self.end(self._early_end)
            return
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._loop_failed)
        time = Time(loop.time, loop.call_later)
        self._scheduler = RepaintScheduler(
            time,
            paint=self._paint,
            quiet_left_s=self._quiet_left_s,
            per_s=self._repaints_per_s,
            urgent=self._urgent,
        )
        for name, view in self._source.views().items():
            view.on_change(partial(self._scheduler.changed, name))
        self._source.queries.on_change(self._query_answered)
        self._source.risk.on_change(lambda _: self._changed(NEWS))
        self._show_news()
        self.set_interval(1.0, self._each_second)
        self.push_screen(self._board(NAMES[0]))
        if self._welcome:
            self.action_welcome()
        self.call_after_refresh(self._changed, _TICK)
        for problem in self._themes.problems:
            self.show_message(problem, Tone.WARN)

    async def on_unmount(self) -> None:
        """Stop repaints and queries."""
        if self._scheduler is not None:
            self._scheduler.stop()
        if self._stale_timer is not None:
            self._stale_timer.cancel()
        await self._controller.close()
        await self._source.queries.close()

    def _each_second(self) -> None:
        super()._each_second()
        if self._scheduler is not None:
            wire_per_s = self._source.wire_per_s()
            self._scheduler.set_rate(
                adapted_rate(
                    self._scheduler.per_s,
                    wire_per_s,
                    self._repaints_per_s,
                    most_wire_per_s=self._most_wire_per_s,
                )
            )
        if self._is_stopping and self._source.link().link is Link.DISCONNECTED:
            self.end(Ending.ENGINE_ENDED)
        if self.screen_stack:
            self._close_welcome_before_opening()
        self._changed(_TICK)

    def _changed(self, name: str) -> None:
        if self._scheduler is not None:
            self._scheduler.changed(name, ())

    def _query_answered(self, query: msgspec.Struct) -> None:
        symbol: object = getattr(query, "symbol", "")
        if self._scheduler is not None:
            self._scheduler.changed(ANSWERS, {symbol} if isinstance(symbol, str) else ())

    def _repaint_now(self, name: str) -> None:
        if self._scheduler is not None:
            self._scheduler.repaint_now(name)

    def _paint(self, dirty: Dirty) -> None:
        if self._exit or not self.screen_stack:
            return
        screen = self.screen
        if NEWS in dirty or _TICK in dirty:
            self._show_news()
        if isinstance(screen, ActivityScreen):
            screen.update_entries()
        if not isinstance(screen, BoardScreen):
            self._update_headers()
        if not isinstance(screen, BoardScreen) or not screen.is_ready:
            return
        self._show_board(screen, None if _TICK in dirty else dirty)
        self._show_command()

    def _show_board(self, screen: BoardScreen, dirty: Dirty | None) -> None:
        """Update a screen, and again when its data becomes stale."""
        if self._paused_ms is not None:
            screen.show_frame(self._header_data())
            return
        screen.show(dirty, self._header_data())
        if self._stale_timer is not None:
            self._stale_timer.cancel()
        left_ms = screen.mark_left_ms
        if 0 <= left_ms < float("inf"):
            loop = asyncio.get_running_loop()
            self._stale_timer = loop.call_later(left_ms / 1_000 + _MARK_LATE_S, self._repaint_now, _TICK)

    def _board_shown(self) -> None:
        """Update a screen before its first paint, and again after its layout."""
        screen = self.screen
        if isinstance(screen, BoardScreen) and screen.is_ready:
            self._show_board(screen, None)
        self.call_after_refresh(self._repaint_now, _TICK)

    def _update_headers(self) -> None:
        """Update the header. A change behind a page would resend the whole page."""
        for head in self.screen.query(HeaderBar):
            head.update_data(self._header_data(), self.size.width)

    def _quiet_left_s(self) -> float:
        opens_ms = [row.opens_ms for row in self._source.snipes.rows.values() if row.state.may_buy]
        return quiet_left_s(opens_ms, self._source.now_ms())

    def _urgent(self, changed: Dirty) -> Dirty:
        """Return the rows of symbols that open now; they are painted immediately."""
        now_ms, views = self._source.now_ms(), self._source.views()
        snipes = self._source.snipes.rows.values()
        opening = {row.symbol for row in snipes if row.state.may_buy and is_opening(row.opens_ms, now_ms)}
        found = {ANSWERS: changed.get(ANSWERS, frozenset[str]()) & opening}
        for name in changed.keys() & views.keys():
            rows = views[name].rows
            found[name] = frozenset(
                key for key in changed[name] if key not in rows or getattr(rows[key], "symbol", "") in opening
            )
        return {name: keys for name, keys in found.items() if keys}

    def _header_data(self) -> HeaderData:
        source = self._source
        return HeaderData(
            status=source.status_row,
            risk=source.risk_row,
            link=source.link(),
            silence_ms=source.silence_ms(),
            now_ms=source.now_ms(),
            zone=self._zones[0],
            paused_ms=None if self._paused_ms is None else source.now_ms() - self._paused_ms,
            may_operate=source.may_operate,
            news=self._news.line(self._now_s(), self.size.width),
            positions=sum(row.closed_ms is None for row in source.positions.rows.values()),
        )

    def _board(self, name: str) -> BoardScreen:
        """Return a screen, created on first use."""
        if name not in self._boards:
            screen = self._boards[name] = BoardScreen(board(name), self._source, self._board_shown)
            self.install_screen(screen, name)  # pyright: ignore[reportUnknownMemberType] Textual says Screen
        return self._boards[name]

    def render_context(self, screen: BoardScreen) -> RenderContext:
        """Return the current render context."""
        return screen.render_context(self._header_data())

    def on_board_screen_arranged(self) -> None:
        """Draw panes that became visible."""
        self.call_after_refresh(self._repaint_now, _TICK)

    def on_table_moved(self) -> None:
        """Draw panes that depend on the row under the cursor."""
        self._repaint_now(CURSOR)

    async def action_go(self, name: str) -> None:
        """Switch to a screen."""
        if isinstance(self.screen, BoardScreen) and self.screen.name != name:
            self._board(name)
            self._paused_ms = None
            await self.action_switch_screen(name)

    def action_filter(self) -> None:
        """Filter the focused table."""
        if isinstance(self.screen, BoardScreen):
            self.screen.action_filter()

    def action_focus_next(self) -> None:
        """Focus the next pane; on a page, the scrollable part."""
        if isinstance(self.screen, BoardScreen):
            self.screen.go_to_pane(1)
        else:
            super().action_focus_next()

    def action_focus_previous(self) -> None:
        """Focus the previous pane."""
        if isinstance(self.screen, BoardScreen):
            self.screen.go_to_pane(-1)
        else:
            super().action_focus_previous()

    def action_zoom(self) -> None:
        """Show one pane or all panes."""
        if isinstance(self.screen, BoardScreen):
            self.screen.action_zoom()

    def action_freeze(self) -> None:
        """Pause the display, or resume with current data."""
        self._paused_ms = self._source.now_ms() if self._paused_ms is None else None
        self._changed(_TICK)

    def action_zone(self) -> None:
        """Show times in local time and UTC, or in UTC only."""
        self._zones = self._zones[::-1]
        self._changed(_TICK)

    def action_next_theme(self) -> None:
        """Switch to the next theme."""
        names = sorted(self._themes.by_name)
        self.theme = names[(names.index(self.theme) + 1) % len(names)]

    @property
    def is_opening(self) -> bool:
        """Whether no data has arrived from the engine yet."""
        return self._source.silence_ms() is None

    def action_help_quit(self) -> None:
        """Cancel start-up on Ctrl-C; later the key has no action."""
        if self.is_opening:
            self.end(Ending.INTERRUPTED)
        else:
            super().action_help_quit()

    def fail(self, error: BaseException) -> None:
        """End after a failure outside Textual's callbacks."""
        self._handle_exception(error if isinstance(error, Exception) else RuntimeError(repr(error)))

    def report_failed_input(self, problem: str) -> None:
        """Report that reading keys failed and was restarted."""
        if self.is_running and not self._exit:
            self.log_result(
                "Keyboard",
                f"Reading keys failed ({problem}) and was restarted. Press the last key again.",
                Tone.BAD,
            )

    def panic(self, *renderables: object) -> None:
        """End after a failure; log what Textual would print."""
        del renderables
        self._fatal_error()

    def _fatal_error(self) -> None:
        """End after a failure of the app; log it without values of variables."""
        error = self._exception
        log.error("the screen failed", exc_info=error)
        self.ending, self.problem = Ending.BROKE, clean(f"{type(error).__name__}: {error}", MAX_PROBLEM)
        self._close_messages_no_wait()

    def _loop_failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """End after a failure in a loop callback such as painting; log failures of tasks."""
        error = context.get("exception")
        if isinstance(error, Exception) and "handle" in context:
            self.fail(error)
        else:
            loop.default_exception_handler(context)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Return the commands of the palette: every key and theme."""
        for name, text, action in palette(may_operate=self._source.may_operate):
            yield SystemCommand(name, text, self._to_run(action))
        for name in sorted(self._themes.by_name):
            yield SystemCommand(f"Theme {name}", "Use this theme", partial(setattr, self, "theme", name))

    def _to_run(self, action: str) -> Callable[[], object]:
        return lambda: self.run_worker(partial(self.run_action, action))
