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
from mexc_tui.desk.trading_requests import PREVIEW, PreviewQuery
from mexc_tui.model.plan_view import PreviewRow
from mexc_tui.model.trading import TradingState
from mexc_tui.tui.actions.actions import BY_ID, ActionSpec, ActionTarget, action_title, refusal
from mexc_tui.tui.actions.confirmation import ActionConfirmation, KeyMeaning
from mexc_tui.tui.actions.effects import Target, preview_with_refusals
from mexc_tui.tui.activity_log import YOU, ActivityEntry, ActivityLog
from mexc_tui.tui.source import DeskSource
from mexc_tui.tui.widgets.cell import Tone

log = logging.getLogger(__name__)

PREVIEW_S = 5.0
SHOWN_S = 20.0
"""Seconds a result stays above the footer; then it is in the activity log only."""
REUSE_ID_S = 600.0
"""Reuse the command id of an unanswered sale for so many seconds, so that a retry is recognised."""
REPEAT_S = 0.6
"""A halt key repeated within so many seconds counts as held down."""
_HALTED = frozenset({TradingState.HALTED, TradingState.FLATTENING})
_TONES = {CommandOutcome.DONE: Tone.GOOD, CommandOutcome.PARTLY: Tone.WARN, CommandOutcome.REFUSED: Tone.WARN}
_OUTCOME_TEXTS = {
    CommandOutcome.DONE: "done",
    CommandOutcome.PARTLY: "partly done",
    CommandOutcome.REFUSED: "refused",
    CommandOutcome.FAILED: "failed, check before a retry",
    CommandOutcome.UNKNOWN: "outcome unknown",
}


class CommandStage(StrEnum):
    """Stage of an action."""

    CONFIRMING = "asked"
    RUNNING = "doing"
    FINISHED = "over"


@dataclass(slots=True)
class CommandRun:
    """One action, from its confirmation to its result."""

    action: ActionSpec
    target: Target
    command_id: str
    since_s: float
    text: str
    """Effect, then result."""
    stage: CommandStage = CommandStage.RUNNING
    question: ActionConfirmation | None = None
    outcome: str = ""
    tone: Tone = Tone.PLAIN
    is_unanswered: bool = False
    """Sent without a response."""
    typed: str = ""

    @property
    def title(self) -> str:
        """Return action and target in capitals."""
        return action_title(self.action, self.target).upper()


@dataclass(frozen=True, slots=True)
class ControllerCallbacks:
    """Dependencies of the controller: clock, command ids, notifications."""

    now_s: Callable[[], float]
    new_id: Callable[[], str]
    show_message: Callable[[str, Tone], None]
    """Shows a message in the header."""
    changed: Callable[[], None]
    """Called when the shown action changed."""
    is_visible: Callable[[], bool]
    """Whether the shown action is visible."""


