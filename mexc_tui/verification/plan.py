"""What one seed injects: exchange behaviour, faults, crashes, user commands and the order of tasks.

Every kind of fault is off with probability one half, and each range straddles the time limits in the code
(swarm testing): fixed rates miss defects that need a long delay in a healthy session.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from random import Random

import msgspec

from mexc_tui.practice.scenario import (
    AccountPlan,
    CancelAnswer,
    DuplicateClientId,
    ExcessPrecision,
    FaultKind,
    FaultPlan,
    Knobs,
    ListingPlan,
    ListingShape,
    MarketPlan,
    MarketPolicy,
    Scenario,
)

BASE = "CLEAN"
SYMBOL = f"{BASE}USDT"
OPENS_S = 11.0
CALM_S = 36.0
"""Faults end here; crashes and commands stop."""
END_S = 136.0
"""Every unknown order is settled within 60 s of calm (I18); the rest is for waits that doubled."""
ARMED_S = OPENS_S - 3
OPENING_CALL = 135
"""Port calls until just before the first buy of a run without faults."""
ARMED_FIRST_CHANCE = 0.75
"""So many runs arm the snipe before the first fault and crash: the others seldom buy."""
LONG_CHANCE = 0.1
"""So many runs last until END_S; the others end as soon as everything is settled."""
ORDER_PATH = "/api/v3/order"
EXCHANGE_BEHAVIOUR_CHANCE = 0.5

USUAL = Knobs(ban_s=15.0, firewall_s=15.0)
"""The exchange as documented; bans are short, so that a run outlasts them."""

SETTINGS: dict[str, bool | int | float | str] = {
    "calendar_poll_s": 5,
    "symbols_poll_s": 5,
    "symbols_poll_near_s": 3,
    "near_before_s": 60,
    "opening_before_s": 20,
    "advance_s": 60,
    "detection_pass_s": 1.0,
    "maturity_s": 20,
    "api_grace_s": 20,
}


class CommandKind(StrEnum):
    """What the user, or another program on the account, does during a run."""

    SELL_HALF = "sell half"
    SELL_ALL = "sell all"
    HALT = "halt"
    RESUME = "resume"
    FLATTEN = "flatten"
    KILL = "kill"
    DEPOSIT = "deposit"
    MANUAL_ORDER = "manual order"
    CLOCK_STEP = "clock step"
    FREEZE = "freeze"
    DISK_FAULT = "disk fault"
    CANCEL_ALL = "kill without sale"


@dataclass(frozen=True, slots=True)
class CommandPlan:
    """One command at a moment.

    `amount`: units of a deposit, milliseconds of a step, seconds of a freeze or disk fault.
    """

    at_s: float
    kind: CommandKind
    amount: float = 0.0

    def __str__(self) -> str:
        """Return it as one line of a report."""
        amount = f" {self.amount:g}" if self.amount else ""
        return f"{self.at_s:.3f} s {self.kind.value}{amount}"


@dataclass(frozen=True, slots=True)
class CrashPlan:
    """The engine dies at its n-th port call, before or after the effect of that call."""

    at_call: int
    is_after: bool
    down_s: float = 1.0
    """Time until the next engine starts."""

    def __str__(self) -> str:
        """Return it as one line of a report."""
        return f"crash {'after' if self.is_after else 'before'} call {self.at_call}, down {self.down_s:.2f} s"


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Everything that one run injects. The same plan gives the same run."""

    seed: int
    scenario: Scenario
    is_shuffled: bool
    is_long: bool = True
    """Whether the run lasts until END_S although everything is settled."""
    crashes: tuple[CrashPlan, ...] = ()
    commands: tuple[CommandPlan, ...] = ()
    calm_s: float = CALM_S
    """When faults, crashes and commands are over."""

    @property
    def size(self) -> int:
        """Return the number of faults, crashes and commands."""
        return len(self.scenario.faults) + len(self.crashes) + len(self.commands)

    def kinds(self) -> tuple[str, ...]:
        """Return the kind of each fault, crash and command."""
        return (
            *(one.kind.value for one in self.scenario.faults),
            *("crash" for _ in self.crashes),
            *(one.kind.value for one in self.commands),
        )

    def injected(self) -> tuple[str, ...]:
        """Return one line for each thing injected."""
        faults = (
            f"{one.at_s:.3f} s {one.kind.value} for {one.for_s or 0:.3f} s, chance {one.chance:g}, "
            f"{one.amount_ms} ms, {one.path or 'all paths'}"
            for one in self.scenario.faults
        )
        return (*faults, *map(str, self.crashes), *map(str, self.commands))


def draw(seed: int) -> RunPlan:
    """Return the plan of a seed."""
    rng = Random(f"plan {seed}")
    is_armed_first = rng.random() < ARMED_FIRST_CHANCE
    return RunPlan(
        seed=seed,
        scenario=scenario(
            knobs=_knobs(rng),
            listing=_listing(rng),
            faults=_faults(rng, ARMED_S if is_armed_first else 0.0),
            fee_coins=rng.choice((0, 5)),
        ),
        is_shuffled=rng.random() < 0.5,
        is_long=rng.random() < LONG_CHANCE,
        crashes=_crashes(rng, OPENING_CALL if is_armed_first else 1),
        commands=_commands(rng),
    )


