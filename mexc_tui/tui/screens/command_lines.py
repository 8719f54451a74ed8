"""Lines above the footer: the confirmation of an action, its progress and its result.

Three lines, or more for long texts: costs are never cut off.
"""

from collections.abc import Sequence

from mexc_tui.desk.client import Link
from mexc_tui.tui.actions.actions import no_way_back
from mexc_tui.tui.actions.command_controller import Act, CommandStage
from mexc_tui.tui.actions.confirmation import YES, Question
from mexc_tui.tui.actions.effects import left
from mexc_tui.tui.source import DeskSource
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.styled_text import Part, fitting, folded, width_of

MOST = 6
Lines = Sequence[Sequence[Part]]
_LEAVES = Part("any other key cancels", Tone.FAINT, goes=1)
_AFTER = Part("esc close   m activity", Tone.FAINT)


def drawn(act: Act, source: DeskSource, now_s: float, width: int) -> Lines:
    """Return three or more lines that fit the width."""
    match act.stage:
        case CommandStage.ASKED:
            assert act.question is not None
            head = Part(f"{act.title}?", Tone.BAD, is_badge=True)
            return _lines(head, act.words or "Requesting a preview …", _keys(act, now_s), width)
        case CommandStage.DOING:
            head = Part(act.title, Tone.WARN, is_badge=True)
            return _lines(head, _progress(act, source, now_s), _link(source), width)
        case CommandStage.OVER:
            head = Part(act.title, act.tone, is_badge=True)
            words = f"{act.outcome}: {act.words}" if act.words else f"{act.outcome}."
            stuck = no_way_back(act.deed, source) if act.tone is Tone.GOOD else ""
            then = Part(act.deed.then if act.tone is Tone.GOOD and not stuck else "", Tone.STRONG)
            words = f"{words} {stuck}".rstrip()
            return _lines(head, words, [then, _AFTER], width)


def _lines(head: Part, words: str, foot: list[Part], width: int) -> Lines:
    """Wrap the text behind and below the title; only the longest texts end in an ellipsis."""
    room = max(width - width_of([head]) - 4, 8)
    first, *rest = folded(words, room)
    below = folded(" ".join(rest), max(width - 2, 8))
    shown = below[: MOST - 2]
    if len(shown) < len(below):
        shown[-1] += " …"
    return [[head, Part(first)], *([Part(one)] for one in shown), fitting(foot, width)]


def _keys(act: Act, now_s: float) -> list[Part]:
    question = act.question
    assert question is not None
    clock = Part(f"[{question.left_s(now_s):2.0f}s]", Tone.STRONG)
    note = Part(question.note, Tone.WARN)
    if question.word:
        typed = Part(f"type {question.word} > {question.typed}_", Tone.STRONG)
        return [clock, typed, Part("esc cancel", Tone.FAINT, goes=1), note]
    if question.choices:
        shares = [Part(f"{key}: {share:f} %", Tone.STRONG) for key, share in act.deed.shares]
        return [clock, *shares, _LEAVES]
    yes = Part(_yes(act, question), Tone.STRONG)
    return [clock, yes, _LEAVES, note]


def _yes(act: Act, question: Question) -> str:
    if not question.is_ready:
        return "waiting for the preview"
    return f"{YES} retry" if act.is_silent else f"{YES} confirm"


def _progress(act: Act, source: DeskSource, now_s: float) -> str:
    return f"in progress, {now_s - act.since_s:.0f} s, {left(source)}. {act.words}"


def _link(source: DeskSource) -> list[Part]:
    link = source.link()
    if link.link is Link.CONNECTED:
        return [Part("Keys keep working.", Tone.FAINT)]
    words = f"Engine {link.link.value}: will send on reconnect."
    return [Part(words, Tone.BAD), Part("Without the engine: mexc-tui kill --direct", goes=1)]
