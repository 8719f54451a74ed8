"""Rate budget: delays or refuses requests that would break a rate limit or a ban.

Each lane has an exact sliding log, so the worst window is bounded, not the average (reliability 3.5).
"""

import asyncio
from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from mexc_tui.exchange.limits.bans import Ban, BanKind, BanLimits, Bans, least_urgent_allowed, may_send
from mexc_tui.exchange.limits.rate_windows import DEFAULT_LANES, Lane, LaneLimit, LaneName
from mexc_tui.model.errors import DeskError
from mexc_tui.model.outcome import Purpose

if TYPE_CHECKING:
    from mexc_tui.ports.clock import Clock

NS_PER_S = 1_000_000_000
SHORTEST_DELAY_S = 1e-6
"""Shortest timer delay. A delay of 1e-17 s would stop virtual time (reliability 3.4)."""


class BudgetRefused(DeskError):
    """A request does not fit the rate budget before its deadline, or a ban forbids it. Nothing was sent.

    Raised by the rate budget. Try again later; callers of the client receive it as `NothingSent`.
    """


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """Lanes and ban durations of the budget."""

    lanes: tuple[LaneLimit, ...] = DEFAULT_LANES
    bans: BanLimits = field(default_factory=BanLimits)


@dataclass(frozen=True, slots=True)
class LaneState:
    """Usage of one lane, for display."""

    limit: LaneLimit
    used: int

    @property
    def name(self) -> LaneName:
        """Name of the lane."""
        return self.limit.name

    def available(self, purpose: Purpose) -> int:
        """Return how much of the lane requests with this purpose may still use."""
        return max(0, self.limit.cap(purpose) - self.used)

    @property
    def free(self) -> int:
        """How much of the lane ordinary requests may still use."""
        return self.available(Purpose.ORDINARY)


@dataclass(frozen=True, slots=True)
class BudgetState:
    """Usage of the budget, for display. Counts are since start."""

    lanes: tuple[LaneState, ...]
    ban: Ban | None
    waiting: int
    granted: int
    refused: int
    refused_by_ban: int

    def lane(self, name: LaneName) -> LaneState:
        """Return the lane with this name."""
        return next(lane for lane in self.lanes if lane.name is name)


_URGENCY = {Purpose.STOP: 0, Purpose.EXIT: 1, Purpose.ENTRY: 2, Purpose.ORDINARY: 3}
"""Order in which waiting requests are granted."""


LaneCosts: TypeAlias = tuple[tuple[Lane, int, int], ...]
"""Per lane: the amount one request uses, and the cap for its purpose."""


@dataclass(slots=True, eq=False)
class _Waiter:
    """A queued request."""

    purpose: Purpose
    number: int
    lane_costs: LaneCosts
    granted: asyncio.Future[None]
    granted_ns: int | None = None
    paced: Lane | None = None

    def __lt__(self, other: "_Waiter") -> bool:
        return (_URGENCY[self.purpose], self.number) < (_URGENCY[other.purpose], other.number)


