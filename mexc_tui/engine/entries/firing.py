"""Fire one snipe: warm up, check, aim, send, and react to each response until the last one.

Nothing is written to disk between a response and the next attempt: the intent already holds every id and
the spend cap. Decisions are made in `sniping`; this module times and executes them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import msgspec

from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.entries.entry_orders import EntryOrders
from mexc_tui.engine.entries.entry_plan import CHECK_INTERVAL_S, EntryPlan
from mexc_tui.engine.entries.entry_price import EntryPrice
from mexc_tui.engine.market.prices import PriceCache
from mexc_tui.engine.orders.execution import Execution, SendResult
from mexc_tui.engine.runtime.suspend_detector import SuspendDetector
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.intent import Intent, Order
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Accepted, Advice, NotSent, Purpose, Refusal, Rejected, SendOutcome
from mexc_tui.model.report import PlacedOrder
from mexc_tui.model.snipe import Attempt, ReferenceSource, Snipe, SnipeState, Stamps
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.trading import FireResult, FiringLine, SignedOrder, TradingPort
from mexc_tui.sniping.plan import (
    FireRules,
    FiringAim,
    aim,
    cancel_at_ms,
    ended_state,
    has_moved_away,
    result_text,
)
from mexc_tui.sniping.reaction import FiringProgress, FiringStep, FollowUp, ReactionStep, react
from mexc_tui.sniping.rounding import Grid

log = logging.getLogger(__name__)

NS_PER_MS = 1_000_000
ANSWERED_S = 0.5
"""Time for the stream to report an order that closes at once; then it is queried."""
LISTED_AGAIN_S = 0.1
"""Delay before the order list is queried again after a failure."""


@dataclass(frozen=True, slots=True)
class FiringResult:
    """Result of a snipe. UNKNOWN: an attempt is unresolved."""

    state: SnipeState
    reason: str
    attempts: int


class Firing:
    """Runs one snipe through the seconds around its opening."""

    def __init__(
        self,
        *,
        snipe: Snipe,
        intent: Intent,
        grid: Grid,
        rules: FireRules,
        trading: TradingPort,
        ledger: LedgerWriter,
        execution: Execution,
        prices: PriceCache,
        clock: Clock,
        window_ms: Callable[[], int],
        on_follow_up: Callable[[FollowUp, str], None],
        cancel_reason: Callable[[], str],
        suspend_detector: SuspendDetector,
        check: Callable[["Firing"], Awaitable[str]],
    ) -> None:
        """`window_ms`: recvWindow of an order; `on_follow_up`: runs what a response requires besides a retry.

        `cancel_reason`: why nothing more may be sent, such as a listing cancelled in the last second;
        `check`: returns the failed checks, repeated after the event loop was blocked.
        """
        self.snipe = snipe
        self._intent = intent
        self._grid = grid
        self._rules = rules
        self._trading = trading
        self._ledger = ledger
        self._execution = execution
        self._clock = clock
        self._window_ms = window_ms
        self._on_chore = on_follow_up
        self._cancel_reason = cancel_reason
        self._sent = 0
        self._last_sent_ns: int | None = None
        self._refused = False
        self._untimely = 0
        self._reductions = 0
        self._check = check
        self._price = EntryPrice(snipe, grid, rules, prices=prices, clock=clock, query_book=trading.depth)
        self._plan = EntryPlan(
            price=self._price,
            suspend_detector=suspend_detector,
            clock=clock,
            stop_reason=self._stop_reason,
            is_open=lambda: trading.now_ms() > snipe.opens_ms,
            renew=self._renew,
        )
        self._orders = EntryOrders(intent=intent, grid=grid, ledger=ledger, clock=clock)
        self.line: FiringLine = trading.line()
        self.attempts: list[Attempt] = []
        """Attempts so far; stored at the end, because no disk write may come between a response and the
        next."""

    async def warm(self) -> None:
        """Connect and measure, which starts the plan.

        A failure is logged: the checklist reports a cold connection.
        """
        self._plan.begin()
        await self._measure()

    async def _renew(self) -> str:
        await self.warm()
        return await self._check(self)

    async def _measure(self) -> None:
        """Measure round trip and clock over the firing connection."""
        try:
            await self.line.warm()
        except ExchangeError as error:
            log.warning("the firing line of %s is cold: %s", self.snipe.symbol, error)

    def are_requests_ready(self) -> bool:
        """Whether the first attempt can be signed, or only waits for the pair's first price."""
        return self._price.cap() is None or self._price.first() is not None

    async def fire(self) -> FiringResult:
        """Send attempts until one is final, or nothing more may be sent."""
        with self._orders.subscribed(), self._price.subscribed():
            return await self._fire()

    async def _fire(self) -> FiringResult:
        off = await self._plan.until_ready()
        if off:
            return FiringResult(SnipeState.MISSED, off, 0)
        first = self._price.first()
        if first is None:
            return FiringResult(SnipeState.MISSED, "the spend cap is below one step at this price", 0)
        target, now_ns = self._aim(), self._clock.monotonic_ns()
        leave_ns = target.leave_ns if target.leave_ns > now_ns else None
        step = FiringStep(
            step=ReactionStep.SEND,
            reason=target.text,
            at_ms=max(round(target.arrive_ms), self._trading.now_ms() if leave_ns is None else 0),
            type=first.type,
            price=first.price,
            quantity=first.quantity,
        )
        while step.step is ReactionStep.SEND:
            step = await self._attempt(step, leave_ns)
            leave_ns = None
        return self._ended(step)

    def _aim(self) -> FiringAim:
        reading = self._trading.clock()
        return aim(
            self.snipe.opens_ms,
            self._trading.exchange_ns(self.snipe.opens_ms),
            (self.line.round_trip_ns or 0) // 2,
            clock_error_ms=0.0 if reading is None else reading.error_ms,
            rules=self._rules,
        )

    def bounded(self, snipe: Snipe) -> Snipe:
        """Return the snipe with its price bound: the first observed price, if it was armed without one."""
        first = self._price.first_seen
        if first is None:
            return snipe
        return msgspec.structs.replace(
            snipe, reference_price=first, reference_source=ReferenceSource.FIRST, price_cap=self._price.cap()
        )

    async def close(self) -> None:
        """Close the connection."""
        await self.line.close()

    # ---- one attempt

    async def _attempt(self, step: FiringStep, leave_ns: int | None) -> FiringStep:
        if step.at_ms is not None and leave_ns is None:
            # Wait first, then decide from the order book of that moment.
            left_ns = self._trading.exchange_ns(step.at_ms) - self._clock.monotonic_ns()
            await asyncio.sleep(max(left_ns, 0) / 1e9)
        off = await self._plan.until_ready()
        name = "" if off else self._ledger.next_id(self._intent)
        if not name:
            return FiringStep(step=ReactionStep.STOP, reason=off or "no attempts left")
        decided_ns, step = self._clock.monotonic_ns(), self._price.current(step)
        signed = self._sign(step, name, leave_ns or decided_ns)
        signed_ns, best_ask = self._clock.monotonic_ns(), None

        def stopped() -> str:
            nonlocal best_ask
            best_ask = self._price.ask
            return self._stop_reason() or self._plan.blocked_since(decided_ns)

        sent = await self._execution.fire(self._intent, self.line, signed, at_ns=leave_ns, called_off=stopped)
        self._sent += 1
        self._last_sent_ns = self._clock.monotonic_ns()
        outcome = sent.outcome
        if isinstance(outcome, Rejected) and await self._was_taken(sent.order, outcome.refusal):
            outcome = Accepted(PlacedOrder(order_id=sent.order.client_order_id, symbol=sent.order.symbol))
        if isinstance(outcome, Accepted):
            outcome = await self._outcome_of(sent.order)
        is_untimely = isinstance(outcome, Rejected) and outcome.refusal.advice is Advice.RESYNC_CLOCK
        if is_untimely:
            await self._measure()
        after = react(outcome, self._progress(step, sent.order), self._rules, now_ms=self._trading.now_ms())
        self._note_attempt(step, sent, after, began_ns=(decided_ns, signed_ns), best_ask=best_ask)
        self._untimely += is_untimely
        for follow_up in after.follow_ups:
            self._run_follow_up(follow_up, after.reason)
        off = self._stop_reason() if after.step is ReactionStep.SEND else ""
        return (
            replace(after, step=ReactionStep.STOP, reason=f"{off}, after: {after.reason}") if off else after
        )

    def _stop_reason(self) -> str:
        """Return why nothing more may be sent: cancelled, or the entry window is over; empty: proceed."""
        late_ms = self._trading.now_ms() - self.snipe.opens_ms
        if late_ms > self._rules.window_ms:
            window_ms = self._rules.window_ms
            return f"entry window of {window_ms} ms over, {late_ms / 1_000:.1f} s after the opening"
        return self._orders.sold_reason or self._cancel_reason()

    def _sign(self, step: FiringStep, client_order_id: str, leave_ns: int) -> SignedOrder:
        assert step.type is not None
        order = NewOrder(
            symbol=self.snipe.symbol,
            side=Side.BUY,
            type=step.type,
            client_order_id=client_order_id,
            price=step.price,
            quantity=step.quantity,
        )
        ahead_ms = max(leave_ns - self._clock.monotonic_ns(), 0) // NS_PER_MS
        return self.line.prepare(
            order,
            purpose=Purpose.ENTRY,
            timestamp_ms=self._trading.now_ms() + ahead_ms,
            recv_window_ms=self._window_ms(),
        )

    async def _outcome_of(self, order: Order) -> SendOutcome[PlacedOrder]:
        """Wait for the outcome of an accepted order. Without a fill another attempt may follow."""
        name = order.client_order_id
        if order.type is OrderType.LIMIT:
            await self._watch_resting(name, order.price)
        else:
            await self._until_done(name)
        now = self._orders.of(name)
        if now is not None and not now.state.is_terminal:
            return Accepted(PlacedOrder(order_id=now.order_id, symbol=now.symbol))
        if self._orders.bought() and self._orders.is_enough():
            return Accepted(PlacedOrder(order_id=order.order_id or name, symbol=order.symbol))
        return NotSent("accepted, no fill at that price")

    async def _was_taken(self, order: Order, refusal: Refusal) -> bool:
        """Whether a refused order exists; waits for the order list while the window lasts."""
        while not self._stop_reason():
            try:
                return await self._execution.exists_despite_rejection(order, refusal)
            except ExchangeError as error:
                log.info(
                    "%s: querying open orders after the rejection failed: %s", order.client_order_id, error
                )
            await asyncio.sleep(LISTED_AGAIN_S)
        return False

    async def _until_done(self, name: str) -> None:
        """Wait for the stream to report an order that cannot rest; then query it."""
        for _ in range(4):
            if await self._orders.ends_within(name, ANSWERED_S):
                return
            order = self._orders.of(name)
            if order is None:
                return
            try:
                await self._execution.query(order)
            except ExchangeError as error:
                log.info("%s: %s", name, error)

    async def _watch_resting(self, name: str, price: Decimal | None) -> None:
        """Keep a limit order until it is filled, or its price moved away for long enough (protocol 11.2)."""
        ran_away_ms: int | None = None
        end_ms = self.snipe.opens_ms + self._rules.window_ms
        while not await self._orders.ends_within(name, CHECK_INTERVAL_S):
            now_ms = self._trading.now_ms()
            away = price is not None and has_moved_away(self._price.ask, price)
            ran_away_ms = (ran_away_ms or now_ms) if away else None
            leave_ms = cancel_at_ms(ran_away_ms, self._rules)
            if now_ms >= end_ms or (leave_ms is not None and now_ms >= leave_ms):
                order = self._orders.of(name)
                if order is not None:
                    await self._execution.cancel(order, "the price moved away from the entry")
                await self._until_done(name)
                return

    # ---- state

    def _progress(self, step: FiringStep, order: Order) -> FiringProgress:
        cap = self._price.cap()
        assert step.price is not None
        assert step.quantity is not None
        assert cap is not None
        return FiringProgress(
            opens_ms=self.snipe.opens_ms,
            spend_cap=self.snipe.spend_cap,
            type=step.type or self.snipe.type,
            price=self._price.again(step.price),
            quantity=step.quantity,
            sent=self._sent,
            last_sent_ms=self._last_sent_ms(),
            committed=self._orders.committed(order),
            grid=self._grid,
            cap=cap,
            best_ask=self._price.ask,
            untimely=self._untimely,
            reductions=self._reductions,
        )

    def _last_sent_ms(self) -> int | None:
        """Return when the last attempt ended, in current exchange time."""
        if self._last_sent_ns is None:
            return None
        return self._trading.now_ms() - (self._clock.monotonic_ns() - self._last_sent_ns) // NS_PER_MS

    # ---- after an attempt

    def _run_follow_up(self, follow_up: FollowUp, reason: str) -> None:
        self._reductions += follow_up is FollowUp.REFRESH_BALANCES
        self._on_chore(follow_up, reason)

    def _note_attempt(
        self,
        step: FiringStep,
        sent: SendResult,
        after: FiringStep,
        *,
        began_ns: tuple[int, int],
        best_ask: Decimal | None,
    ) -> None:
        fired = sent.fired or FireResult(outcome=sent.outcome)
        decided_ns, signed_ns = (max(at_ns, fired.aim_ns or at_ns) for at_ns in began_ns)
        self._refused = isinstance(sent.outcome, Rejected)
        reading = self._trading.clock()
        attempt = Attempt(
            snipe_id=self.snipe.id,
            client_order_id=sent.order.client_order_id,
            number=self._sent,
            aim_ms=step.at_ms or self.snipe.opens_ms,
            price=step.price,
            quantity=step.quantity,
            answer=_outcome_text(sent.outcome),
            code=sent.outcome.refusal.code if isinstance(sent.outcome, Rejected) else None,
            next_step=f"{after.step}: {after.reason}",
            stamps=Stamps(
                aim_ns=fired.aim_ns,
                decided_ns=decided_ns,
                signed_ns=signed_ns,
                written_ns=fired.written_ns,
                answered_ns=fired.answered_ns,
                filled_ns=self._orders.filled_ns.get(sent.order.client_order_id),
            ),
            best_ask=best_ask,
            clock_error_ms=None if reading is None else reading.error_ms,
        )
        self.attempts.append(attempt)

    def _ended(self, step: FiringStep) -> FiringResult:
        bought, is_complete = self._orders.bought(), self._orders.is_enough()
        state = ended_state(bought, is_complete=is_complete, was_refused=self._refused)
        if step.step is ReactionStep.QUERY or self._orders.is_any_open():
            state = SnipeState.UNKNOWN
        reason = step.reason
        if step.step is ReactionStep.OUTCOME:
            reason = result_text(state, self._orders.paid(), self._intent.quote_asset)
        return FiringResult(state, reason, self._sent)


def _outcome_text(outcome: SendOutcome[PlacedOrder]) -> str:
    match outcome:
        case NotSent():
            return outcome.text
        case Rejected(refusal):
            return refusal.text
        case Accepted():
            return "accepted"
        case _:
            return f"unknown: {outcome.reason}"
