"""Trading tables of one scope (an account in an exchange session): `stored.trading(scope)`.

`save` stores a row in place of the one with the same key; every row read is held against its hash. Raises
StorageConflict when a rule of the tables says no, StorageDamaged when a row is not what was written.
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
    """Snipes; one a key, ever."""

    def save(self, snipe: Snipe) -> None:
        """Store a snipe as it is now. Raises StorageConflict when its key has another snipe."""
        ...

    def get(self, snipe_id: str) -> Snipe | None:
        """Return one snipe."""
        ...

    def by_key(self, key: SnipeKey) -> Snipe | None:
        """Return the snipe that came of a signal."""
        ...

    def open(self) -> list[Snipe]:
        """Return those that are not over, oldest first."""
        ...

    def of_symbol(self, symbol: str, limit: int = ...) -> list[Snipe]:
        """Return the newest of a pair, newest first."""
        ...

    def page(self, before_ms: int = ..., before_id: str = ..., limit: int = ...) -> list[Snipe]:
        """Return those behind one, named by when it was armed and id, newest first."""
        ...


class AttemptTable(Protocol):
    """What each attempt of a snipe did."""

    def save(self, attempt: Attempt) -> None:
        """Store an attempt, in place of the one with its number."""
        ...

    def of_snipe(self, snipe_id: str) -> list[Attempt]:
        """Return the attempts of a snipe in their order."""
        ...


class IntentTable(Protocol):
    """Durable wishes to trade. A snipe has at most one open entry; a client id belongs to one intent."""

    def save(self, intent: Intent) -> None:
        """Store an intent as it is now. Client ids may be added to it, never taken away."""
        ...

    def get(self, intent_id: str) -> Intent | None:
        """Return one intent."""
        ...

    def by_client_id(self, client_order_id: str) -> Intent | None:
        """Return the intent that a client order id was ever reserved for."""
        ...

    def open(self) -> list[Intent]:
        """Return those not ended, oldest first."""
        ...

    def of_snipe(self, snipe_id: str) -> list[Intent]:
        """Return a snipe's, oldest first."""
        ...

    def of_position(self, position_id: str) -> list[Intent]:
        """Return a position's, oldest first."""
        ...


class OrderTable(Protocol):
    """Orders of ours by client order id, and foreign ones."""

    def save(self, order: Order) -> None:
        """Store an order as it is now."""
        ...

    def get(self, client_order_id: str) -> Order | None:
        """Return one order."""
        ...

    def by_order_id(self, order_id: str) -> Order | None:
        """Return an order by the exchange's id; of two, the one made first."""
        ...

    def open(self, symbol: str = ...) -> list[Order]:
        """Return ours that are not at their end, oldest first."""
        ...

    def live(self, symbol: str = ...) -> list[Order]:
        """Return ours that rest on the exchange, or may: UNKNOWN included, INTENT not."""
        ...

    def of_intent(self, intent_id: str) -> list[Order]:
        """Return the orders of an intent, oldest first."""
        ...

    def of_position(self, position_id: str) -> list[Order]:
        """Return the orders of a position, oldest first."""
        ...

    def foreign(self, limit: int = ...) -> list[Order]:
        """Return orders that are not ours (they have no intent), ended ones too, newest first."""
        ...

    def page(
        self, before_ms: int = ..., before_id: str = ..., limit: int = ..., *, symbol: str = ...
    ) -> list[Order]:
        """Return orders behind one, named by when it was made and client id, newest first."""
        ...


class LotTable(Protocol):
    """What was bought, first in first out."""

    def save(self, lot: Lot) -> None:
        """Store a lot as it is now."""
        ...

    def open(self, asset: str = ...) -> list[Lot]:
        """Return those with something left, of one coin or of all, first in first."""
        ...

    def of_position(self, position_id: str) -> list[Lot]:
        """Return a position's, first in first."""
        ...


class PositionTable(Protocol):
    """Positions; one is open per pair and snipe."""

    def save(self, position: Position) -> None:
        """Store a position as it is now."""
        ...

    def get(self, position_id: str) -> Position | None:
        """Return one position."""
        ...

    def open(self) -> list[Position]:
        """Return those not closed, oldest first."""
        ...

    def of_snipe(self, snipe_id: str) -> Position | None:
        """Return the newest position of a snipe."""
        ...

    def of_symbol(self, symbol: str, limit: int = ...) -> list[Position]:
        """Return the newest of a pair, newest first."""
        ...

    def page(self, before_ms: int = ..., before_id: str = ..., limit: int = ...) -> list[Position]:
        """Return those behind one, named by its opening and id, newest first."""
        ...

    def closed(self, since_ms: int = ..., limit: int = ...) -> list[Position]:
        """Return those closed at or after `since_ms`, the latest closed first."""
        ...


