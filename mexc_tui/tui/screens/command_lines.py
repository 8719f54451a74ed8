"""Lines above the footer: the confirmation of an action, its progress and its result.

Three lines, or more for long texts: costs are never cut off.
"""

from collections.abc import Sequence

from mexc_tui.desk.client import Link
from mexc_tui.tui.actions.actions import undo_unavailable
from mexc_tui.tui.actions.command_controller import CommandRun, CommandStage
from mexc_tui.tui.actions.confirmation import YES, ActionConfirmation
from mexc_tui.tui.actions.effects import remaining_text
from mexc_tui.tui.source import DeskSource
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.styled_text import Part, fitting, width_of, wrap

MAX_LINES = 6
Lines = Sequence[Sequence[Part]]
_CANCELS = Part("any other key cancels", Tone.FAINT, drop_order=1)
_AFTER = Part("esc close   m activity", Tone.FAINT)


def draw_run(run: CommandRun, source: DeskSource, now_s: float, *, width: int) -> Lines:
    """Return three or more lines that fit the width."""
    match run.stage:
        case CommandStage.CONFIRMING:
            assert run.question is not None
            head = Part(f"{run.title}?", Tone.BAD, is_badge=True)
            return _lines(head, run.text or "Requesting a preview …", _keys(run, now_s), width=width)
        case CommandStage.RUNNING:
            head = Part(run.title, Tone.WARN, is_badge=True)
            return _lines(head, _progress(run, source, now_s), _link(source), width=width)
        case CommandStage.FINISHED:
            head = Part(run.title, run.tone, is_badge=True)
            text = f"{run.outcome}: {run.text}" if run.text else f"{run.outcome}."
            no_undo = undo_unavailable(run.action, source) if run.tone is Tone.GOOD else ""
            then = Part(run.action.undo_hint if run.tone is Tone.GOOD and not no_undo else "", Tone.STRONG)
            text = f"{text} {no_undo}".rstrip()
            return _lines(head, text, [then, _AFTER], width=width)


def _lines(head: Part, text: str, foot: list[Part], *, width: int) -> Lines:
    """Wrap the text behind and below the title; only the longest texts end in an ellipsis."""
    room = max(width - width_of([head]) - 4, 8)
    first, *rest = wrap(text, room)
    below = wrap(" ".join(rest), max(width - 2, 8))
    shown = below[: MAX_LINES - 2]
    if len(shown) < len(below):
        shown[-1] += " …"
    return [[head, Part(first)], *([Part(line)] for line in shown), fitting(foot, width)]


def _keys(run: CommandRun, now_s: float) -> list[Part]:
    question = run.question
    assert question is not None
    clock = Part(f"[{question.left_s(now_s):2.0f}s]", Tone.STRONG)
    note = Part(question.note, Tone.WARN)
    if question.word:
        typed = Part(f"type {question.word} > {question.typed}_", Tone.STRONG)
        return [clock, typed, Part("esc cancel", Tone.FAINT, drop_order=1), note]
    if question.choices:
        shares = [Part(f"{key}: {share:f} %", Tone.STRONG) for key, share in run.action.shares]
        return [clock, *shares, _CANCELS]
    yes = Part(_yes(run, question), Tone.STRONG)
    return [clock, yes, _CANCELS, note]


def _yes(run: CommandRun, question: ActionConfirmation) -> str:
    if not question.is_ready:
        return "waiting for the preview"
    return f"{YES} retry" if run.is_unanswered else f"{YES} confirm"


def _progress(run: CommandRun, source: DeskSource, now_s: float) -> str:
    return f"in progress, {now_s - run.since_s:.0f} s, {remaining_text(source)}. {run.text}"


def _link(source: DeskSource) -> list[Part]:
    link = source.link()
    if link.link is Link.CONNECTED:
        return [Part("Keys keep working.", Tone.FAINT)]
    text = f"Engine {link.link.value}: will send on reconnect."
    return [Part(text, Tone.BAD), Part("Without the engine: mexc-tui kill --direct", drop_order=1)]