class RateBudget:
    """Grants permission to send, one request at a time.

    Waiting requests are granted by purpose, STOP first, then in order of arrival. A request that waits for a
    lane delays later and less urgent requests in that lane only.
    """

    def __init__(self, clock: "Clock", limits: BudgetLimits | None = None) -> None:
        self._clock = clock
        limits = limits or BudgetLimits()
        self._lanes = {limit.name: Lane(limit) for limit in limits.lanes}
        self._bans = Bans(limits.bans)
        self._longest_ban_s = limits.bans.longest_s
        self.on_ban: Callable[[Ban], None] = lambda _: None
        """Called at once when a ban begins or is extended."""
        # During a ban an extra lane paces the exits and stops that may still be sent.
        every = {Purpose.EXIT: limits.bans.exit_every_s, Purpose.STOP: limits.bans.stop_every_s}
        self._pace = {p: Lane(LaneLimit(LaneName.REQUESTS, 1, window_s)) for p, window_s in every.items()}
        self._queue: list[_Waiter] = []
        self.is_uncontended = True
        """Whether the queue is empty and no ban was ever recorded. Read on the hot path."""
        self._timer: asyncio.TimerHandle | None = None
        self._waiter_count = self._granted = self._refused = self._refused_by_ban = 0

    async def acquire(
        self,
        weight: int,
        purpose: Purpose,
        *,
        is_order: bool,
        deadline_s: float,
        lanes: Iterable[LaneName] = (),
    ) -> None:
        """Wait until a request of this weight may be sent; `lanes` are additional lanes that it uses.

        `is_order` uses one slot of the limit shared by placing and cancelling. Raises `BudgetRefused` if the
        wait would exceed `deadline_s`. A cancelled wait uses nothing.
        """
        lane_costs = self.lane_costs(weight, purpose, is_order=is_order, lanes=lanes)
        if self.try_acquire(lane_costs, purpose):
            return
        self._waiter_count += 1
        waiter = _Waiter(purpose, self._waiter_count, lane_costs, asyncio.get_running_loop().create_future())
        insort(self._queue, waiter)
        self.is_uncontended = False
        try:
            self._grant_ready()
            if waiter.granted_ns is None:
                self._refuse_if_banned(waiter, deadline_s)
                async with asyncio.timeout(deadline_s):
                    await waiter.granted
        except TimeoutError:
            self._withdraw(waiter)
            raise self._refusal(
                waiter, f"the request budget allows it only after more than {deadline_s:g} s"
            ) from None
        except BaseException:
            self._withdraw(waiter)
            raise

    def record_response(self, status: int, retry_after_s: float | None = None) -> None:
        """Apply the HTTP status and Retry-After (seconds) of a response. May start a ban."""
        now_ns = self._clock.monotonic_ns()
        if self._bans.apply_response(status, retry_after_s, now_ns):
            self._grant_ready()
            ban = self._ban(now_ns)
            if ban is not None:
                self.on_ban(ban)

    def restore_ban(self, ban: Ban) -> None:
        """Restore a ban that was stored before the restart."""
        length_ns = round(min(ban.left_s, self._longest_ban_s) * NS_PER_S)
        self._bans.restore(ban.kind, self._clock.monotonic_ns() + length_ns)
        self.is_uncontended = False

    def state(self) -> BudgetState:
        """Return the budget for display."""
        now_ns = self._clock.monotonic_ns()
        lanes: list[LaneState] = []
        for lane in self._lanes.values():
            lane.expire(now_ns)
            lanes.append(LaneState(lane.limit, lane.used))
        ban = self._ban(now_ns)
        counts = (len(self._queue), self._granted, self._refused, self._refused_by_ban)
        return BudgetState(tuple(lanes), ban, *counts)

    def _ban(self, now_ns: int) -> Ban | None:
        current = self._bans.current(now_ns)
        if current is None:
            return None
        kind, until_ns = current
        left_ns = until_ns - now_ns
        return Ban(kind, left_ns / NS_PER_S, self._clock.now_ms() + left_ns // 1_000_000)

    def lane_costs(
        self, weight: int, purpose: Purpose, *, is_order: bool, lanes: Iterable[LaneName] = ()
    ) -> LaneCosts:
        """Return the lane costs of a request. Raises ValueError if it can never fit."""
        lane_costs = [(self._lanes[LaneName.WEIGHT], weight), (self._lanes[LaneName.REQUESTS], 1)]
        if is_order:
            lane_costs.append((self._lanes[LaneName.ORDERS], 1))
        lane_costs.extend((self._lanes[name], 1) for name in lanes)
        for lane, amount in lane_costs:
            if not 0 <= amount <= lane.cap(purpose):
                raise ValueError(
                    f"a request of {amount} can never fit the {lane.limit.name.value} lane "
                    f"({lane.cap(purpose)} for {purpose.name})"
                )
        return tuple((lane, amount, lane.cap(purpose)) for lane, amount in lane_costs)

    def try_acquire(self, lane_costs: LaneCosts, purpose: Purpose) -> bool:
        """Grant without queueing if no request waits, no ban is active and the amounts fit."""
        now_ns = self._clock.monotonic_ns()
        if not self._outranks_queue(purpose) or self._bans.current(now_ns) is not None:
            return False
        for lane, amount, cap in lane_costs:
            lane.expire(now_ns)
            if lane.used + amount > cap:
                return False
        self.record_sent(lane_costs, now_ns)
        return True

    def available_now(self, name: LaneName, purpose: Purpose) -> int:
        """Return how much of a lane requests with this purpose may use without waiting."""
        now_ns = self._clock.monotonic_ns()
        if not self._outranks_queue(purpose) or self._bans.current(now_ns) is not None:
            return 0
        lane = self._lanes[name]
        lane.expire(now_ns)
        return max(0, lane.cap(purpose) - lane.used)

    def record_sent(self, lane_costs: LaneCosts, now_ns: int) -> None:
        """Count a request as sent at `now_ns`."""
        for lane, amount, _ in lane_costs:
            lane.expire(now_ns)
            lane.record(amount, now_ns)
        self._granted += 1

    def _outranks_queue(self, purpose: Purpose) -> bool:
        """Whether every queued request is less urgent."""
        return not self._queue or _URGENCY[self._queue[0].purpose] > _URGENCY[purpose]

    def _grant_ready(self) -> None:
        """Grant every request that fits now, in order, and schedule the next grant."""
        now_ns = self._clock.monotonic_ns()
        for lane in (*self._lanes.values(), *self._pace.values()):
            lane.expire(now_ns)
        ban = self._bans.current(now_ns)
        short: set[Lane] = set()
        waiting: list[_Waiter] = []
        wake_ns: int | None = None
        for waiter in self._queue:
            ready_ns = self._ready_ns(waiter, ban, short, now_ns=now_ns)
            if ready_ns is not None and ready_ns <= now_ns:
                self._grant(waiter, ban, now_ns)
                continue
            waiting.append(waiter)
            if ready_ns is not None:
                wake_ns = ready_ns if wake_ns is None else min(wake_ns, ready_ns)
        self._queue = waiting
        self.is_uncontended = not waiting and self._bans.never_banned
        self._schedule(wake_ns, now_ns)

    def _ready_ns(
        self, waiter: _Waiter, ban: tuple[BanKind, int] | None, short: set[Lane], *, now_ns: int
    ) -> int | None:
        """Return when a request fits; None while an earlier one blocks it. Adds lacking lanes to `short`."""
        if ban is not None and not may_send(waiter.purpose, ban[0]):
            return ban[1]
        lane_costs = waiter.lane_costs
        if ban is not None:
            pace = self._pace[least_urgent_allowed(ban[0])]
            lane_costs = (*lane_costs, (pace, 1, pace.cap(waiter.purpose)))
        if not short.isdisjoint(lane for lane, _, _ in lane_costs):
            # It keeps its place in the queue: later requests must not overtake it in the lanes it lacks.
            short.update(lane for lane, amount, cap in lane_costs if lane.used + amount > cap)
            return None
        ready_ns = now_ns
        for lane, amount, cap in lane_costs:
            lane_ns = lane.fits_at_ns(amount, cap, now_ns)
            if lane_ns > now_ns:
                short.add(lane)
                ready_ns = max(ready_ns, lane_ns)
        return ready_ns

    def _grant(self, waiter: _Waiter, ban: tuple[BanKind, int] | None, now_ns: int) -> None:
        for lane, amount, _ in waiter.lane_costs:
            lane.record(amount, now_ns)
        if ban is not None:
            waiter.paced = self._pace[least_urgent_allowed(ban[0])]
            waiter.paced.record(1, now_ns)
        waiter.granted_ns = now_ns
        self._granted += 1
        if not waiter.granted.done():
            waiter.granted.set_result(None)

    def _withdraw(self, waiter: _Waiter) -> None:
        """Remove a request whose caller gave up, and release what it was granted meanwhile."""
        if waiter.granted_ns is None:
            self._queue.remove(waiter)
        else:
            self._granted -= 1
            for lane, amount, _ in waiter.lane_costs:
                lane.release(amount, waiter.granted_ns)
            if waiter.paced is not None:
                waiter.paced.release(1, waiter.granted_ns)
        self._grant_ready()

    def _refuse_if_banned(self, waiter: _Waiter, deadline_s: float) -> None:
        """Refuse immediately if a ban outlasts the deadline."""
        now_ns = self._clock.monotonic_ns()
        current = self._bans.current(now_ns)
        if current is None or may_send(waiter.purpose, current[0]):
            return
        kind, until_ns = current
        left_s = (until_ns - now_ns) / NS_PER_S
        if left_s >= deadline_s:
            self._refused_by_ban += 1
            raise self._refusal(waiter, f"{kind.value}: such requests are blocked for {left_s:.0f} s")

    def _refusal(self, waiter: _Waiter, why: str) -> BudgetRefused:
        self._refused += 1
        return BudgetRefused(
            f"Not sent ({waiter.purpose.name.lower()} request): {why}. "
            "Nothing reached the exchange. Try again later."
        )

    def _schedule(self, wake_ns: int | None, now_ns: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if wake_ns is not None:
            delay_s = max((wake_ns - now_ns) / NS_PER_S, SHORTEST_DELAY_S)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._grant_ready)
