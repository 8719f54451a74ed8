"""Tables of the ledger of one scope (an account in an exchange session): `stored.trading(scope)`.

`save` inserts a row or replaces the one with its key; every row read is verified against its hash. Raises
StorageConflict when a table rule rejects a write, StorageDamaged when a row does not match its hash.
"""

from decimal import Decimal
from typing import Protocol

from mexc_tui.model.intent import Intent, Order
from mexc_tui.model.position import EquityPoint, LedgerAccount, LedgerEntry, Lot, Position, TradingDay
from mexc_tui.model.reconciliation import Reconciliation
from mexc_tui.model.snipe import Attempt, Snipe, SnipeKey
from mexc_tui.model.storage import CommittedFunds, LossRun, StoredBalance
from mexc_tui.model.trading import RiskCheck, Tightening, Trading


class SnipeTable(Protocol):
    """Snipes; at most one per key."""

    def save(self, snipe: Snipe) -> None:
        """Store a snipe. Raises StorageConflict if its key has another snipe."""
        ...

    def get(self, snipe_id: str) -> Snipe | None:
        """Return one snipe."""
        ...

    def by_key(self, key: SnipeKey) -> Snipe | None:
        """Return the snipe of a signal."""
        ...

    def open(self) -> list[Snipe]:
        """Return the active snipes, oldest first."""
        ...

    def of_symbol(self, symbol: str, limit: int = ...) -> list[Snipe]:
        """Return the latest rows of a pair, newest first."""
        ...

    def page(self, before_ms: int = ..., before_id: str = ..., limit: int = ...) -> list[Snipe]:
        """Return the snipes after one (by arming time and id), newest first."""
        ...


class AttemptTable(Protocol):
    """Attempts of snipes."""

    def save(self, attempt: Attempt) -> None:
        """Store an attempt; it replaces the one with its number."""
        ...

    def of_snipe(self, snipe_id: str) -> list[Attempt]:
        """Return the attempts of a snipe in order."""
        ...


class IntentTable(Protocol):
    """Durable intents. A snipe has at most one open entry; a client order id belongs to one intent."""

    def save(self, intent: Intent) -> None:
        """Store an intent. Client order ids may be added, never removed."""
        ...

    def get(self, intent_id: str) -> Intent | None:
        """Return one intent."""
        ...

    def by_client_id(self, client_order_id: str) -> Intent | None:
        """Return the intent of a client order id."""
        ...

    def open(self) -> list[Intent]:
        """Return the open intents, oldest first."""
        ...

    def of_snipe(self, snipe_id: str) -> list[Intent]:
        """Return the intents of a snipe, oldest first."""
        ...

    def of_position(self, position_id: str) -> list[Intent]:
        """Return the rows of a position, oldest first."""
        ...


class OrderTable(Protocol):
    """The desk's orders by client order id, and foreign orders."""

    def save(self, order: Order) -> None:
        """Store an order."""
        ...

    def get(self, client_order_id: str) -> Order | None:
        """Return one order."""
        ...

    def by_order_id(self, order_id: str) -> Order | None:
        """Return an order by the exchange's id; of two, the older one."""
        ...

    def open(self, symbol: str = ...) -> list[Order]:
        """Return the desk's open orders, oldest first."""
        ...

    def live(self, symbol: str = ...) -> list[Order]:
        """Return the desk's orders that are or may be on the exchange: UNKNOWN included, INTENT not."""
        ...

    def of_intent(self, intent_id: str) -> list[Order]:
        """Return the orders of an intent, oldest first."""
        ...

    def of_position(self, position_id: str) -> list[Order]:
        """Return the orders of a position, oldest first."""
        ...

    def foreign(self, limit: int = ...) -> list[Order]:
        """Return foreign orders (without an intent), closed ones included, newest first."""
        ...

    def page(
        self, before_ms: int = ..., before_id: str = ..., limit: int = ..., *, symbol: str = ...
    ) -> list[Order]:
        """Return the orders after one (by creation time and client order id), newest first."""
        ...


class LotTable(Protocol):
    """Lots, first in, first out."""

    def save(self, lot: Lot) -> None:
        """Store a lot."""
        ...

    def open(self, asset: str = ...) -> list[Lot]:
        """Return the lots with a remainder, of one coin or of all, first in, first out."""
        ...

    def of_position(self, position_id: str) -> list[Lot]:
        """Return the lots of a position, first in, first out."""
        ...


class PositionTable(Protocol):
    """Positions; at most one is open per pair and snipe."""

    def save(self, position: Position) -> None:
        """Store a position."""
        ...

    def get(self, position_id: str) -> Position | None:
        """Return one position."""
        ...

    def open(self) -> list[Position]:
        """Return the open positions, oldest first."""
        ...

    def of_snipe(self, snipe_id: str) -> Position | None:
        """Return the newest position of a snipe."""
        ...

    def of_symbol(self, symbol: str, limit: int = ...) -> list[Position]:
        """Return the latest rows of a pair, newest first."""
        ...

    def page(self, before_ms: int = ..., before_id: str = ..., limit: int = ...) -> list[Position]:
        """Return the positions after one (by opening time and id), newest first."""
        ...

    def closed(self, since_ms: int = ..., limit: int = ...) -> list[Position]:
        """Return the positions closed at or after `since_ms`, latest first."""
        ...