class CommandController:
    """Runs the actions of a screen in its event loop. `shown` is the action above the footer, if any."""

    def __init__(self, source: DeskSource, activity: ActivityLog, callbacks: ControllerCallbacks) -> None:
        """Start without an action."""
        self._source, self._activity, self._callbacks = source, activity, callbacks
        self._running: dict[str, CommandRun] = {}
        self._unanswered: dict[str, tuple[str, float]] = {}
        """Command id and send time of each unanswered sale, by title."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._halted_s = float("-inf")
        self.shown: CommandRun | None = None

    @property
    def question(self) -> ActionConfirmation | None:
        """Return the open question, if any."""
        return self.shown.question if self.shown is not None else None

    # Requests of the user

    def halt(self) -> None:
        """Halt entries without confirmation; if halted already, offer to resume."""
        now_s = self._callbacks.now_s()
        is_repeat, self._halted_s = now_s - self._halted_s < REPEAT_S, now_s
        if is_repeat:
            return
        risk = self._source.risk_row
        is_known = self._source.link().link is Link.CONNECTED
        if is_known and risk is not None and risk.state in _HALTED:
            self.request(BY_ID["resume"], Target())
        else:
            self.request(BY_ID["halt"], Target())

    def request(self, action: ActionSpec, target: Target) -> None:
        """Ask for confirmation or start the action."""
        refused = refusal(action, target, self._source)
        run = self._new_run(action, target)
        if not refused and run.title in self._running:
            refused = f"{run.title} is already in progress."
        if refused:
            self._refuse(run, refused)
            return
        self.cancel_question()
        self.shown = run
        if action.needs_confirmation:
            self._ask_confirmation(run)
        else:
            self._execute(run)
        self._callbacks.changed()

    def refuse(self, action: ActionSpec, target: Target, text: str) -> None:
        """Report why an action is unavailable."""
        self._refuse(self._new_run(action, target), text)

    def _refuse(self, run: CommandRun, message: str) -> None:
        """Report a refusal above the footer, or in the header while another action is shown."""
        shown = self.shown
        if shown is not None and shown.stage is not CommandStage.FINISHED:
            self._log(run, message, Tone.WARN)
            self._callbacks.show_message(message, Tone.WARN)
            return
        self.shown = run
        text = message.removeprefix(f"{run.action.name}: ")
        self._finish(run, "not executed", Tone.WARN, text=text[:1].upper() + text[1:])
        self._callbacks.changed()

    def handle_key(self, key: str, character: str | None) -> bool:
        """Handle a key; return whether the open question used it."""
        run = self.shown
        if run is None or run.question is None:
            if run is not None and key == "escape":
                self._hide()
                return True
            return False
        match run.question.handle_key(key, character, self._callbacks.now_s()):
            case KeyMeaning.YES:
                run.typed = run.question.typed
                self._execute(run)
            case KeyMeaning.CHOICE:
                share = dict(run.action.shares)[character or ""]
                self._hide()
                self.request(run.action, Target(run.target.symbol, share))
            case KeyMeaning.NO:
                self.cancel_question()
            case KeyMeaning.IGNORED:
                pass
        self._callbacks.changed()
        return True

    def handle_paste(self) -> bool:
        """Ignore pasted text while a question is open; return whether one is."""
        question = self.question
        if question is not None:
            question.refuse_paste()
            self._callbacks.changed()
        return question is not None

    def cancel_question(self) -> None:
        """Cancel the open question."""
        run = self.shown
        if run is not None and run.question is not None:
            if run.is_unanswered:
                self._finish(run, _OUTCOME_TEXTS[CommandOutcome.UNKNOWN], Tone.BAD, text=run.text)
            self._hide()

    def tick(self) -> None:
        """Close an expired question or an old result."""
        run, now_s = self.shown, self._callbacks.now_s()
        if run is None:
            return
        if run.question is not None and not run.question.left_s(now_s):
            self.cancel_question()
            if not run.is_unanswered:
                self._log(run, "not confirmed in time, not executed", Tone.PLAIN)
        elif run.stage is CommandStage.FINISHED and now_s - run.since_s >= SHOWN_S:
            self._hide()
        self._callbacks.changed()

    async def close(self) -> None:
        """Stop waiting for responses; sent commands still run in the engine."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Progress

    def _new_run(self, action: ActionSpec, target: Target) -> CommandRun:
        now_s = self._callbacks.now_s()
        number, sent_s = self._unanswered.get(action_title(action, target).upper(), ("", 0.0))
        is_same = number and now_s - sent_s < REUSE_ID_S
        text = action.effect(self._source, target)
        return CommandRun(action, target, number if is_same else self._callbacks.new_id(), now_s, text)

    def _hide(self) -> None:
        self.shown = None
        self._callbacks.changed()

    def _ask_confirmation(self, run: CommandRun) -> None:
        action = run.action
        has_choice = bool(action.shares) and run.target.share_pct is None
        run.stage = CommandStage.CONFIRMING
        run.question = ActionConfirmation(
            run.since_s,
            choices=tuple(key for key, _ in action.shares) if has_choice else (),
            word=action.required_word(self._source),
            is_ready=not action.needs_preview,
        )
        if has_choice:
            run.text = "Select a share."
        elif action.preview is not None:
            self._start(self._preview(run), f"previews {action.id}")

    async def _preview(self, run: CommandRun) -> None:
        """Request the preview; actions that add risk require it."""
        assert run.action.preview is not None
        query = PreviewQuery(
            name=run.action.preview, symbol=run.target.symbol, share_pct=run.target.share_pct
        )
        row, problem = None, ""
        try:
            reply = await self._source.send(PREVIEW, query, deadline_s=PREVIEW_S)
            row, problem = reply.result, reply.message
        except FrontEndError as error:
            problem = str(error)
        if run is self.shown and run.question is not None and not run.is_unanswered:
            self._previewed(run, run.question, row, problem=problem)
            self._callbacks.changed()

    def _previewed(
        self, run: CommandRun, question: ActionConfirmation, row: PreviewRow | None, *, problem: str
    ) -> None:
        if row is None:
            if run.action.needs_preview:
                self._finish(
                    run,
                    _OUTCOME_TEXTS[CommandOutcome.REFUSED],
                    Tone.WARN,
                    text=problem or "No reason given by the engine.",
                )
        elif not row.is_allowed:
            self._finish(
                run, _OUTCOME_TEXTS[CommandOutcome.REFUSED], Tone.WARN, text=preview_with_refusals(row)
            )
        else:
            run.text = preview_with_refusals(row)
            if run.action.needs_preview or row.typed:
                question.allow_confirmation(self._callbacks.now_s(), row.typed)

    def _execute(self, run: CommandRun) -> None:
        run.question, run.stage, run.since_s, run.is_unanswered = (
            None,
            CommandStage.RUNNING,
            self._callbacks.now_s(),
            False,
        )
        self._running[run.title] = run
        self._log(run, "in progress", Tone.PLAIN)
        if not self._callbacks.is_visible():
            self._callbacks.show_message(f"{run.title}: in progress.", Tone.PLAIN)
        self._start(self._send(run), f"gives {run.action.id}")

    async def _send(self, run: CommandRun) -> None:
        action = run.action
        try:
            reply = await self._source.send(
                action.kind,
                action.args(run.target, run.typed),
                deadline_s=action.deadline_s,
                command_id=run.command_id,
            )
        except EngineSilent as error:
            self._offer_retry(run, str(error))
        except FrontEndError as error:
            self._finish(run, _OUTCOME_TEXTS[CommandOutcome.FAILED], Tone.BAD, text=str(error))
        else:
            self._responded(run, reply)
        finally:
            self._running.pop(run.title, None)
            self._callbacks.changed()

    def _responded(self, run: CommandRun, reply: "Reply[object]") -> None:
        self._unanswered.pop(run.title, None)
        for kind in run.action.changes:
            self._source.queries.forget(kind)
        before = " (repeated response)" if reply.is_repeated else ""
        tone = _TONES.get(reply.outcome, Tone.BAD)
        self._finish(run, _OUTCOME_TEXTS[reply.outcome] + before, tone, text=reply.message)

    def _offer_retry(self, run: CommandRun, text: str) -> None:
        """Report an unknown outcome and offer a retry with the same command id."""
        if run.action.target is ActionTarget.POSITION:
            self._unanswered[run.title] = run.command_id, self._callbacks.now_s()
        run.text = f"{text} A retry never executes it twice."
        self._log(run, _OUTCOME_TEXTS[CommandOutcome.UNKNOWN], Tone.BAD)
        if self.shown is run or self.question is None:
            self.shown, run.stage, run.is_unanswered = run, CommandStage.CONFIRMING, True
            run.question = ActionConfirmation(self._callbacks.now_s())
        self._callbacks.show_message(f"{run.title}: {text}", Tone.BAD)

    def _finish(self, run: CommandRun, outcome: str, tone: Tone, *, text: str) -> None:
        run.question, run.stage, run.since_s = None, CommandStage.FINISHED, self._callbacks.now_s()
        run.outcome, run.tone, run.text = outcome, tone, text
        self._log(run, f"{outcome}: {text}" if text else outcome, tone)
        if self.shown is None:
            self.shown = run
        if self.shown is not run or not self._callbacks.is_visible():
            self._callbacks.show_message(f"{run.title}: {outcome}. {text}", tone)

    def _log(self, run: CommandRun, result: str, tone: Tone) -> None:
        now_ms = self._source.now_ms()
        self._activity.add(
            ActivityEntry(now_ms, YOU, action_title(run.action, run.target), result, tone, run.command_id)
        )

    def _start(self, work: Coroutine[object, object, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=error)
            self._callbacks.show_message(
                f"{task.get_name()} failed on the client: {error}. See the log.", Tone.BAD
            )