def scenario(
    *, knobs: Knobs, listing: ListingPlan, faults: tuple[FaultPlan, ...] = (), fee_coins: int = 0
) -> Scenario:
    """Return a short day with one listing. `fee_coins`: balance of MX, from which fees may be deducted."""
    return Scenario(
        name="fault-run",
        duration_s=END_S * 10,
        knobs=knobs,
        account=AccountPlan(balances={"USDT": Decimal(1000), "MX": Decimal(fee_coins)}),
        market=MarketPlan(symbols=2, active_pairs=0, trades_per_s=0.0),
        listings=(listing,),
        faults=faults,
        settings=SETTINGS,
    )


_DRAWN_POLICIES = tuple(one for one in MarketPolicy if one is not MarketPolicy.LIMIT_ONLY)


def _listing(rng: Random) -> ListingPlan:
    return listing(
        jitter_ms=rng.choice((0, 20, 80, 400)),
        shape=rng.choice(tuple(ListingShape)),
        market_policy=rng.choice(_DRAWN_POLICIES),
        depth_quote=Decimal(rng.choice((200, 2_000, 20_000))),
        trades_per_s=rng.choice((1.0, 5.0)),
    )


def listing(
    *,
    shape: ListingShape = ListingShape.RUSH,
    market_policy: MarketPolicy = MarketPolicy.ALLOW,
    jitter_ms: int = 20,
    depth_quote: Decimal = Decimal(2_000),
    trades_per_s: float = 5.0,
) -> ListingPlan:
    """Return the listing that every run trades."""
    return ListingPlan(
        base=BASE,
        opens_s=OPENS_S,
        visible_before_s=OPENS_S - 1,
        prepared_before_s=60,
        ready_before_s=OPENS_S - 2,
        shape=shape,
        market_policy=market_policy,
        jitter_ms=jitter_ms,
        depth_quote=depth_quote,
        trades_per_s=trades_per_s,
    )


def _knobs(rng: Random) -> Knobs:
    """Draw how the exchange behaves where sources disagree (reliability 1.3, 2.1)."""
    varied = msgspec.structs.replace(
        USUAL,
        visibility_ms=(0, rng.choice((0, 50, 500, 3_000))),
        cancel_race=rng.choice((0.0, 0.0, 0.3)),
        excess_precision=rng.choice(tuple(ExcessPrecision)),
        duplicate_client_id=rng.choice(tuple(DuplicateClientId)),
        cancel_answer=rng.choice(tuple(CancelAnswer)),
        no_open_orders_error=rng.random() < 0.5,
        cancel_open_pairs=rng.choice((1, 5)),
        first_open_time=rng.random() < 0.5,
        mx_deduction=rng.random() < 0.3,
        market_enabled=rng.random() < 0.7,
    )
    return varied if rng.random() < EXCHANGE_BEHAVIOUR_CHANCE else USUAL


@dataclass(frozen=True, slots=True)
class _Kind:
    kind: FaultKind
    amounts_ms: tuple[int, ...] = (0,)
    longest_s: float = 30.0
    paths: tuple[str, ...] = ("",)
    chances: tuple[float, ...] = (0.02, 0.1, 0.3, 1.0)


_REST = (
    "",
    ORDER_PATH,
    "/api/v3/account",
    "/api/v3/openOrders",
    "/api/v3/allOrders",
    "/api/v3/userDataStream",
)
_KINDS = (
    _Kind(FaultKind.DELAY, (20, 200, 900, 1_800, 2_500, 5_500, 8_000), paths=_REST),
    _Kind(FaultKind.LATE_REQUEST, (50, 500, 1_500, 2_500, 6_000), paths=(ORDER_PATH, "")),
    _Kind(FaultKind.LOSE_REQUEST, paths=_REST),
    _Kind(FaultKind.LOSE_RESPONSE, paths=_REST),
    _Kind(FaultKind.EXECUTED_500, paths=(ORDER_PATH,)),
    _Kind(FaultKind.RESET, paths=_REST, chances=(0.02, 0.1, 0.3)),
    _Kind(FaultKind.HALF_OPEN, longest_s=20.0, chances=(0.02, 0.1)),
    _Kind(FaultKind.DROP_PUSH),
    _Kind(FaultKind.DUPLICATE_PUSH),
    _Kind(FaultKind.REORDER_PUSH),
    _Kind(FaultKind.STALE_SNAPSHOT, (500, 3_000)),
    _Kind(FaultKind.MALFORMED_ROW, chances=(0.02, 0.1)),
    _Kind(FaultKind.SILENCE, longest_s=20.0, chances=(1.0,)),
    _Kind(FaultKind.TOO_MANY_REQUESTS, longest_s=3.0, chances=(0.02, 0.3)),
    _Kind(FaultKind.MAINTENANCE, longest_s=25.0, chances=(1.0,)),
    _Kind(FaultKind.CLOCK_SKEW, (-900, -300, 300, 900, 2_500), chances=(1.0,)),
)