class EntryTable(Protocol):
    """Ledger entries: append-only and hash-chained; balances are stored beside them."""

    def add(self, entry: LedgerEntry) -> bool:
        """Book an entry; False: already booked. Raises StorageConflict unless it sums to zero."""
        ...

    def get(self, entry_id: str) -> LedgerEntry | None:
        """Return one entry."""
        ...

    def of_position(self, position_id: str) -> list[LedgerEntry]:
        """Return the rows of a position, oldest first."""
        ...

    def page(self, before: int = ..., limit: int = ...) -> list[tuple[int, LedgerEntry]]:
        """Return entries below a number, newest first, each with its number."""
        ...

    def balance(self, account: LedgerAccount, asset: str) -> Decimal:
        """Return one balance; 0: nothing was booked."""
        ...

    def balances(self) -> list[StoredBalance]:
        """Return every balance."""
        ...


class DayTable(Protocol):
    """Daily figures."""

    def save(self, day: TradingDay) -> None:
        """Store a day."""
        ...

    def get(self, day: str) -> TradingDay:
        """Return a day (2026-11-22); an empty one without activity."""
        ...

    def latest(self, limit: int = ...) -> list[TradingDay]:
        """Return the newest days with activity, newest first."""
        ...


class EquityTable(Protocol):
    """Equity points."""

    def add(self, point: EquityPoint) -> None:
        """Append a point."""
        ...

    def latest(self) -> EquityPoint | None:
        """Return the newest point; its `peak` is the current one."""
        ...

    def between(self, from_ms: int, to_ms: int, limit: int = ...) -> list[EquityPoint]:
        """Return points at or after `from_ms` and before `to_ms`, oldest first."""
        ...

    def daily_closes(self, limit: int = ...) -> list[EquityPoint]:
        """Return the last complete point of each of the newest UTC days, oldest first."""
        ...


class StateTable(Protocol):
    """The trading state."""

    def get(self) -> Trading:
        """Return the state; active if none was stored."""
        ...

    def save(self, trading: Trading) -> None:
        """Store the state. Raises StorageConflict if its generation is below the stored one."""
        ...


class TighteningTable(Protocol):
    """Current reduction of the entry limits."""

    def get(self) -> Tightening:
        """Return the reduction; none if nothing was stored."""
        ...

    def save(self, tightening: Tightening) -> None:
        """Store the reduction; it replaces the previous one."""
        ...


class RiskCheckTable(Protocol):
    """Risk checks."""

    def add(self, check: RiskCheck) -> None:
        """Append a check."""
        ...

    def latest(self, limit: int = ...) -> list[RiskCheck]:
        """Return the newest checks, newest first."""
        ...


class ReconciliationTable(Protocol):
    """Reconciliation runs."""

    def add(self, run: Reconciliation) -> None:
        """Append a run."""
        ...

    def latest(self) -> Reconciliation | None:
        """Return the newest run."""
        ...

    def page(self, before: int = ..., limit: int = ...) -> list[tuple[int, Reconciliation]]:
        """Return runs below a number, newest first, each with its number."""
        ...


class LimitQueries(Protocol):
    """Figures that limits are checked against, in the unit of work that arms."""

    def committed(self, quote_asset: str) -> CommittedFunds:
        """Return reservations of open entries, cost of open positions, and their number."""
        ...

    def entries_ms(self, since_ms: int) -> tuple[int, ...]:
        """Return the opening times of positions since `since_ms`, except those whose entry is still open."""
        ...

    def losses_in_a_row(self, since_ms: int = ...) -> LossRun:
        """Return the losses since the last profit, of positions closed at or after `since_ms`."""
        ...

    def last_exit_ms(self, symbol: str) -> int | None:
        """Return the closing time of a pair's last position."""
        ...


class TradingTables(Protocol):
    """The whole ledger of one scope."""

    @property
    def snipes(self) -> SnipeTable: ...
    @property
    def attempts(self) -> AttemptTable: ...
    @property
    def intents(self) -> IntentTable: ...
    @property
    def orders(self) -> OrderTable: ...
    @property
    def lots(self) -> LotTable: ...
    @property
    def positions(self) -> PositionTable: ...
    @property
    def entries(self) -> EntryTable: ...
    @property
    def days(self) -> DayTable: ...
    @property
    def equity(self) -> EquityTable: ...
    @property
    def state(self) -> StateTable: ...
    @property
    def tightening(self) -> TighteningTable: ...
    @property
    def risk_checks(self) -> RiskCheckTable: ...
    @property
    def reconciliations(self) -> ReconciliationTable: ...
    @property
    def limits(self) -> LimitQueries: ...

    def verify(self) -> int:
        """Verify every row against its hash, entries against their chain, balances against the entries.

        Returns the number of checked rows. Raises StorageDamaged, naming the first that does not match.
        """
        ...
