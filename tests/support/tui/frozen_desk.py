"""A desk at one moment: rows that change only when a test changes them."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import msgspec

from mexc_tui.desk.api_types import CommandKind, CommandOutcome, Reply
from mexc_tui.desk.client import Link, LinkState
from mexc_tui.model.order import OrderType
from mexc_tui.model.position import CloseReason, PositionState, Protection
from mexc_tui.model.snipe import SnipeState
from mexc_tui.model.trading import Cause, RiskLevel, TradingState
from mexc_tui.model.trading_view import OrderRow, PositionRow, RiskRow, RungRow, SnipeRow
from mexc_tui.model.view import BudgetRow, ClockRow, ListingRow, SignalRow, StatusRow, StreamsRow
from mexc_tui.tui.query_cache import QueryCache
from mexc_tui.tui.source import DeskSource

if TYPE_CHECKING:
    from mexc_tui.model.event import Fact

NOW_MS = 1_790_000_000_000
Row = TypeVar("Row", bound=msgspec.Struct)


class View(Generic[Row]):
    """A view whose rows are set by a test."""

    def __init__(self, rows: dict[str, Row], *, is_complete: bool = True) -> None:
        self._rows = rows
        self.rows = MappingProxyType(rows)
        self.is_complete = is_complete
        self._listeners: list[Callable[[frozenset[str]], None]] = []

    def on_change(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Subscribe this listener."""
        self._listeners.append(listener)

    def put(self, key: str, row: Row | None) -> None:
        """Replace a row, or remove it."""
        if row is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = row
        for listener in self._listeners:
            listener(frozenset({key}))


class FrozenDesk:
    """All views, with a clock and a connection that a test sets."""

    def __init__(self, *, is_empty: bool = False, is_complete: bool = True) -> None:
        has_rows = not is_empty
        self.now_ms = NOW_MS
        self.may_operate = True
        self.replies: dict[str, Any] = {}
        """Responses by the name of the query or command: values, or functions to await."""
        self.received: list[tuple[str, Any]] = []
        """The received queries and commands."""
        self.ids: list[tuple[str, str | None]] = []
        """Their command ids."""
        self.followers: list[Callable[[Fact], None]] = []
        """Subscribers of every fact."""
        self.link = LinkState(Link.CONNECTED, "", 0.0, 0, None)
        self.silence_ms: float | None = 200.0
        self.status = View({"engine": status()} if has_rows else {}, is_complete=is_complete)
        self.listings = View(
            {row.id: row for row in _listings()} if has_rows else {}, is_complete=is_complete
        )
        self.signals = View(
            {f"{row.detector} {row.symbol}": row for row in _signals()} if has_rows else {},
            is_complete=is_complete,
        )
        self.snipes = View({row.id: row for row in _snipes()} if has_rows else {}, is_complete=is_complete)
        self.orders = View(dict[str, OrderRow](), is_complete=is_complete)
        self.positions = View(
            {row.id: row for row in _positions()} if has_rows else {}, is_complete=is_complete
        )
        self.risk = View({"risk": risk()} if has_rows else {}, is_complete=is_complete)

    async def send(
        self, kind: CommandKind[Any, Any], args: Any, *, deadline_s: float, command_id: str | None = None
    ) -> Reply[Any]:
        """Respond as an engine that returns only the replies set by the test."""
        del deadline_s
        self.received.append((kind.name, args))
        self.ids.append((kind.name, command_id))
        reply = self.replies.get(kind.name)
        if callable(reply):
            reply = await cast("Callable[[Any], Awaitable[Any]]", reply)(args)
        if reply is None:
            return Reply(CommandOutcome.REFUSED, f"No reply is set for {kind.name}.", None, is_repeated=False)
        if isinstance(reply, Reply):
            return cast("Reply[Any]", reply)
        return Reply(CommandOutcome.DONE, "", reply, is_repeated=False)

    def advance(self, by_ms: int) -> None:
        """Advance the time of screen and engine and publish the new status."""
        self.now_ms += by_ms
        row = self.status.rows["engine"]
        self.status.put("engine", msgspec.structs.replace(row, now_ms=self.now_ms))

    def source(self) -> DeskSource:
        """Return the data source of the screens."""
        return DeskSource(
            status=self.status,
            listings=self.listings,
            signals=self.signals,
            snipes=self.snipes,
            orders=self.orders,
            positions=self.positions,
            risk=self.risk,
            queries=QueryCache(self.send, lambda: self.now_ms),
            send=self.send,
            follow_events=self.followers.append,
            wire_per_s=lambda: 3_100.0,
            may_operate=self.may_operate,
            link=lambda: self.link,
            now_ms=lambda: self.now_ms,
            silence_ms=lambda: self.silence_ms,
        )


def status(mode: str = "practice") -> StatusRow:
    """Return the status of a healthy engine."""
    return StatusRow(
        running=True,
        pid=4121,
        profile=mode,
        mode=mode,
        exchange_session="calm" if mode == "practice" else "",
        trading_state=TradingState.ACTIVE,
        cause="",
        started_ms=NOW_MS - 3_600_000,
        now_ms=NOW_MS,
        clock=ClockRow(offset_ms=4.2, error_ms=2.0, age_s=22.0),
        streams=StreamsRow(topics=3, live=3, connections=1, messages=900, messages_per_s=12.0),
        budget=BudgetRow(),
        sources=(),
        workers=(),
        pairs=2_900,
        listings=5,
        signals=3,
        journal=812,
        config_hash="x",
    )


