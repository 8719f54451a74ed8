"""The side of the app that acts: keys that tell the engine something, what came of it, what is taken away."""

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

from mexc_tui.desk.asking import JOURNAL
from mexc_tui.desk.kinds import CommandOutcome, FrontEndError
from mexc_tui.model.text import clean
from mexc_tui.tui.actions import export
from mexc_tui.tui.actions.actions import BY_ID, ActionTarget, refusal
from mexc_tui.tui.actions.command_controller import Hand, Means
from mexc_tui.tui.actions.consequences import Target
from mexc_tui.tui.actions.file_writer import save
from mexc_tui.tui.activity_log import YOU, Activity, ActivityLog
from mexc_tui.tui.keys import BY_ID as KEYS_BY_ID
from mexc_tui.tui.notices import Loudness, Notice, Notices
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens.board_screen import BoardScreen
from mexc_tui.tui.screens.confirm import drawn
from mexc_tui.tui.screens.forms import BY_ID as FORMS
from mexc_tui.tui.screens.forms import LAST_CHANGE, Form, NotUnderstood, undoing
from mexc_tui.tui.screens.panes import TablePane
from mexc_tui.tui.source import DeskSource
from mexc_tui.tui.themed_app import ThemedApp
from mexc_tui.tui.themes import Theme, Themes
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.news_line import Item, News
from mexc_tui.tui.widgets.staleness import CURRENT

FLASH_S = 0.6
CHECK_S = 5.0
_TONES = {"warning": Tone.WARN, "error": Tone.BAD}


@dataclass(frozen=True, slots=True)
class AppEnvironment:
    """What is around the app: where files go, which terminal it is, a clock that never goes back."""

    folder: Path = Path()
    in_tmux: bool = False
    now_s: Callable[[], float] | None = None
    """None: the loop's."""


HERE = AppEnvironment()


