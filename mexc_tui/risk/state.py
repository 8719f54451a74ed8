"""Transitions of the one trading state: what may follow what, and who may lift it (architecture 5).

One process-wide state instead of one per service, and no resume by a log line: rules 5.
"""

from dataclasses import dataclass

import msgspec

from mexc_tui.model.trading import Cause, Trading, TradingState

RESUME_WORD = "resume"
"""What a person types to lift a halt after a loss."""

_STRENGTH = {
    TradingState.ACTIVE: 0,
    TradingState.REDUCE_ONLY: 1,
    TradingState.HALTED: 2,
    TradingState.FLATTENING: 3,
}


@dataclass(frozen=True, slots=True)
class Transition:
    """The state after a wish; `refused` says in words why it stayed as it was."""

    trading: Trading
    refused: str = ""

    @property
    def changed(self) -> bool:
        """Whether the wish was granted."""
        return not self.refused


def restrict(
    now: Trading, state: TradingState, cause: Cause, words: str, *, by: str, at_ms: int
) -> Transition:
    """Return the state after a stop of some kind: it only grows stricter. A halt starts a new generation.

    A halt over a halt keeps the first cause unless a loss or a breach is graver than a person's wish.
    After an emergency stop nothing rests any more, whatever the cause that is kept.
    """
    change = _stricter(now, state, cause, words, by=by, at_ms=at_ms)
    is_stop = state is TradingState.FLATTENING or (state is TradingState.HALTED and cause is Cause.EMERGENCY)
    if not is_stop or change.trading.no_resting:
        return change
    return Transition(msgspec.structs.replace(change.trading, no_resting=True))


def _stricter(
    now: Trading, state: TradingState, cause: Cause, words: str, *, by: str, at_ms: int
) -> Transition:
    if state is TradingState.ACTIVE:
        return Transition(now, "this would loosen the trading state: resume instead")
    if _STRENGTH[state] < _STRENGTH[now.state]:
        return Transition(now, f"already {now.state}, which is stricter")
    if state is now.state and not _is_graver(cause, now.cause):
        return Transition(now, f"already {now.state}: {now.words}")
    keeps_cause = now.state is not TradingState.ACTIVE and _is_graver(now.cause, cause)
    if now.state is TradingState.REDUCE_ONLY:
        keeps_cause = False
    halts = _STRENGTH[state] >= _STRENGTH[TradingState.HALTED]
    return Transition(
        Trading(
            state=state,
            cause=now.cause if keeps_cause else cause,
            words=f"{now.words}; {words}" if keeps_cause else words,
            since_ms=at_ms,
            by=by,
            generation=now.generation + halts,
            no_resting=now.no_resting,
        )
    )


def flattened(now: Trading, *, at_ms: int) -> Transition:
    """Return the state after everything is sold: still halted, by the same cause."""
    if now.state is not TradingState.FLATTENING:
        return Transition(now, "not flattening")
    return Transition(msgspec.structs.replace(now, state=TradingState.HALTED, since_ms=at_ms))


def resume(now: Trading, *, person: str, word: str, blockers: tuple[str, ...], at_ms: int) -> Transition:
    """Return the state after a person's wish to trade again.

    `person` is empty for anything but a person at a face. `blockers`: what still stands against it, such
    as an unknown order, in words. After a loss, and after a breach, the word is typed.
    """
    refused = _refusal(now, person, word, blockers)
    if refused:
        return Transition(now, refused)
    return Transition(Trading(since_ms=at_ms, by=person, generation=now.generation))


def _refusal(now: Trading, person: str, word: str, blockers: tuple[str, ...]) -> str:
    if now.state is TradingState.ACTIVE:
        return "trading is already active"
    if not person:
        return "only the user resumes"
    if now.state is TradingState.FLATTENING:
        return "positions are still being closed: wait"
    if blockers:
        return "first: " + "; ".join(blockers)
    if needs_word(now) and word.strip().lower() != RESUME_WORD:
        return f"after {now.cause} type `{RESUME_WORD}` to resume"
    return ""


def needs_word(now: Trading) -> bool:
    """Whether resuming takes the typed word: money was lost, or the books or the account are in doubt."""
    return now.cause.is_loss or now.cause in (Cause.INVARIANT, Cause.UNKNOWN_ORDER)


def _is_graver(cause: Cause, other: Cause) -> bool:
    return _gravity(cause) > _gravity(other)


def _gravity(cause: Cause) -> int:
    if cause is Cause.UNKNOWN_ORDER:
        return 4
    if cause is Cause.INVARIANT:
        return 3
    return 2 if cause.is_loss else 0 if cause is Cause.NONE else 1
