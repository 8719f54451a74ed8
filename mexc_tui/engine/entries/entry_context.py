"""Inputs of the pre-trade check, from memory and ledger: for arming, why and what-if alike."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import msgspec

from mexc_tui.engine.accounting.ledger_state import LedgerState
from mexc_tui.engine.market.knowledge_store import KnowledgeStore
from mexc_tui.engine.market.prices import QUOTE, PriceCache
from mexc_tui.ledger.equity import PriceMark, equity_point
from mexc_tui.model.intent import OrderRole
from mexc_tui.model.listing import Listing, ListingSource
from mexc_tui.model.mode import Mode
from mexc_tui.model.order import OrderType
from mexc_tui.model.outcome import Purpose
from mexc_tui.model.policy import Sizing
from mexc_tui.model.position import LedgerAccount
from mexc_tui.model.signal import Signal
from mexc_tui.model.snipe import ExitPlan, Snipe
from mexc_tui.model.symbol import Symbol
from mexc_tui.ports.trading import TradingPort
from mexc_tui.ports.trading_store import TradingTables
from mexc_tui.risk.candidate import HeldPosition, Reserved, RiskBook, RiskLimits
from mexc_tui.sniping.key_pairs import KeyPairs, KeyPermission, key_may_trade
from mexc_tui.sniping.plan import FireRules, book_price, price_cap
from mexc_tui.sniping.reference import confirmed_price
from mexc_tui.sniping.request import (
    NO_TERMS,
    ArmFacts,
    ArmProposal,
    ArmRules,
    ArmTerms,
    DeskFacts,
    KeyFacts,
    PairFacts,
    WorkerFact,
)
from mexc_tui.sniping.rounding import Grid, floored, grid_of
from mexc_tui.sniping.sizing import SizeFacts, SizeRules, size

ZERO = Decimal(0)
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryParameters:
    """Entry settings in the form the pure packages use."""

    mode: Mode
    arming: ArmRules
    limits: RiskLimits
    sizing: SizeRules
    fire: FireRules
    plan: ExitPlan
    config_hash: str
    clock_age_s: float
    """An older clock measurement blocks firing."""
    silent_ms: int
    """A stream connection silent for longer blocks firing: it counts as dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryConditions:
    """Current conditions that the ledger does not contain. None: unknown, which refuses."""

    equity: Decimal | None
    peak: Decimal
    day_equity: Decimal | None
    """Equity at the start of this UTC day, the base of the risk monitor's daily loss."""
    clock_offset_ms: float | None
    clock_error_ms: float | None
    stream_age_ms: int | None
    weight_left: int
    orders_left: int
    resumed_ms: int
    """Earlier losses no longer count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRequest:
    """A proposed entry with the inputs of its pre-trade check, except the ledger."""

    proposal: ArmProposal
    pair: PairFacts
    desk: DeskFacts
    parameters: EntryParameters
    conditions: EntryConditions
    price_cap: Decimal | None
    grid: Grid | None

    def facts(self, book: RiskBook) -> ArmFacts:
        """Return all inputs of the pre-trade check."""
        return ArmFacts(
            pair=self.pair,
            desk=self.desk,
            book=book,
            rules=self.parameters.arming,
            limits=self.parameters.limits,
        )


class EntryContext:
    """Collects the inputs of pre-trade checks; decides nothing."""

    def __init__(
        self,
        *,
        knowledge_store: KnowledgeStore,
        trading: TradingPort,
        prices: PriceCache,
        ledger_state: Callable[[], LedgerState],
        parameters: Callable[[], EntryParameters],
        workers: Callable[[], tuple[WorkerFact, ...]],
        stream_age_ms: Callable[[], int | None],
        is_reconciled: Callable[[], bool],
        is_unlocked: Callable[[], bool],
        key: Callable[[], KeyFacts | None],
        day_equity: Callable[[], Decimal | None],
    ) -> None:
        """`workers`: health of the workers that firing depends on; `stream_age_ms`: of the market streams;
        `is_unlocked`: whether live trading is unlocked for this session; `day_equity`: equity at the
        start of the day."""
        self._knowledge_store = knowledge_store
        self._trading = trading
        self._prices = prices
        self._ledger_state = ledger_state
        self._parameters = parameters
        self._workers = workers
        self._stream_age_ms = stream_age_ms
        self._is_reconciled = is_reconciled
        self._is_unlocked = is_unlocked
        self._key = key
        self._day_equity = day_equity

    def build_request(
        self,
        listing: Listing | None,
        symbol: str,
        signal_id: str,
        *,
        signal: Signal | None,
        snipe: Snipe | None,
        terms: ArmTerms = NO_TERMS,
    ) -> ArmRequest:
        """Return the proposed entry for a listing, sized, with all inputs except the ledger."""
        parameters, pair = self._parameters(), self._knowledge_store.knowledge.pairs.get(symbol)
        grid = None if pair is None else grid_of(pair)
        reference = self.reference(symbol) if snipe is None else snipe.reference_price
        cap = _cap(reference, grid, terms, fire=parameters.fire) if snipe is None else snipe.price_cap
        conditions = self.conditions()
        spend, size_text = self._size(parameters, grid, conditions, terms=terms)
        proposal = ArmProposal(
            symbol=symbol,
            signal_id=signal_id,
            detector=None if signal is None else signal.key.detector,
            opens_ms=None if listing is None else listing.opens_ms,
            spend=spend if snipe is None else snipe.spend_cap,
            type=OrderType.IMMEDIATE_OR_CANCEL,
            price=self._first_price(symbol, cap, grid, fire=parameters.fire),
            reference_price=reference,
            plan=_plan(parameters.plan, terms) if snipe is None else snipe.plan,
            probability=None if signal is None else signal.probability.value,
            size_text=size_text if snipe is None else "",
            snipe_id="" if snipe is None else snipe.id,
        )
        return ArmRequest(
            proposal=proposal,
            pair=self._pair(listing, pair, symbol),
            desk=self.desk(signal),
            parameters=parameters,
            conditions=conditions,
            price_cap=cap,
            grid=grid,
        )

    def reference(self, symbol: str) -> Decimal | None:
        """Return the price before the opening that the premium is measured from; None: no confirmed one.

        New pairs usually have none: no source of MEXC publishes a price before the first trade.
        """
        price = self._prices.of(symbol)
        return confirmed_price(
            price.bid, price.ask, price.last, premium_pct=self._parameters().fire.premium_pct
        )

    def conditions(self) -> EntryConditions:
        """Return the conditions that the ledger does not contain."""
        memory, clock = self._ledger_state(), self._trading.clock()
        equity = self.equity(memory)
        return EntryConditions(
            equity=equity,
            peak=ZERO if memory.equity is None else memory.equity.peak,
            day_equity=self._day_equity(),
            # Requests carry the measured exchange time: only its error remains.
            clock_offset_ms=None if clock is None else 0.0,
            clock_error_ms=None if clock is None else clock.error_ms,
            stream_age_ms=self._stream_age_ms(),
            weight_left=self._trading.weight_left(Purpose.ENTRY),
            orders_left=self._trading.orders_left(Purpose.ENTRY),
            resumed_ms=memory.trading.since_ms if memory.trading.state.allows_entries else 0,
        )

    def equity(self, memory: LedgerState) -> Decimal | None:
        """Return the current equity of the desk; None: a price is missing."""
        marks = (
            PriceMark(position, self._prices.of(position.symbol).bid, self.fee(position.symbol))
            for position in memory.positions.values()
        )
        point = equity_point(memory.cash(QUOTE), marks, ZERO, previous=None, at_ms=0)
        return point.equity if point.is_complete else None

    def fee(self, symbol: str) -> Decimal:
        """Return the fee ratio of selling a pair."""
        pair = self._knowledge_store.knowledge.pairs.get(symbol)
        return ZERO if pair is None else pair.taker_fee

    def _size(
        self, parameters: EntryParameters, grid: Grid | None, conditions: EntryConditions, *, terms: ArmTerms
    ) -> tuple[Decimal, str]:
        if grid is None:
            return ZERO, "symbol unknown"
        memory = self._ledger_state()
        facts = SizeFacts(
            equity=conditions.equity,
            free_cash=memory.cash(QUOTE) - memory.reserved(),
            stop_pct=_plan(parameters.plan, terms).stop_loss_pct,
            exit_slippage_pct=parameters.fire.slippage_pct,
            grid=grid,
        )
        rules = parameters.sizing
        if terms.spend is not None:
            rules = replace(rules, sizing=Sizing.FIXED, fixed_quote=terms.spend)
        sized = size(rules, facts)
        return sized.spend, sized.refused

    def _first_price(
        self, symbol: str, cap: Decimal | None, grid: Grid | None, *, fire: FireRules
    ) -> Decimal | None:
        ask = self._prices.of(symbol).ask
        return cap if ask is None or grid is None else book_price(ask, cap, grid, rules=fire)

    def _pair(self, listing: Listing | None, pair: Symbol | None, symbol: str) -> PairFacts:
        asks = self._prices.of(symbol).asks
        book = tuple((float(price), float(quantity)) for price, quantity in asks)
        may = key_permission(self._knowledge_store, symbol, listing, now_ms=self._trading.now_ms())
        return PairFacts(listing=listing, symbol=pair, key_permission=may, asks=book or None)

    def desk(self, signal: Signal | None = None) -> DeskFacts:
        """Return the state of the engine, and of the detector of a signal."""
        trading = self._ledger_state().trading
        return DeskFacts(
            mode=self._parameters().mode,
            is_unlocked=self._is_unlocked(),
            key=self._key(),
            trading=trading,
            generation=trading.generation,
            outcomes=0 if signal is None else signal.probability.base_n,
            workers=self._workers(),
            is_reconciled=self._is_reconciled(),
            ban=self._trading.ban(),
        )


def _cap(reference: Decimal | None, grid: Grid | None, terms: ArmTerms, *, fire: FireRules) -> Decimal | None:
    """Return the price cap of a new snipe; a given maximum price also bounds a pair without a reference."""
    if grid is None:
        return None
    cap = price_cap(reference, grid, fire)
    if terms.max_price is None:
        return cap
    given = floored(terms.max_price, grid.price_tick)
    return given if cap is None else min(cap, given)


def _plan(plan: ExitPlan, terms: ArmTerms) -> ExitPlan:
    if terms.stop_loss_pct is None:
        return plan
    return msgspec.structs.replace(plan, stop_loss_pct=terms.stop_loss_pct)


def key_permission(
    knowledge_store: KnowledgeStore, symbol: str, listing: Listing | None, *, now_ms: int
) -> KeyPermission:
    """Return whether the key's own symbol list, as last polled, lets it trade a pair."""
    names = knowledge_store.knowledge.names_of(ListingSource.SELF_SYMBOLS)
    pairs = (
        None
        if names is None
        else KeyPairs(names, knowledge_store.knowledge.names_ms[ListingSource.SELF_SYMBOLS])
    )
    return key_may_trade(symbol, pairs, None if listing is None else listing.api_ms, now_ms=now_ms)


