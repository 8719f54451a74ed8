"""Golden scenarios: short openings with one difficulty each, to crash an engine at every port call."""

from dataclasses import replace
from decimal import Decimal

import msgspec

from mexc_tui.practice.scenario import FaultKind, FaultPlan, Knobs, ListingPlan, ListingShape, MarketPolicy
from mexc_tui.verification.plan import (
    OPENS_S,
    ORDER_PATH,
    USUAL,
    CommandKind,
    CommandPlan,
    RunPlan,
    listing,
    scenario,
)

CALM_S = OPENS_S + 6
SEED = 1


def _golden(
    *faults: FaultPlan,
    knobs: Knobs = USUAL,
    traded: ListingPlan | None = None,
    commands: tuple[CommandPlan, ...] = (),
) -> RunPlan:
    return RunPlan(
        seed=SEED,
        scenario=scenario(knobs=knobs, listing=traded or listing(), faults=faults),
        is_shuffled=False,
        is_long=False,
        commands=commands,
        calm_s=CALM_S,
    )


def _order_fault(kind: FaultKind, *, amount_ms: int = 0, times: int = 1) -> FaultPlan:
    return FaultPlan(
        kind=kind,
        at_s=OPENS_S - 0.5,
        for_s=5.0,
        method="POST",
        path=ORDER_PATH,
        amount_ms=amount_ms,
        times=times,
    )


def _at(after_s: float, kind: CommandKind, amount: float = 0.0) -> CommandPlan:
    return CommandPlan(OPENS_S + after_s, kind, amount)


GOLDEN: dict[str, RunPlan] = {
    "clean": _golden(),
    "fall": _golden(traded=listing(shape=ListingShape.FADE)),
    "spike": _golden(traded=listing(shape=ListingShape.SPIKE)),
    "thin": _golden(traded=listing(shape=ListingShape.THIN, depth_quote=Decimal(200))),
    "lost-request": _golden(_order_fault(FaultKind.LOSE_REQUEST)),
    "lost-response": _golden(_order_fault(FaultKind.LOSE_RESPONSE)),
    "executed-500": _golden(_order_fault(FaultKind.EXECUTED_500, times=2)),
    "late-request": _golden(_order_fault(FaultKind.LATE_REQUEST, amount_ms=1_500)),
    "missing-pushes": _golden(FaultPlan(kind=FaultKind.DROP_PUSH, at_s=OPENS_S - 1, for_s=6.0)),
    "silent-streams": _golden(FaultPlan(kind=FaultKind.SILENCE, at_s=OPENS_S + 0.1, for_s=5.0)),
    "cancel-race": _golden(
        knobs=msgspec.structs.replace(USUAL, cancel_race=1.0), commands=(_at(0.5, CommandKind.SELL_ALL),)
    ),
    "sell-half": _golden(commands=(_at(0.12, CommandKind.SELL_HALF),)),
    "halt-and-resume": _golden(commands=(_at(0.1, CommandKind.HALT), _at(2.0, CommandKind.RESUME))),
    "kill": _golden(commands=(_at(0.3, CommandKind.KILL),)),
    "flatten": _golden(commands=(_at(0.5, CommandKind.FLATTEN),)),
    "deposit": _golden(commands=(_at(0.2, CommandKind.DEPOSIT, 50.0), _at(1.0, CommandKind.MANUAL_ORDER))),
    "slow-listing": _golden(
        _order_fault(FaultKind.LOSE_RESPONSE),
        FaultPlan(kind=FaultKind.DROP_PUSH, at_s=OPENS_S + 0.0155, for_s=12.0),
        knobs=msgspec.structs.replace(USUAL, visibility_ms=(9_000, 12_000)),
    ),
    "late-execution": _golden(
        _order_fault(FaultKind.LATE_EXECUTION, amount_ms=1_900), traded=listing(shape=ListingShape.FADE)
    ),
    "disk-fault": _golden(commands=(CommandPlan(OPENS_S - 0.02, CommandKind.DISK_FAULT, 3.0),)),
    "executed-refused": _golden(_order_fault(FaultKind.EXECUTED_REFUSED)),
    "limit-only": _golden(traded=listing(market_policy=MarketPolicy.LIMIT_ONLY, depth_quote=Decimal(5))),
    "cancel-all": _golden(commands=(_at(1.5, CommandKind.CANCEL_ALL),)),
}
"""Name and plan without a crash."""


def with_faults(name: str, drawn: RunPlan) -> RunPlan:
    """Return a golden scenario with the faults, crashes and commands drawn for a seed."""
    golden = GOLDEN[name]
    combined = msgspec.structs.replace(
        golden.scenario, faults=(*golden.scenario.faults, *drawn.scenario.faults)
    )
    commands = sorted((*golden.commands, *drawn.commands), key=lambda one: one.at_s)
    return replace(drawn, scenario=combined, commands=tuple(commands))