class ActionMixin(ThemedApp):
    """An app whose keys do things. Commands run beside everything else: no key waits for an answer."""

    def __init__(
        self,
        source: DeskSource,
        themes: Themes,
        theme: Theme,
        outside: AppEnvironment,
        driver_class: type[Driver] | None,
    ) -> None:
        """Act on the engine behind a source."""
        super().__init__(themes, theme, driver_class)
        self._source, self._outside = source, outside
        self._happened, self._news = Activity(), News()
        means = Means(self._now_s, lambda: uuid4().hex, self.tell, self._show_act, self._is_seen)
        self._hand = Hand(source, self._happened, means)
        self._notices = Notices(source, self._happened)

    def _now_s(self) -> float:
        now_s = self._outside.now_s
        return asyncio.get_running_loop().time() if now_s is None else now_s()

    # Keys

    async def on_event(self, event: events.Event) -> None:
        """Let an open question hear keys first, and halting before that."""
        if isinstance(event, events.Key) and not event.is_forwarded and self._takes(event):
            return
        if isinstance(event, events.Paste) and not event.is_forwarded and self._hand.paste():
            return
        await super().on_event(event)

    def _takes(self, event: events.Key) -> bool:
        question = self._hand.question
        if not self._is_seen():
            self._hand.withdraw()
            return False
        halts = ["halt_now"] if question is not None and question.word else ["halt", "halt_now"]
        if question is not None and any(event.key in KEYS_BY_ID[one].each for one in halts):
            self._hand.halt()
            return True
        if question is None and isinstance(self.focused, Input):
            return False  # esc leaves the line first
        return self._hand.key(event.key, event.character)

    def action_deed(self, name: str) -> None:
        """Do one of `deeds.py`, or ask before it."""
        if name == "halt":
            if isinstance(self.focused, Input):
                raise SkipAction  # a letter of a word
            self._hand.halt()
            return
        if name == "unlock" and self._is_live_unlocked():
            name = "lock"
        screen, deed = self.screen, BY_ID[name]
        if not isinstance(screen, BoardScreen):
            self.tell(f"{deed.name}: go back to a screen with numbers first (esc).", Tone.WARN)
            return
        if name == "undo_setting" and not refusal(deed, Target(), self._source):
            self.run_worker(partial(self._ask_undo, screen))
            return
        self._hand.want(deed, Target() if deed.aim is ActionTarget.DESK else Target(screen.symbol))

    def _is_live_unlocked(self) -> bool:
        risk = self._source.risk_row
        return risk is not None and risk.unlocked_until_ms is not None

    def action_form(self, name: str) -> None:
        """Have a line typed, and ask before what it says is done."""
        screen, form = self.screen, FORMS[name]
        if not isinstance(screen, BoardScreen):
            return
        look, symbol = self.look(screen), screen.symbol
        refused = refusal(BY_ID[name], Target(symbol), self._source)
        begin = None if refused else form.begin(look, symbol)
        if begin is None:
            self._hand.refuse(BY_ID[name], Target(symbol), refused or form.missing)
            return

        async def typed(text: str) -> bool:
            try:
                target = form.read(text, look, symbol)
                target = await self._checked(form, target)
            except NotUnderstood as error:
                screen.refuse_line(str(error))
                return False
            if screen.line != text:
                return False  # it was left, or is another by now
            self._hand.want(BY_ID[name], target)
            return True

        named = f"{form.title} {form.about(look, symbol)}".strip()
        screen.ask_line(f"{named}: {form.hint}", begin, typed)

    async def _ask_undo(self, screen: BoardScreen) -> None:
        """Ask before the last change of a setting is taken back, once the journal has said what it was."""
        try:
            reply = await self._source.give(JOURNAL, LAST_CHANGE, deadline_s=CHECK_S)
            if reply.result is None:
                raise NotUnderstood(reply.words)
            target = undoing(reply.result)
        except (FrontEndError, NotUnderstood) as error:
            self.tell(str(error), Tone.WARN)
            return
        if self.screen is screen:
            self._hand.want(BY_ID["undo_setting"], target)

    async def _checked(self, form: Form, target: Target) -> Target:
        """Have the engine look at it before a person is asked. Raises NotUnderstood."""
        if form.check is None:
            return target
        try:
            reply = await self._source.give(form.check, target.made, deadline_s=CHECK_S)
        except FrontEndError as error:
            raise NotUnderstood(str(error)) from None
        if reply.outcome is not CommandOutcome.DONE:
            raise NotUnderstood(reply.words)
        return replace(target, words=f"{target.words} {reply.words}".rstrip())

    def action_halt_now(self) -> None:
        """Stop buying, also while words are typed; the palette goes: nothing could be told in front of it."""
        if isinstance(self.screen, CommandPalette):
            self.screen.dismiss()
        self._hand.halt()

    def look(self, screen: BoardScreen) -> RenderContext:
        """Return what a screen is drawn from now."""
        raise NotImplementedError

    # What is shown of it

    def tell(self, words: str, tone: Tone = Tone.PLAIN) -> None:
        """Say something in the header's line for what is new, on whatever screen or page is in front."""
        self._news.add(Item(clean(words), tone, self._source.now_ms(), self._now_s()))
        self._tell_heads()

    def _tell_heads(self) -> None:
        """Bring the lines on top up to date."""

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: str = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Say what Textual would put over the panes where everything new is said."""
        del title, timeout
        words = Text.from_markup(message).plain if markup else message
        self.tell(words, _TONES.get(severity, Tone.PLAIN))

    def note(self, what: str, result: str, tone: Tone = Tone.PLAIN) -> None:
        """Say what came of something done on this side, and keep it."""
        self._happened.add(ActivityLog(self._source.now_ms(), YOU, what, result, tone))
        self.tell(result, tone)

    def _show_act(self) -> None:
        if not self.screen_stack:
            return
        screen, act = self.screen, self._hand.shown
        if isinstance(screen, BoardScreen) and screen.is_there:
            width = screen.size.width
            screen.show_act(None if act is None else drawn(act, self._source, self._now_s(), width))
            question = self._hand.question
            screen.hold(question is not None, takes_words=question is not None and bool(question.word))

    def _is_seen(self) -> bool:
        return bool(self.screen_stack) and isinstance(self.screen, BoardScreen)

    def _each_second(self) -> None:
        """Let time close questions. A timer may fire once the screens are gone."""
        if not self.screen_stack:
            return
        self._hand.tick()

    def _tell_news(self) -> None:
        """Tell what is new."""
        loudness = self._notices.loudness()
        for notice in self._notices.look():
            self._notice(notice, loudness)

    def _notice(self, notice: Notice, loudness: Loudness) -> None:
        self.tell(notice.words, notice.tone)
        if notice.is_critical and loudness.bell:
            self.bell()
        if notice.is_critical and loudness.flash and isinstance(self.screen, BoardScreen):
            self.screen.flash(FLASH_S)

    # What is taken away

    def action_copy(self) -> None:
        """Copy the row under the cursor; a file has it too, for terminals without a clipboard."""
        chosen = self.screen.chosen if isinstance(self.screen, BoardScreen) else None
        if chosen is None or chosen[1].cursor is None:
            self.tell("Copy: there is no row under the cursor.", Tone.WARN)
            return
        text = export.row_text(chosen[1].rows[chosen[1].cursor])
        if export.fits_clipboard(text):
            self.copy_to_clipboard(text)
            if self._outside.in_tmux and self._driver is not None:
                self._driver.write(export.through_tmux(text))
        self._save("Copy", "copied.txt", text.encode("utf-8") + b"\n", "Sent to the clipboard; and in")

    def action_export(self, ending: str) -> None:
        """Save the table that keys act on."""
        screen = self.screen
        chosen = screen.chosen if isinstance(screen, BoardScreen) else None
        if chosen is None or not isinstance(screen, BoardScreen):
            self.tell("Export: there is no table here.", Tone.WARN)
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
        mark = screen.marks.get(pane.title, CURRENT).words
        self._save("Export", name, data, f"{len(rows)} rows{f' ({mark})' if mark else ''} are in")

    def action_picture(self) -> None:
        """Save what is seen as a picture."""
        name = export.file_name("screen", self._source.now_ms(), "svg")
        self._save("Screenshot", name, self.export_screenshot().encode("utf-8"), "The screen is in")

    def _save(self, what: str, name: str, data: bytes, words: str) -> None:
        async def work() -> None:
            try:
                path = await asyncio.to_thread(save, self._outside.folder, name, data)
            except OSError as error:
                problem = error.strerror or str(error)
                self.note(
                    what, f"{what} was not written ({problem}): {self._outside.folder / name}", Tone.BAD
                )
            else:
                self.note(what, f"{words} {path}")

        self.run_worker(work)