class EntryTable(Protocol):
    """The entries of the books: append-only, chained; balances are kept beside them."""

    def add(self, entry: LedgerEntry) -> bool:
        """Book an entry; False: it was booked already. Raises StorageConflict unless it sums to zero."""
        ...

    def get(self, entry_id: str) -> LedgerEntry | None:
        """Return one entry."""
        ...

    def of_position(self, position_id: str) -> list[LedgerEntry]:
        """Return a position's, oldest first."""
        ...

    def page(self, before: int = ..., limit: int = ...) -> list[tuple[int, LedgerEntry]]:
        """Return entries below a number, newest first, each with its number."""
        ...

    def balance(self, account: LedgerAccount, asset: str) -> Decimal:
        """Return one balance, 0 if nothing was booked there."""
        ...

    def balances(self) -> list[StoredBalance]:
        """Return every balance."""
        ...


class DayTable(Protocol):
    """Days of the desk."""

    def save(self, day: TradingDay) -> None:
        """Store a day as it is now."""
        ...

    def get(self, day: str) -> TradingDay:
        """Return a day (2026-11-22), an empty one if nothing happened."""
        ...

    def latest(self, limit: int = ...) -> list[TradingDay]:
        """Return the newest days on which something happened, newest first."""
        ...


class EquityTable(Protocol):
    """What the desk was worth."""

    def add(self, point: EquityPoint) -> None:
        """Append a point."""
        ...

    def latest(self) -> EquityPoint | None:
        """Return the newest point; its `peak` is the one to go on from."""
        ...

    def between(self, from_ms: int, to_ms: int, limit: int = ...) -> list[EquityPoint]:
        """Return points at or after `from_ms` and before `to_ms`, oldest first."""
        ...

    def daily_closes(self, limit: int = ...) -> list[EquityPoint]:
        """Return the last complete point of each of the newest UTC days, oldest first."""
        ...


class StateTable(Protocol):
    """The one trading state."""

    def get(self) -> Trading:
        """Return it; active if nothing was ever stored."""
        ...

    def save(self, trading: Trading) -> None:
        """Store it. Raises StorageConflict when its generation is lower than the stored one's."""
        ...


class TighteningTable(Protocol):
    """How far the limits of entries are lowered."""

    def get(self) -> Tightening:
        """Return it; not lowered if nothing was ever stored."""
        ...

    def save(self, tightening: Tightening) -> None:
        """Store it in place of the one before."""
        ...


class RiskCheckTable(Protocol):
    """Checks of the risk monitor."""

    def add(self, check: RiskCheck) -> None:
        """Append a check."""
        ...

    def latest(self, limit: int = ...) -> list[RiskCheck]:
        """Return the newest checks, newest first."""
        ...


class ReconciliationTable(Protocol):
    """Runs of reconciliation."""

    def add(self, run: Reconciliation) -> None:
        """Append a run."""
        ...

    def latest(self) -> Reconciliation | None:
        """Return the newest run."""
        ...

    def page(self, before: int = ..., limit: int = ...) -> list[tuple[int, Reconciliation]]:
        """Return runs below a number, newest first, each with its number."""
        ...


class LimitNumbers(Protocol):
    """What limits are checked against, in the unit that arms."""

    def committed(self, quote_asset: str) -> CommittedFunds:
        """Return what open entries hold back and open positions cost, and how many there are."""
        ...

    def entries_ms(self, since_ms: int) -> tuple[int, ...]:
        """Return when positions opened at or after a moment, without those whose entry is open still."""
        ...

    def losses_in_a_row(self, since_ms: int = ...) -> LossRun:
        """Return the losses since the last gain, of positions closed at or after `since_ms`."""
        ...

    def last_exit_ms(self, symbol: str) -> int | None:
        """Return when the last position of a pair was closed."""
        ...


class TradingTables(Protocol):
    """All books of one scope."""

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
    def limits(self) -> LimitNumbers: ...

    def verify(self) -> int:
        """Hold every row against its hash, entries against their chain, balances against the entries.

        Returns how many rows were checked. Raises StorageDamaged naming the first that is not as written.
        """
        ...
