"""Actions of the app: commands to the engine, their results, copy and export."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from uuid import uuid4

from rich.text import Text
from textual import events
from textual.actions import SkipAction
from textual.command import CommandPalette
from textual.driver import Driver
from textual.widgets import Input

from mexc_tui.desk.api_types import CommandOutcome, FrontEndError
from mexc_tui.desk.engine_requests import JOURNAL
from mexc_tui.model.text import clean
from mexc_tui.tui.actions import export
from mexc_tui.tui.actions.actions import BY_ID, ActionTarget, refusal
from mexc_tui.tui.actions.command_controller import CommandController, ControllerCallbacks
from mexc_tui.tui.actions.effects import Target
from mexc_tui.tui.actions.file_writer import save
from mexc_tui.tui.activity_log import YOU, ActivityEntry, ActivityLog
from mexc_tui.tui.keys import BY_ID as KEYS_BY_ID
from mexc_tui.tui.notices import AlertSignals, Notice, Notices
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens.board_screen import BoardScreen
from mexc_tui.tui.screens.command_lines import draw_run
from mexc_tui.tui.screens.forms import BY_ID as FORMS
from mexc_tui.tui.screens.forms import LAST_CHANGE, Form, InvalidLine, undoing
from mexc_tui.tui.screens.panes import TablePane
from mexc_tui.tui.source import DeskSource
from mexc_tui.tui.themed_app import ThemedApp
from mexc_tui.tui.themes import Theme, Themes
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.news_line import NewsItem, NewsLine
from mexc_tui.tui.widgets.staleness import CURRENT

FLASH_S = 0.6
CHECK_S = 5.0
_TONES = {"warning": Tone.WARN, "error": Tone.BAD}


@dataclass(frozen=True, slots=True)
class AppEnvironment:
    """Environment of the app: export folder, terminal, monotonic clock."""

    folder: Path = Path()
    in_tmux: bool = False
    now_s: Callable[[], float] | None = None
    """None: the clock of the event loop."""


DEFAULT_ENVIRONMENT = AppEnvironment()


class ActionMixin(ThemedApp):
    """App base with actions. Commands run in the background: no key waits for a response."""

    def __init__(
        self,
        source: DeskSource,
        themes: Themes,
        theme: Theme,
        *,
        environment: AppEnvironment,
        driver_class: type[Driver] | None,
    ) -> None:
        """Connect actions to the engine of a source."""
        super().__init__(themes, theme, driver_class)
        self._source, self._environment = source, environment
        self._activity, self._news = ActivityLog(), NewsLine()
        callbacks = ControllerCallbacks(
            self._now_s, lambda: uuid4().hex, self.show_message, self._show_command, self._is_board_visible
        )
        self._controller = CommandController(source, self._activity, callbacks)
        self._notices = Notices(source, self._activity)

    def _now_s(self) -> float:
        now_s = self._environment.now_s
        return asyncio.get_running_loop().time() if now_s is None else now_s()

    # Keys

    async def on_event(self, event: events.Event) -> None:
        """Pass keys to an open question first; halt keys take precedence."""
        if isinstance(event, events.Key) and not event.is_forwarded and self._handles_key(event):
            return
        if isinstance(event, events.Paste) and not event.is_forwarded and self._controller.handle_paste():
            return
        await super().on_event(event)

    def _handles_key(self, event: events.Key) -> bool:
        question = self._controller.question
        if not self._is_board_visible():
            self._controller.cancel_question()
            return False
        halts = ["halt_now"] if question is not None and question.word else ["halt", "halt_now"]
        if question is not None and any(event.key in KEYS_BY_ID[key_id].each for key_id in halts):
            self._controller.halt()
            return True
        if question is None and isinstance(self.focused, Input):
            return False  # esc closes the input line first
        return self._controller.handle_key(event.key, event.character)

    def action_command(self, name: str) -> None:
        """Run an action of `actions.py`, or ask for confirmation."""
        if name == "halt":
            if isinstance(self.focused, Input):
                raise SkipAction  # a typed letter
            self._controller.halt()
            return
        if name == "unlock" and self._is_live_unlocked():
            name = "lock"
        screen, action = self.screen, BY_ID[name]
        if not isinstance(screen, BoardScreen):
            self.show_message(f"{action.name}: close this page first (esc).", Tone.WARN)
            return
        if name == "undo_setting" and not refusal(action, Target(), self._source):
            self.run_worker(partial(self._confirm_undo, screen))
            return
        self._controller.request(
            action, Target() if action.target is ActionTarget.DESK else Target(screen.symbol)
        )

    def _is_live_unlocked(self) -> bool:
        risk = self._source.risk_row
        return risk is not None and risk.unlocked_until_ms is not None

    def action_form(self, name: str) -> None:
        """Open an input line, then ask for confirmation."""
        screen, form = self.screen, FORMS[name]
        if not isinstance(screen, BoardScreen):
            return
        context, symbol = self.render_context(screen), screen.symbol
        refused = refusal(BY_ID[name], Target(symbol), self._source)
        begin = None if refused else form.begin(context, symbol)
        if begin is None:
            self._controller.refuse(BY_ID[name], Target(symbol), refused or form.missing)
            return

        async def typed(text: str) -> bool:
            try:
                target = form.read(text, context, symbol)
                target = await self._checked(form, target)
            except InvalidLine as error:
                screen.show_line_error(str(error))
                return False
            if screen.line != text:
                return False  # closed or replaced meanwhile
            self._controller.request(BY_ID[name], target)
            return True

        named = f"{form.title} {form.about(context, symbol)}".strip()
        screen.open_line(f"{named}: {form.hint}", begin, typed)

    async def _confirm_undo(self, screen: BoardScreen) -> None:
        """Ask to undo the last setting change, as read from the journal."""
        try:
            reply = await self._source.send(JOURNAL, LAST_CHANGE, deadline_s=CHECK_S)
            if reply.result is None:
                raise InvalidLine(reply.message)
            target = undoing(reply.result)
        except (FrontEndError, InvalidLine) as error:
            self.show_message(str(error), Tone.WARN)
            return
        if self.screen is screen:
            self._controller.request(BY_ID["undo_setting"], target)

    async def _checked(self, form: Form, target: Target) -> Target:
        """Validate the input in the engine before confirmation. Raises InvalidLine."""
        if form.check is None:
            return target
        try:
            reply = await self._source.send(form.check, target.request, deadline_s=CHECK_S)
        except FrontEndError as error:
            raise InvalidLine(str(error)) from None
        if reply.outcome is not CommandOutcome.DONE:
            raise InvalidLine(reply.message)
        return replace(target, effect=f"{target.effect} {reply.message}".rstrip())

    def action_halt_now(self) -> None:
        """Halt entries, also while typing; close the palette so that the result is visible."""
        if isinstance(self.screen, CommandPalette):
            self.screen.dismiss()
        self._controller.halt()

    def render_context(self, screen: BoardScreen) -> RenderContext:
        """Return the current render context."""
        raise NotImplementedError

    # Results on screen

    def show_message(self, text: str, tone: Tone = Tone.PLAIN) -> None:
        """Show a message in the news line of the current screen or page."""
        self._news.add(NewsItem(clean(text), tone, self._source.now_ms(), self._now_s()))
        self._update_headers()

    def _update_headers(self) -> None:
        """Update the header."""

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: str = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show Textual notifications in the news line instead of over the panes."""
        del title, timeout
        text = Text.from_markup(message).plain if markup else message
        self.show_message(text, _TONES.get(severity, Tone.PLAIN))

    def log_result(self, what: str, result: str, tone: Tone = Tone.PLAIN) -> None:
        """Show and log the result of a client-side action."""
        self._activity.add(ActivityEntry(self._source.now_ms(), YOU, what, result, tone))
        self.show_message(result, tone)

    def _show_command(self) -> None:
        if not self.screen_stack:
            return
        screen, run = self.screen, self._controller.shown
        if isinstance(screen, BoardScreen) and screen.is_ready:
            width = screen.size.width
            screen.show_command(
                None if run is None else draw_run(run, self._source, self._now_s(), width=width)
            )
            question = self._controller.question
            screen.hold_rows(question is not None, takes_text=question is not None and bool(question.word))

    def _is_board_visible(self) -> bool:
        return bool(self.screen_stack) and isinstance(self.screen, BoardScreen)

    def _each_second(self) -> None:
        """Close expired questions. The timer may fire after the screens are gone."""
        if not self.screen_stack:
            return
        self._controller.tick()

    def _show_news(self) -> None:
        """Show new notices."""
        signals_for_critical = self._notices.signals_for_critical()
        for notice in self._notices.new_notices():
            self._show_notice(notice, signals_for_critical)

    def _show_notice(self, notice: Notice, signals_for_critical: AlertSignals) -> None:
        self.show_message(notice.text, notice.tone)
        if notice.is_critical and signals_for_critical.bell:
            self.bell()
        if notice.is_critical and signals_for_critical.flash and isinstance(self.screen, BoardScreen):
            self.screen.flash(FLASH_S)

    # Copy and export

    def action_copy(self) -> None:
        """Copy the row under the cursor, also into a file for terminals without a clipboard."""
        chosen = self.screen.chosen if isinstance(self.screen, BoardScreen) else None
        if chosen is None or chosen[1].cursor is None:
            self.show_message("Copy: no row selected.", Tone.WARN)
            return
        text = export.row_text(chosen[1].rows[chosen[1].cursor])
        if export.fits_clipboard(text):
            self.copy_to_clipboard(text)
            if self._environment.in_tmux and self._driver is not None:
                self._driver.write(export.wrap_for_tmux(text))
        self._save("Copy", "copied.txt", text.encode("utf-8") + b"\n", text="Copied to the clipboard and to")

    def action_export(self, ending: str) -> None:
        """Save the focused table."""
        screen = self.screen
        chosen = screen.chosen if isinstance(screen, BoardScreen) else None
        if chosen is None or not isinstance(screen, BoardScreen):
            self.show_message("Export: no table here.", Tone.WARN)
            return
        pane, table = chosen
        shown = table.rows.shown
        if isinstance(pane, TablePane):
            found = self._source.views()[pane.view].rows
            rows = [found[key] for key in shown if key in found]
        else:
            rows = export.read_rows(pane.columns, [table.rows[key] for key in shown])
        data = export.as_json(rows) if ending == "json" else export.as_csv(rows)
        name = export.file_name(pane.title, self._source.now_ms(), ending)
        mark = screen.marks.get(pane.title, CURRENT).text
        self._save("Export", name, data, text=f"{len(rows)} rows{f' ({mark})' if mark else ''} saved to")

    def action_picture(self) -> None:
        """Save the screen as SVG."""
        name = export.file_name("screen", self._source.now_ms(), "svg")
        self._save("Screenshot", name, self.export_screenshot().encode("utf-8"), text="Saved to")

    def _save(self, what: str, name: str, data: bytes, *, text: str) -> None:
        async def work() -> None:
            try:
                path = await asyncio.to_thread(save, self._environment.folder, name, data)
            except OSError as error:
                problem = error.strerror or str(error)
                self.log_result(
                    what, f"{what} not saved ({problem}): {self._environment.folder / name}", Tone.BAD
                )
            else:
                self.log_result(what, f"{text} {path}")

        self.run_worker(work)
