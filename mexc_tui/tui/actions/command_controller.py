"""Confirm dangerous actions, send each command once, report its result.

Retries keep the command id, so that the engine executes it once.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum

from mexc_tui.desk.api_types import CommandOutcome, EngineSilent, FrontEndError, Reply
from mexc_tui.desk.client import Link
from mexc_tui.desk.trading_requests import PREVIEW, PreviewAsked
from mexc_tui.model.plan_view import PreviewRow
from mexc_tui.model.trading import TradingState
from mexc_tui.tui.actions.actions import BY_ID, ActionTarget, Deed, named, refusal
from mexc_tui.tui.actions.confirmation import Question, Typed
from mexc_tui.tui.actions.effects import Target, previewed
from mexc_tui.tui.activity_log import YOU, Activity, ActivityLog
from mexc_tui.tui.source import DeskSource
from mexc_tui.tui.widgets.cell import Tone

log = logging.getLogger(__name__)

PREVIEW_S = 5.0
SHOWN_S = 20.0
"""Seconds a result stays above the footer; then it is in the activity log only."""
SAME_S = 600.0
"""Reuse the command id of an unanswered sale for so many seconds, so that a retry is recognised."""
REPEAT_S = 0.6
"""A halt key repeated within so many seconds counts as held down."""
_HALTED = frozenset({TradingState.HALTED, TradingState.FLATTENING})
_TONES = {CommandOutcome.DONE: Tone.GOOD, CommandOutcome.PARTLY: Tone.WARN, CommandOutcome.REFUSED: Tone.WARN}
_SAID = {
    CommandOutcome.DONE: "done",
    CommandOutcome.PARTLY: "partly done",
    CommandOutcome.REFUSED: "refused",
    CommandOutcome.FAILED: "failed, check before a retry",
    CommandOutcome.UNKNOWN: "outcome unknown",
}


class CommandStage(StrEnum):
    """Stage of an action."""

    ASKED = "asked"
    DOING = "doing"
    OVER = "over"


@dataclass(slots=True)
class Act:
    """One action, from its confirmation to its result."""

    deed: Deed
    target: Target
    command_id: str
    since_s: float
    words: str
    """Effect, then result."""
    stage: CommandStage = CommandStage.DOING
    question: Question | None = None
    outcome: str = ""
    tone: Tone = Tone.PLAIN
    is_silent: bool = False
    """Sent without a response."""
    typed: str = ""

    @property
    def title(self) -> str:
        """Return action and target in capitals."""
        return named(self.deed, self.target).upper()


@dataclass(frozen=True, slots=True)
class Means:
    """Dependencies of the controller: clock, command ids, notifications."""

    now_s: Callable[[], float]
    new_id: Callable[[], str]
    tell: Callable[[str, Tone], None]
    """Shows a message in the header."""
    changed: Callable[[], None]
    """Called when the shown action changed."""
    is_seen: Callable[[], bool]
    """Whether the shown action is visible."""


class Hand:
    """Runs the actions of a screen in its event loop. `shown` is the action above the footer, if any."""

    def __init__(self, source: DeskSource, happened: Activity, means: Means) -> None:
        """Start without an action."""
        self._source, self._happened, self._means = source, happened, means
        self._running: dict[str, Act] = {}
        self._unanswered: dict[str, tuple[str, float]] = {}
        """Command id and send time of each unanswered sale, by title."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._halted_s = float("-inf")
        self.shown: Act | None = None

    @property
    def question(self) -> Question | None:
        """Return the open question, if any."""
        return self.shown.question if self.shown is not None else None

    # Requests of the user

    def halt(self) -> None:
        """Halt entries without confirmation; if halted already, offer to resume."""
        now_s = self._means.now_s()
        is_held_down, self._halted_s = now_s - self._halted_s < REPEAT_S, now_s
        if is_held_down:
            return
        risk = self._source.risk_row
        is_known = self._source.link().link is Link.CONNECTED
        if is_known and risk is not None and risk.state in _HALTED:
            self.want(BY_ID["resume"], Target())
        else:
            self.want(BY_ID["halt"], Target())

    def want(self, deed: Deed, target: Target) -> None:
        """Ask for confirmation or start the action."""
        refused = refusal(deed, target, self._source)
        act = self._act(deed, target)
        if not refused and act.title in self._running:
            refused = f"{act.title} is already in progress."
        if refused:
            self._refuse(act, refused)
            return
        self.withdraw()
        self.shown = act
        if deed.asks:
            self._ask(act)
        else:
            self._do(act)
        self._means.changed()

    def refuse(self, deed: Deed, target: Target, words: str) -> None:
        """Report why an action is unavailable."""
        self._refuse(self._act(deed, target), words)

    def _refuse(self, act: Act, words: str) -> None:
        """Report a refusal above the footer, or in the header while another action is shown."""
        shown = self.shown
        if shown is not None and shown.stage is not CommandStage.OVER:
            self._note(act, words, Tone.WARN)
            self._means.tell(words, Tone.WARN)
            return
        self.shown = act
        said = words.removeprefix(f"{act.deed.name}: ")
        self._over(act, "not executed", Tone.WARN, said[:1].upper() + said[1:])
        self._means.changed()

    def key(self, key: str, character: str | None) -> bool:
        """Handle a key; return whether the open question used it."""
        act = self.shown
        if act is None or act.question is None:
            if act is not None and key == "escape":
                self._hide()
                return True
            return False
        match act.question.hear(key, character, self._means.now_s()):
            case Typed.YES:
                act.typed = act.question.typed
                self._do(act)
            case Typed.CHOICE:
                share = dict(act.deed.shares)[character or ""]
                self._hide()
                self.want(act.deed, Target(act.target.symbol, share))
            case Typed.NO:
                self.withdraw()
            case Typed.NOTHING:
                pass
        self._means.changed()
        return True

    def paste(self) -> bool:
        """Ignore pasted text while a question is open; return whether one is."""
        question = self.question
        if question is not None:
            question.refuse_paste()
            self._means.changed()
        return question is not None

    def withdraw(self) -> None:
        """Cancel the open question."""
        act = self.shown
        if act is not None and act.question is not None:
            if act.is_silent:
                self._over(act, _SAID[CommandOutcome.UNKNOWN], Tone.BAD, act.words)
            self._hide()

    def tick(self) -> None:
        """Close an expired question or an old result."""
        act, now_s = self.shown, self._means.now_s()
        if act is None:
            return
        if act.question is not None and not act.question.left_s(now_s):
            self.withdraw()
            if not act.is_silent:
                self._note(act, "not confirmed in time, not executed", Tone.PLAIN)
        elif act.stage is CommandStage.OVER and now_s - act.since_s >= SHOWN_S:
            self._hide()
        self._means.changed()

    async def close(self) -> None:
        """Stop waiting for responses; sent commands still run in the engine."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Progress

    def _act(self, deed: Deed, target: Target) -> Act:
        now_s = self._means.now_s()
        number, given_s = self._unanswered.get(named(deed, target).upper(), ("", 0.0))
        is_same = number and now_s - given_s < SAME_S
        words = deed.words(self._source, target)
        return Act(deed, target, number if is_same else self._means.new_id(), now_s, words)

    def _hide(self) -> None:
        self.shown = None
        self._means.changed()

    def _ask(self, act: Act) -> None:
        deed = act.deed
        has_choice = bool(deed.shares) and act.target.share_pct is None
        act.stage = CommandStage.ASKED
        act.question = Question(
            act.since_s,
            choices=tuple(key for key, _ in deed.shares) if has_choice else (),
            word=deed.typed(self._source),
            is_ready=not deed.needs_preview,
        )
        if has_choice:
            act.words = "Select a share."
        elif deed.preview is not None:
            self._start(self._preview(act), f"previews {deed.id}")

    async def _preview(self, act: Act) -> None:
        """Request the preview; actions that add risk require it."""
        assert act.deed.preview is not None
        asked = PreviewAsked(name=act.deed.preview, symbol=act.target.symbol, share_pct=act.target.share_pct)
        row, problem = None, ""
        try:
            reply = await self._source.give(PREVIEW, asked, deadline_s=PREVIEW_S)
            row, problem = reply.result, reply.words
        except FrontEndError as error:
            problem = str(error)
        if act is self.shown and act.question is not None and not act.is_silent:
            self._previewed(act, act.question, row, problem)
            self._means.changed()

    def _previewed(self, act: Act, question: Question, row: PreviewRow | None, problem: str) -> None:
        if row is None:
            if act.deed.needs_preview:
                self._over(
                    act, _SAID[CommandOutcome.REFUSED], Tone.WARN, problem or "No reason given by the engine."
                )
        elif not row.is_allowed:
            self._over(act, _SAID[CommandOutcome.REFUSED], Tone.WARN, previewed(row))
        else:
            act.words = previewed(row)
            if act.deed.needs_preview or row.typed:
                question.ready(self._means.now_s(), row.typed)

    def _do(self, act: Act) -> None:
        act.question, act.stage, act.since_s, act.is_silent = (
            None,
            CommandStage.DOING,
            self._means.now_s(),
            False,
        )
        self._running[act.title] = act
        self._note(act, "in progress", Tone.PLAIN)
        if not self._means.is_seen():
            self._means.tell(f"{act.title}: in progress.", Tone.PLAIN)
        self._start(self._give(act), f"gives {act.deed.id}")

    async def _give(self, act: Act) -> None:
        deed = act.deed
        try:
            reply = await self._source.give(
                deed.kind,
                deed.args(act.target, act.typed),
                deadline_s=deed.deadline_s,
                command_id=act.command_id,
            )
        except EngineSilent as error:
            self._offer_again(act, str(error))
        except FrontEndError as error:
            self._over(act, _SAID[CommandOutcome.FAILED], Tone.BAD, str(error))
        else:
            self._answered(act, reply)
        finally:
            self._running.pop(act.title, None)
            self._means.changed()

    def _answered(self, act: Act, reply: "Reply[object]") -> None:
        self._unanswered.pop(act.title, None)
        for kind in act.deed.changes:
            self._source.answers.forget(kind)
        before = " (repeated response)" if reply.is_repeated else ""
        tone = _TONES.get(reply.outcome, Tone.BAD)
        self._over(act, _SAID[reply.outcome] + before, tone, reply.words)

    def _offer_again(self, act: Act, words: str) -> None:
        """Report an unknown outcome and offer a retry with the same command id."""
        if act.deed.aim is ActionTarget.POSITION:
            self._unanswered[act.title] = act.command_id, self._means.now_s()
        act.words = f"{words} A retry never executes it twice."
        self._note(act, _SAID[CommandOutcome.UNKNOWN], Tone.BAD)
        if self.shown is act or self.question is None:
            self.shown, act.stage, act.is_silent = act, CommandStage.ASKED, True
            act.question = Question(self._means.now_s())
        self._means.tell(f"{act.title}: {words}", Tone.BAD)

    def _over(self, act: Act, outcome: str, tone: Tone, words: str) -> None:
        act.question, act.stage, act.since_s = None, CommandStage.OVER, self._means.now_s()
        act.outcome, act.tone, act.words = outcome, tone, words
        self._note(act, f"{outcome}: {words}" if words else outcome, tone)
        if self.shown is None:
            self.shown = act
        if self.shown is not act or not self._means.is_seen():
            self._means.tell(f"{act.title}: {outcome}. {words}", tone)

    def _note(self, act: Act, result: str, tone: Tone) -> None:
        now_ms = self._source.now_ms()
        self._happened.add(
            ActivityLog(now_ms, YOU, named(act.deed, act.target), result, tone, act.command_id)
        )

    def _start(self, work: Coroutine[object, object, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=error)
            self._means.tell(f"{task.get_name()} failed on the client: {error}. See the log.", Tone.BAD)
