"""Changes to the exits of an open position, checked against the rules for entry plans. Pure.

A change that would sell immediately is refused: use close instead. Rungs with sales are kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from mexc_tui.ledger.arithmetic import short
from mexc_tui.model.policy import Rung
from mexc_tui.model.position import Position
from mexc_tui.model.snipe import ExitPlan
from mexc_tui.model.verdict import CheckStage, Verdict
from mexc_tui.sniping.exit_decision import MS, ExitMemory, higher_stops
from mexc_tui.sniping.ladder import RungSales
from mexc_tui.sniping.rounding import HUNDRED, Grid, ceiled
from mexc_tui.sniping.schema_checks import MAX_RUNGS, MAX_STOP, plan_fault
from mexc_tui.sniping.verdict_text import verdict

Bounds = tuple[Decimal, Decimal]
CLOSE = "close the position or a part of it"


@dataclass(frozen=True, slots=True)
class ExitBounds:
    """Bounds from the settings, inclusive; per cent and seconds."""

    trailing_after: Bounds
    trailing_distance: Bounds
    time_stop_s: Bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitUpdate:
    """New exits; None keeps the current value. `ladder`: the rungs still to sell."""

    stop_price: Decimal | None = None
    trailing: bool | None = None
    trailing_after_pct: Decimal | None = None
    trailing_distance_pct: Decimal | None = None
    ladder: tuple[Rung, ...] | None = None
    break_even_rung: int | None = None
    time_stop_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedPosition:
    """The position in its current state."""

    position: Position
    memory: ExitMemory
    grid: Grid
    sold: RungSales
    bid: Decimal


@dataclass(frozen=True, slots=True)
class Edited:
    """The edited exits; applied only if every check passes."""

    plan: ExitPlan
    stop_price: Decimal
    verdicts: tuple[Verdict, ...]


def edit(held: EditedPosition, update: ExitUpdate, bounds: ExitBounds, *, now_ms: int) -> Edited:
    """Return the new exits with the verdict of every rule."""
    plan, stop = held.position.plan, update.stop_price or held.memory.stop_price
    invalid = [number for number in _numbers(update) if not number.is_finite()]
    if invalid or (update.stop_price is not None and update.stop_price <= 0):
        text = str(invalid[0] if invalid else update.stop_price)
        return Edited(
            plan, stop, (_line("numbers", False, text, limit="finite, above 0", flip="set a number"),)
        )
    kept = kept_rungs(held)
    ladder = plan.ladder if update.ladder is None else (*kept, *update.ladder)
    plan = msgspec.structs.replace(
        plan,
        ladder=ladder,
        **{name: value for name in _PLAIN if (value := getattr(update, name)) is not None},
    )
    verdicts = (
        *_stop(held, plan, stop, update=update),
        *_trailing(plan, update, bounds),
        *(_ladder(held, plan, len(kept)) if update.ladder is not None else ()),
        *_break_even(plan, update),
        *_time(held.position, plan, update, bounds=bounds, now_ms=now_ms),
    )
    is_same = (plan, stop) == (held.position.plan, held.memory.stop_price)
    change = _line(
        "change",
        not is_same,
        "the same exits" if is_same else "different exits",
        limit="different exits",
        flip="",
    )
    return Edited(plan, stop, (change, *verdicts))


_PLAIN = ("trailing", "trailing_after_pct", "trailing_distance_pct", "break_even_rung", "time_stop_s")


def kept_rungs(held: EditedPosition) -> tuple[Rung, ...]:
    """Return the rungs up to the last one with a sale: those cannot be changed."""
    numbers = (*held.position.rungs_done, *(number for number, sold in held.sold if sold > 0))
    return held.position.plan.ladder[: max(numbers, default=0)]


def _numbers(update: ExitUpdate) -> list[Decimal]:
    rungs = [percent for rung in update.ladder or () for percent in (rung.share_pct, rung.gain_pct)]
    named = (update.stop_price, update.trailing_after_pct, update.trailing_distance_pct)
    return [*rungs, *(number for number in named if number is not None)]


def _stop(held: EditedPosition, plan: ExitPlan, stop: Decimal, *, update: ExitUpdate) -> Iterable[Verdict]:
    entry, bid = held.position.entry_price, held.bid
    if update.stop_price is not None:
        below, least = (1 - stop / entry) * HUNDRED, _at(entry, MAX_STOP)
        text = f"{below:.2f} % below entry"
        yield _line(
            "stop_distance", stop >= least, text, limit=f"{MAX_STOP:f} %", flip=f"at least {short(least)}"
        )
    yield _line(
        "stop_below_bid", stop < bid, f"{short(stop)}", limit=f"below the bid of {short(bid)}", flip=CLOSE
    )
    after = msgspec.structs.replace(held.position, plan=plan)
    for higher in higher_stops(after, held.memory.high_price, held.grid):
        price = higher.price
        name, text = "stop_moves_to", f"{short(price)} {higher.text}"
        yield _line(
            name,
            price < bid,
            text,
            limit=f"below the bid of {short(bid)}",
            flip="widen it, or close the position",
        )
        if update.stop_price is not None:
            yield _line(
                "stop_is_held", stop >= price, f"{short(stop)}", limit=text, flip=f"at least {short(price)}"
            )


def _trailing(plan: ExitPlan, update: ExitUpdate, bounds: ExitBounds) -> Iterable[Verdict]:
    if update.trailing_after_pct is not None:
        yield _within("trailing_after_pct", plan.trailing_after_pct, bounds.trailing_after, unit="%")
    if update.trailing_distance_pct is not None:
        yield _within("trailing_distance_pct", plan.trailing_distance_pct, bounds.trailing_distance, unit="%")


def _ladder(held: EditedPosition, plan: ExitPlan, kept: int) -> Iterable[Verdict]:
    shape, fault = " ".join(map(str, plan.ladder)) or "none", plan_fault(plan)
    limit = f"at most {MAX_RUNGS} rising rungs and 100 %"
    yield _line(
        "ladder", not fault, f"{shape}: {fault}" if fault else shape, limit=limit, flip="correct the ladder"
    )
    for number, rung in enumerate(plan.ladder[kept:], kept + 1):
        price = ceiled(_at(held.position.entry_price, -rung.gain_pct), held.grid.price_tick)
        limit = f"above the bid of {short(held.bid)}"
        yield _line(f"rung_{number}_price", price > held.bid, f"{short(price)}", limit=limit, flip=CLOSE)


def _break_even(plan: ExitPlan, update: ExitUpdate) -> Iterable[Verdict]:
    if update.break_even_rung is not None or update.ladder is not None:
        rung, most = plan.break_even_rung, len(plan.ladder)
        yield _line(
            "break_even_rung",
            0 <= rung <= most,
            str(rung),
            limit=f"0 to {most}",
            flip="set a rung number, or 0",
        )


def _time(
    position: Position, plan: ExitPlan, update: ExitUpdate, *, bounds: ExitBounds, now_ms: int
) -> Iterable[Verdict]:
    if update.time_stop_s is None:
        return
    yield _within("time_stop_s", Decimal(plan.time_stop_s), bounds.time_stop_s, unit="s")
    held_s = (now_ms - position.opened_ms) // MS
    is_ahead = plan.time_stop_s == 0 or plan.time_stop_s > held_s
    limit = f"longer than the holding time of {held_s} s"
    yield _line("time_stop_ahead", is_ahead, f"{plan.time_stop_s} s", limit=limit, flip=CLOSE)


def _within(name: str, value: Decimal, bounds: Bounds, *, unit: str) -> Verdict:
    low, high = bounds
    limit = f"{low:f} to {high:f} {unit}"
    return _line(
        name, low <= value <= high, f"{value:f} {unit}", limit=limit, flip="set a value in this range"
    )


def _at(entry: Decimal, below_pct: Decimal) -> Decimal:
    return entry * (1 - below_pct / HUNDRED)


def _line(name: str, passed: bool, value: str, *, limit: str, flip: str) -> Verdict:
    return verdict(CheckStage.RULES, name, passed, value=value, limit=limit, flip=flip)
