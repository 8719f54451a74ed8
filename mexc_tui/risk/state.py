"""Transitions of the trading state: which state may follow which, and who may resume (architecture 5).

One process-wide state, never resumed automatically (rules 5).
"""

from dataclasses import dataclass

import msgspec

from mexc_tui.model.trading import Cause, Trading, TradingState

RESUME_WORD = "resume"
"""Word that the user types to resume after a loss."""

_STRENGTH = {
    TradingState.ACTIVE: 0,
    TradingState.REDUCE_ONLY: 1,
    TradingState.HALTED: 2,
    TradingState.FLATTENING: 3,
}


@dataclass(frozen=True, slots=True)
class Transition:
    """State after a requested change; `refused` is the reason if it stays unchanged."""

    trading: Trading
    refused: str = ""

    @property
    def changed(self) -> bool:
        """Whether the request was granted."""
        return not self.refused


def restrict(
    now: Trading, state: TradingState, cause: Cause, *, text: str, by: str, at_ms: int
) -> Transition:
    """Return the state after a restriction: it only becomes stricter. A halt starts a new generation.

    A halt during a halt keeps the first cause unless a loss or breach outranks a manual cause.
    After an emergency stop no order may rest on the book, whichever cause is kept.
    """
    change = _stricter(now, state, cause, text=text, by=by, at_ms=at_ms)
    is_stop = state is TradingState.FLATTENING or (state is TradingState.HALTED and cause is Cause.EMERGENCY)
    if not is_stop or change.trading.no_resting:
        return change
    return Transition(msgspec.structs.replace(change.trading, no_resting=True))


def _stricter(
    now: Trading, state: TradingState, cause: Cause, *, text: str, by: str, at_ms: int
) -> Transition:
    if state is TradingState.ACTIVE:
        return Transition(now, "this would loosen the trading state: resume instead")
    if _STRENGTH[state] < _STRENGTH[now.state]:
        return Transition(now, f"already {now.state}, which is stricter")
    if state is now.state and not _is_graver(cause, now.cause):
        return Transition(now, f"already {now.state}: {now.text}")
    keeps_cause = now.state is not TradingState.ACTIVE and _is_graver(now.cause, cause)
    if now.state is TradingState.REDUCE_ONLY:
        keeps_cause = False
    halts = _STRENGTH[state] >= _STRENGTH[TradingState.HALTED]
    return Transition(
        Trading(
            state=state,
            cause=now.cause if keeps_cause else cause,
            text=f"{now.text}; {text}" if keeps_cause else text,
            since_ms=at_ms,
            by=by,
            generation=now.generation + halts,
            no_resting=now.no_resting,
        )
    )


def flattened(now: Trading, *, at_ms: int) -> Transition:
    """Return the state after flattening: halted, with the same cause."""
    if now.state is not TradingState.FLATTENING:
        return Transition(now, "not flattening")
    return Transition(msgspec.structs.replace(now, state=TradingState.HALTED, since_ms=at_ms))


def resume(now: Trading, *, user: str, word: str, blockers: tuple[str, ...], at_ms: int) -> Transition:
    """Return the state after the user's request to resume.

    `user` is empty unless the request comes from a front end. `blockers`: reasons why trading cannot resume,
    such as an unknown order. After a loss or a breach the user types the word.
    """
    refused = _refusal(now, user, word, blockers=blockers)
    if refused:
        return Transition(now, refused)
    return Transition(Trading(since_ms=at_ms, by=user, generation=now.generation))


def _refusal(now: Trading, user: str, word: str, *, blockers: tuple[str, ...]) -> str:
    if now.state is TradingState.ACTIVE:
        return "trading is already active"
    if not user:
        return "only the user resumes"
    if now.state is TradingState.FLATTENING:
        return "positions are still being closed: wait"
    if blockers:
        return "first: " + "; ".join(blockers)
    if needs_word(now) and word.strip().lower() != RESUME_WORD:
        return f"after {now.cause} type `{RESUME_WORD}` to resume"
    return ""


def needs_word(now: Trading) -> bool:
    """Return whether resuming requires the typed word: after a loss, a breach or an unknown order."""
    return now.cause.is_loss or now.cause in (Cause.INVARIANT, Cause.UNRECORDED_ORDER)


def _is_graver(cause: Cause, other: Cause) -> bool:
    return _gravity(cause) > _gravity(other)


def _gravity(cause: Cause) -> int:
    if cause is Cause.UNRECORDED_ORDER:
        return 4
    if cause is Cause.INVARIANT:
        return 3
    return 2 if cause.is_loss else 0 if cause is Cause.NONE else 1