def risk(state: TradingState = TradingState.ACTIVE, words: str = "") -> RiskRow:
    """Return the risk row of a small account."""
    return RiskRow(
        state=state,
        cause=Cause.NONE if state is TradingState.ACTIVE else Cause.MANUAL,
        cause_text=words,
        since_ms=NOW_MS - 60_000,
        by="",
        risk_level=RiskLevel.NORMAL,
        risk_text="",
        quote_asset="USDT",
        equity=Decimal("512.4018"),
        cash=Decimal("364.90"),
        reserved=Decimal(50),
        exposure=Decimal("147.5"),
        peak=Decimal(520),
        drawdown_pct=Decimal("1.46"),
        day_pnl=Decimal("-3.10"),
        day_pct=Decimal("-0.6"),
        realised=Decimal("-29.7"),
        losses_in_a_row=1,
        paused_until_ms=None,
        is_complete=True,
        limits=(),
    )


def listing(
    symbol: str, stage: str, opens_in_s: float | None, *sources: str, **changes: object
) -> ListingRow:
    """Return a listing."""
    row = ListingRow(
        id=f"L-{symbol}",
        symbol=symbol,
        names=(symbol,),
        stage=stage,
        opens_ms=None if opens_in_s is None else NOW_MS + int(opens_in_s * 1_000),
        opens_source="calendar",
        moves=0,
        triple="",
        api_allowed=stage in ("api_enabled", "open"),
        opened_ms=None,
        first_seen_ms=NOW_MS - 86_400_000,
        first_source="calendar",
        sources=sources,
        disagreements=(),
        price=None,
        trades=0,
        outcome="",
    )
    return msgspec.structs.replace(row, **changes)


def _listings() -> list[ListingRow]:
    return [
        listing("FOOUSDT", "api_enabled", 47, "calendar", "exchangeInfo", "symbolsV2"),
        listing("BARUSDT", "scheduled", 3_723, "calendar", moves=2),
        listing(
            "QUUXUSDT",
            "visible",
            900,
            "calendar",
            "announcement",
            disagreements=("opening: calendar 14:28, announcement 15:00",),
        ),
        listing("日本USDT", "announced", None, "announcement"),
        listing("[b]ZEDUSDT", "scheduled", 190_000, "manual"),
        listing("OPENUSDT", "open", -600, "calendar", "exchangeInfo", price=0.03412, outcome="+38% peak"),
    ]


def _signals() -> list[SignalRow]:
    def row(detector: str, symbol: str, age_s: float, *, n: int, is_active: bool = True) -> SignalRow:
        return SignalRow(
            detector=detector,
            version=1,
            listing_id=f"L-{symbol}",
            topic="",
            state="",
            symbol=symbol,
            at_ms=NOW_MS - int(age_s * 1_000),
            severity="warning" if detector == "risk_warning" else "info",
            claim="opens_by",
            due_ms=NOW_MS + 60_000,
            probability=0.82,
            low=0.71,
            high=0.9,
            n=n,
            base_n=n,
            text="82 %",
            reasons=("sts 2 -> 1 seen 47 s before the opening", "exchangeInfo shows the pair"),
            config_hash="x",
            is_active=is_active,
        )

    return [
        row("ready_state", "FOOUSDT", 1.2, n=41),
        row("launch_sequence", "FOOUSDT", 130, n=0),
        row("risk_warning", "QUUXUSDT", 14, n=7),
        row("pre_ready", "OPENUSDT", 900, n=41, is_active=False),
    ]


def _snipes() -> list[SnipeRow]:
    return [
        SnipeRow(
            id="S1",
            symbol="FOOUSDT",
            listing_id="L-FOOUSDT",
            state=SnipeState.ARMED,
            reason="all checks passed",
            by="person",
            opens_ms=NOW_MS + 47_000,
            type=OrderType.LIMIT,
            spend_cap=Decimal(50),
            reference_price=None,
            price_cap=Decimal("0.0412"),
            attempts=0,
            filled_quantity=Decimal(0),
            filled_value=Decimal(0),
            armed_ms=NOW_MS - 60_000,
            ended_ms=None,
        )
    ]


def position(symbol: str, entry: str, bid: str | None, gain: str | None, percent: str) -> PositionRow:
    """Return a position."""
    return PositionRow(
        id=f"P-{symbol}",
        symbol=symbol,
        base_asset=symbol.removesuffix("USDT"),
        quote_asset="USDT",
        state=PositionState.OPEN,
        quantity=Decimal(2_930),
        entry_price=Decimal(entry),
        cost=Decimal("72.4"),
        bid=None if bid is None else Decimal(bid),
        bid_age_ms=300,
        value=None if bid is None else Decimal("99.97"),
        unrealised=None if gain is None else Decimal(gain),
        unrealised_pct=None if gain is None else Decimal(percent),
        realised=Decimal(0),
        fees=Decimal("0.07"),
        initial_stop=Decimal("0.02273"),
        stop_price=Decimal("0.03139"),
        high_price=Decimal("0.0348"),
        rungs=(
            RungRow(number=1, price=Decimal("0.03"), quantity=Decimal(900), where="sold"),
            RungRow(number=2, price=Decimal("0.04"), quantity=Decimal(900), where="exchange"),
        ),
        protection=Protection.ENGINE,
        protection_text="stop in this engine: ends with this engine",
        trapped="",
        opened_ms=NOW_MS - 41_000,
        time_stop_ms=None,
        closed_ms=None,
        close_reason=next(iter(CloseReason)),
        dust=Decimal(0),
        snipe_id="S0",
        signal_id="",
    )


def _positions() -> list[PositionRow]:
    return [
        position("OPENUSDT", "0.02471", "0.03412", "27.57", "38.1"),
        position("QUXUSDT", "0.441", "0.4322", "-0.97", "-2.0"),
        position("LOSTUSDT", "1.25", None, None, "0"),
    ]