def risk_book(tables: TradingTables, symbol: str, now_ms: int, *, conditions: EntryConditions) -> RiskBook:
    """Return the inputs of the risk limits from the ledger as this transaction sees it."""
    intents = [intent for intent in tables.intents.open() if intent.role is OrderRole.ENTRY]
    opens_ms = {snipe.id: snipe.opens_ms for snipe in tables.snipes.open()}
    reserved = tuple(
        Reserved(
            snipe_id=intent.snipe_id,
            symbol=intent.symbol,
            amount=intent.reserved,
            opens_ms=opens_ms.get(intent.snipe_id, now_ms),
        )
        for intent in intents
    )
    losses = tables.limits.losses_in_a_row(conditions.resumed_ms)
    exit_ms = tables.limits.last_exit_ms(symbol)
    cash = tables.entries.balance(LedgerAccount.DESK, QUOTE)
    return RiskBook(
        equity=conditions.equity,
        peak=max(conditions.peak, conditions.equity or ZERO),
        free_cash=cash - sum((reservation.amount for reservation in reserved), ZERO),
        day_equity=conditions.day_equity,
        held=tuple(
            HeldPosition(position.symbol, position.remaining_cost) for position in tables.positions.open()
        ),
        reserved=reserved,
        # An open entry counts as its reservation.
        entries_ms=tables.limits.entries_ms(now_ms - 2 * DAY_MS),
        exits_ms=() if exit_ms is None else ((symbol, exit_ms),),
        losses_in_a_row=losses.count,
        last_loss_ms=losses.last_ms,
        clock_offset_ms=conditions.clock_offset_ms,
        clock_error_ms=conditions.clock_error_ms,
        stream_age_ms=conditions.stream_age_ms,
        weight_left=conditions.weight_left,
        orders_left=conditions.orders_left,
    )
