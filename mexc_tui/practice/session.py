"""State of a practice session: pairs, order books, account, other traders, listings. Pure, deterministic.

State changes only in `advance`, `place`, `cancel*`, `convert`, `deposit` and `mx_deduction`. No method reads
a clock: call `advance(now)` first, then the method, which acts at `now_ms`. The same seed and the same calls
at the same times give the same results, however often `advance` is called in between.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from mexc_tui.model.order import NewOrder
from mexc_tui.practice.listing_board import ListingBoard
from mexc_tui.practice.matching import dust, market_data
from mexc_tui.practice.matching.accounts import PracticeAccount
from mexc_tui.practice.matching.hub import Hub
from mexc_tui.practice.matching.ids import seeded
from mexc_tui.practice.matching.intervals import KlineInterval
from mexc_tui.practice.matching.orders import OrderLog
from mexc_tui.practice.matching.pairs import PracticePair
from mexc_tui.practice.matching.trading import OrderMatcher
from mexc_tui.practice.matching.values import (
    ZERO,
    BookChangeKind,
    Candle,
    Conversion,
    Depth,
    Fill,
    OrderRecord,
    PracticeAnnouncement,
    PracticeBalance,
    PracticeCalendarEntry,
    PracticeDust,
    PracticeRefusal,
    PracticeTrade,
    PracticeWebSymbol,
    Ticker,
)
from mexc_tui.practice.price_models import SteadyPrice
from mexc_tui.practice.scenario import Scenario
from mexc_tui.practice.schedule import Schedule
from mexc_tui.practice.traders import Crowd
from mexc_tui.practice.universe import apply_oddity, universe

if TYPE_CHECKING:
    from mexc_tui.practice.matching.sink import MessageSink


class ExchangeSession:
    """One practice session. Rejected calls raise PracticeRefusal."""

    def __init__(self, scenario: Scenario, seed: int, start_ms: int) -> None:
        self.scenario = scenario
        self.seed = seed
        self.start_ms = start_ms
        self._hub = Hub(start_ms)
        self._schedule = Schedule()
        self._account = PracticeAccount(self._hub, scenario.account.balances)
        self._log = OrderLog()
        self._desk = OrderMatcher(
            hub=self._hub,
            account=self._account,
            log=self._log,
            knobs=scenario.knobs,
            rng=seeded(seed, "desk"),
        )
        self._pairs: dict[str, PracticePair] = {}
        self._add_universe()
        self._desk.mx_pair = self._pairs.get("MXUSDT")
        self._board = ListingBoard(
            scenario=scenario,
            seed=seed,
            hub=self._hub,
            schedule=self._schedule,
            pairs=self._pairs,
            in_use=self._is_in_use,
        )
        self._add_crowds()
        self.advance(start_ms)

    def _add_universe(self) -> None:
        plan, knobs = self.scenario.market, self.scenario.knobs
        for listed in universe(plan.symbols, self.seed, self.start_ms, knobs=knobs):
            pair = PracticePair(
                rules=listed.rules, hub=self._hub, seed=self.seed, past_until_ms=self.start_ms
            )
            apply_oddity(pair, listed.oddity)
            if not knobs.first_open_time:
                pair.first_open_ms = None
            self._pairs[pair.symbol] = pair

    def _add_crowds(self) -> None:
        plan = self.scenario.market
        by_turnover = sorted(self._pairs.values(), key=lambda pair: (-pair.rules.turnover, pair.symbol))
        for rank, pair in enumerate(by_turnover):
            rate = plan.trades_per_s if rank < plan.active_pairs else plan.quiet_trades_per_s
            if rate > 0 and pair.status.is_online:
                self._await_crowd(pair, rate)

    def _await_crowd(self, pair: PracticePair, rate: float) -> None:
        """Schedule a crowd's first action, which creates its pair's market."""
        rng = seeded(self.seed, f"crowd/{pair.symbol}")

        def begin(now_ms: int) -> None:
            units = pair.units(pair.rules.turnover) / 86_400 / max(rate, 0.01)
            motion = SteadyPrice(
                ticks=pair.market.last_ticks, trades_per_s=rate, start_ms=self.start_ms, rng=rng
            )
            crowd = Crowd(pair=pair, motion=motion, trade_units=units, rng=rng)
            self._act_and_await(crowd, now_ms)

        self._schedule.add(self.start_ms + max(round(rng.expovariate(rate) * 1000), 1), begin)

    def _act_and_await(self, crowd: Crowd, now_ms: int) -> None:
        crowd.act(now_ms)
        gap_ms = crowd.gap_ms(now_ms)
        if gap_ms is not None:
            self._schedule.add(now_ms + gap_ms, lambda at_ms: self._act_and_await(crowd, at_ms))

    def _is_in_use(self, pair: PracticePair) -> bool:
        holds = self._account.total(pair.rules.base) > 0
        return holds or any(order.symbol == pair.symbol for order in self._log.open_now())

    @property
    def now_ms(self) -> int:
        """Time to which the session has advanced."""
        return self._hub.now_ms

    @property
    def sinks(self) -> "list[MessageSink]":
        """Subscribers; append to it."""
        return self._hub.sinks

    @property
    def mx_deduction(self) -> bool:
        """Whether fees are paid in MX (POST mxDeduct/enable sets it)."""
        return self._desk.mx_deduction

    @mx_deduction.setter
    def mx_deduction(self, on: bool) -> None:
        self._desk.mx_deduction = on

    @property
    def id(self) -> str:
        """Id of this session, unique by scenario, seed and start."""
        return f"{self.scenario.name}-{self.seed}-{self.start_ms}"

    @property
    def ends_ms(self) -> int | None:
        """End of the scenario; None: never."""
        duration_s = self.scenario.duration_s
        return None if duration_s is None else self.start_ms + round(duration_s * 1000)

    # Time

    def advance(self, to_ms: int) -> None:
        """Run every due event up to and including `to_ms`, in time order. An earlier time is ignored."""
        hub = self._hub
        while (due := self._schedule.pop_due(to_ms)) is not None:
            at_ms, event = due
            hub.now_ms = max(hub.now_ms, at_ms)
            event(hub.now_ms)
        hub.now_ms = max(hub.now_ms, to_ms)

    def next_event_ms(self) -> int | None:
        """Return the time of the next event; None: none."""
        return self._schedule.next_ms()

    # Pairs and listings

    def pair(self, symbol: str) -> PracticePair | None:
        """Return a pair that is in exchangeInfo; None: unknown or not visible yet."""
        return self._pairs.get(symbol)

    def visible_pairs(self) -> Sequence[PracticePair]:
        """Return the pairs in exchangeInfo."""
        return list(self._pairs.values())

    def default_symbols(self) -> list[str]:
        """Return the symbols open to ordinary keys."""
        return [pair.symbol for pair in self._pairs.values() if pair.api_allowed]

    def self_symbols(self) -> list[str]:
        """Return the symbols open to this account's key."""
        chosen = self.scenario.account.pairs
        return [symbol for symbol in self.default_symbols() if not chosen or symbol in chosen]

    def calendar(self) -> list[PracticeCalendarEntry]:
        """Return the new coin calendar: about a week back, and all announced listings."""
        return self._board.calendar(self.now_ms)

    def web_symbols(self) -> list[PracticeWebSymbol]:
        """Return symbolsV2: every visible pair, and upcoming ones in their states (protocol 10.3)."""
        listed = self._board.web_symbols()
        settled = (pair for symbol, pair in self._pairs.items() if symbol not in listed)
        return [*listed.values(), *(market_data.web_symbol(pair) for pair in settled)]

    def announcements(self) -> list[PracticeAnnouncement]:
        """Return listing announcements, newest first."""
        return self._board.announcements()

    # Market data; `symbol` must be one of `visible_pairs`, otherwise PracticeRefusal(-1121)

    def depth(self, symbol: str, limit: int = 100, at_ms: int | None = None) -> Depth:
        """Return a snapshot of at most `limit` levels a side (2,000 at most).

        `at_ms` requests an older book (a stale snapshot), as far back as the recorded changes reach.
        """
        return self._require_pair(symbol).depth(limit, self.now_ms, at_ms)

    def trades(self, symbol: str, limit: int = 500) -> list[PracticeTrade]:
        """Return recent trades, newest first."""
        tape = self._require_pair(symbol).trades
        return list(tape)[: -min(limit, 1_000) - 1 : -1]

    def klines(
        self,
        symbol: str,
        interval: KlineInterval,
        start_ms: int | None = None,
        *,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[Candle]:
        """Return candles, oldest first: `limit` from `start_ms` if given, else the last up to `end_ms`."""
        return market_data.klines(
            self._require_pair(symbol), interval, start_ms, end_ms=end_ms, limit=limit, now_ms=self.now_ms
        )

    def candle(self, symbol: str, interval: KlineInterval) -> Candle | None:
        """Return the current candle; None before a new pair's first trade."""
        pair = self._require_pair(symbol)
        bar = pair.candles.running(interval, self.now_ms)
        return None if bar is None else market_data.candle(pair, interval, bar)

    def average_price(self, symbol: str) -> Decimal:
        """Return the volume-weighted price of the last five minutes, or the last price."""
        return market_data.average_price(self._require_pair(symbol), self.now_ms)

    def ticker(self, symbol: str) -> Ticker:
        """Return the last 24 hours of a pair. Cheap enough for all pairs every few seconds."""
        return market_data.ticker(self._require_pair(symbol), self.now_ms)

    # The account

    def place(self, order: NewOrder) -> OrderRecord:
        """Match an order, and return it as accepted (NEW; MARKET with its protection price)."""
        pair = self._tradable(order.symbol)
        return self._desk.place(order, pair, self._board.opening_rules(pair.symbol, self.now_ms))

    def test(self, order: NewOrder) -> None:
        """Check an order as `place` does, without placing it."""
        pair = self._tradable(order.symbol)
        self._desk.check(order, pair, self._board.opening_rules(pair.symbol, self.now_ms))

    def cancel(self, symbol: str, *, order_id: str = "", client_order_id: str = "") -> OrderRecord:
        """Cancel one order; return it before or after the cancel (knob). Raises -2011 if it is not open."""
        return self._desk.cancel(symbol, order_id, client_order_id)

    def cancel_all(self, symbol: str | None) -> list[OrderRecord]:
        """Cancel every open order of a symbol (None: of the account)."""
        return self._desk.cancel_all(symbol)

    def order(self, symbol: str, *, order_id: str = "", client_order_id: str = "") -> OrderRecord:
        """Find an order; a duplicate client id returns the newest. Raises -2013 if unknown or not visible."""
        return self._log.visible(symbol, order_id, client_order_id, now_ms=self.now_ms)

    def open_orders(self, symbol: str | None = None) -> list[OrderRecord]:
        """Return open orders, newest first."""
        return self._log.open_visible(symbol, self.now_ms)

    def all_orders(
        self, symbol: str, start_ms: int | None = None, end_ms: int | None = None, *, limit: int = 500
    ) -> list[OrderRecord]:
        """Return orders of the last 24 hours (or the given window, at most 7 days old), newest first."""
        return self._log.history(symbol, start_ms, end_ms, limit=limit, now_ms=self.now_ms)

    def my_trades(
        self,
        symbol: str,
        order_id: str = "",
        start_ms: int | None = None,
        *,
        end_ms: int | None = None,
        limit: int = 100,
    ) -> list[Fill]:
        """Return the account's trades, newest first, at most 100."""
        return self._log.trades(symbol, order_id, start_ms, end_ms=end_ms, limit=limit, now_ms=self.now_ms)

    def balances(self) -> list[PracticeBalance]:
        """Return non-zero balances."""
        return self._account.balances()

    def dust(self) -> list[PracticeDust]:
        """Return small balances that can be converted to MX."""
        return dust.convertible(self._account, self._pairs)

    def convert(self, assets: Sequence[str]) -> Conversion:
        """Convert small balances to MX (at most 15 assets)."""
        return dust.convert(assets, self._account, self._pairs)

    def deposit(self, asset: str, amount: Decimal) -> None:
        """Deposit an amount (negative: withdraw)."""
        kind = BookChangeKind.DEPOSIT if amount > 0 else BookChangeKind.WITHDRAW
        self._account.move(asset, amount, ZERO, kind=kind)

    # Finding pairs

    def _require_pair(self, symbol: str) -> PracticePair:
        pair = self._pairs.get(symbol)
        if pair is None:
            raise PracticeRefusal(-1121, "Invalid symbol.")
        return pair

    def _tradable(self, symbol: str) -> PracticePair:
        """Find the pair of an order: 10007 before it appears, 30014 if unknown (protocol 11.3)."""
        chosen = self.scenario.account.pairs
        if chosen and symbol not in chosen:
            raise PracticeRefusal(30020, "no permission for the symbol")
        pair = self._pairs.get(symbol)
        if pair is not None:
            return pair
        if self._board.is_upcoming(symbol):
            raise PracticeRefusal(10007, "bad symbol")
        raise PracticeRefusal(30014, "invalid symbol")

    def warm(self) -> Iterator[None]:
        """Create the market and the daily ticker of one pair per step of the iterator.

        Changes no response; spreads the cost of the first query for all pairs over time.
        """
        for pair in self.visible_pairs():
            market_data.ticker(pair, self.now_ms)
            yield