_ENTRY_STOPPING = frozenset(
    {
        FaultKind.MAINTENANCE,
        FaultKind.SILENCE,
        FaultKind.TOO_MANY_REQUESTS,
        FaultKind.CLOCK_SKEW,
        FaultKind.HALF_OPEN,
    }
)
"""Nothing is bought during these: most of them start after the opening."""


def _start_s(rng: Random, kind: FaultKind, from_s: float) -> float:
    anywhere_s = rng.uniform(from_s, CALM_S)
    if kind in _ENTRY_STOPPING and rng.random() < 0.8:
        return rng.choice((rng.uniform(OPENS_S + 0.1, CALM_S), rng.uniform(OPENS_S + 0.05, OPENS_S + 1)))
    soon_s = rng.uniform(OPENS_S, OPENS_S + 3)
    return rng.choice((from_s, OPENS_S - 0.2, anywhere_s, soon_s, soon_s, soon_s))


def _faults(rng: Random, from_s: float) -> tuple[FaultPlan, ...]:
    drawn: list[FaultPlan] = []
    for one in _KINDS:
        if rng.random() < 0.5:
            continue
        for _ in range(rng.choice((1, 1, 2))):
            at_s = _start_s(rng, one.kind, from_s)
            longest_s = min(CALM_S - at_s, rng.choice((one.longest_s / 20, one.longest_s / 4, one.longest_s)))
            drawn.append(
                FaultPlan(
                    kind=one.kind,
                    at_s=round(at_s, 3),
                    for_s=round(rng.uniform(0.05, max(longest_s, 0.1)), 3),
                    chance=rng.choice(one.chances),
                    amount_ms=rng.choice(one.amounts_ms),
                    path=rng.choice(one.paths),
                    times=rng.choice((None, 1, 3)),
                )
            )
    return tuple(drawn)


def _crashes(rng: Random, first_call: int) -> tuple[CrashPlan, ...]:
    drawn: list[CrashPlan] = []
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        earliest = 1 if drawn else first_call  # counted from the start of each engine
        drawn.append(
            CrashPlan(
                at_call=earliest + round(rng.choice((rng.uniform(0, 60), rng.uniform(0, 300)))),
                is_after=rng.random() < 0.5,
                down_s=round(rng.choice((0.05, rng.uniform(0.1, 3), rng.uniform(1, 15))), 3),
            )
        )
    return tuple(drawn)


_NOT_DRAWN = frozenset({CommandKind.RESUME, CommandKind.DISK_FAULT, CommandKind.CANCEL_ALL})
"""A resume follows a halt; the others are part of golden scenarios."""
_ABSENT = {CommandKind.HALT: 0.85, CommandKind.FLATTEN: 0.9, CommandKind.KILL: 0.85}
"""How often a command is left out: one that stops entries ends most of what a run can find."""


def _commands(rng: Random) -> tuple[CommandPlan, ...]:
    drawn: list[CommandPlan] = []
    for kind in CommandKind:
        if kind in _NOT_DRAWN or rng.random() < _ABSENT.get(kind, 0.75):
            continue
        earliest_s = OPENS_S + rng.choice((-3.0, 0.05, 0.05, 0.05))
        at_s = round(rng.choice((rng.uniform(earliest_s, CALM_S), earliest_s + rng.uniform(0, 2))), 3)
        drawn.append(CommandPlan(at_s, kind, _amount(kind, rng)))
        if kind is CommandKind.HALT and rng.random() < 0.7:
            drawn.append(CommandPlan(round(at_s + rng.uniform(0.1, 10), 3), CommandKind.RESUME))
    return tuple(sorted(drawn, key=lambda one: one.at_s))


def _amount(kind: CommandKind, rng: Random) -> float:
    match kind:
        case CommandKind.DEPOSIT:
            return rng.choice((-20.0, 50.0))
        case CommandKind.CLOCK_STEP:
            return rng.choice((-3_600_000.0, -700.0, 1_500.0, 3_600_000.0))
        case CommandKind.FREEZE:
            return rng.choice((0.3, 1.5, 5.0, 30.0))
        case _:
            return 0.0


def keep(plan: RunPlan, chosen: frozenset[int]) -> RunPlan:
    """Return the plan with these of its items only, numbered over faults, crashes and commands."""
    faults, crashes = len(plan.scenario.faults), len(plan.crashes)
    scenario = msgspec.structs.replace(
        plan.scenario, faults=tuple(one for i, one in enumerate(plan.scenario.faults) if i in chosen)
    )
    return replace(
        plan,
        scenario=scenario,
        crashes=tuple(one for i, one in enumerate(plan.crashes, faults) if i in chosen),
        commands=tuple(one for i, one in enumerate(plan.commands, faults + crashes) if i in chosen),
    )


KINDS = frozenset({"crash", *(one.kind.value for one in _KINDS), *(one.value for one in CommandKind)})
"""Everything that a plan may inject."""


def only(plan: RunPlan, kinds: frozenset[str]) -> RunPlan:
    """Return the plan with faults, crashes and commands of these kinds only."""
    return keep(plan, frozenset(i for i, kind in enumerate(plan.kinds()) if kind in kinds))
