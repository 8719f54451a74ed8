"""One unit of work on the ledger: reads rows, applies the pure ledger logic, writes rows and events."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from mexc_tui.ledger import booking
from mexc_tui.ledger.days import utc_day
from mexc_tui.ledger.evidence import Evidence
from mexc_tui.ledger.orders import Advanced, AnomalyKind, advance, mark_unknown
from mexc_tui.ledger.positions import open_position
from mexc_tui.model.event import (
    Alert,
    EntryBooked,
    FillBooked,
    OrderChanged,
    PositionChanged,
    SnipeChanged,
)
from mexc_tui.model.intent import Intent, Order, OrderRole, OrderState
from mexc_tui.model.order import Side
from mexc_tui.model.position import EntryKind, LedgerEntry, Position
from mexc_tui.model.severity import Severity
from mexc_tui.model.snipe import Snipe
from mexc_tui.ports.store import UnitOfWork
from mexc_tui.ports.trading_store import TradingTables

log = logging.getLogger(__name__)

ORDER_FAILED = "order:failed"
"""Rule of alerts about orders rejected by the exchange."""
QUIET_ENTRIES = (EntryKind.TRADE, EntryKind.FEE)
"""Entry kinds covered by the fill's own event."""
LATE = "fills made while storage failed are stored now; until then they were only in memory"


@dataclass(slots=True, kw_only=True)
class LedgerChanges:
    """Changes of one unit of work, applied to memory after its commit."""

    orders: list[Order] = field(default_factory=list[Order])
    intents: list[Intent] = field(default_factory=list[Intent])
    snipes: list[Snipe] = field(default_factory=list[Snipe])
    positions: list[Position] = field(default_factory=list[Position])
    entries: list[LedgerEntry] = field(default_factory=list[LedgerEntry])
    advanced: list[Advanced] = field(default_factory=list[Advanced])


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTransaction:
    """One unit of work on the ledger of one scope, at one time."""

    unit: UnitOfWork
    tables: TradingTables
    changes: LedgerChanges
    now_ms: int

    # ---- rows

    def save_order(self, order: Order, source: str) -> None:
        """Store an order and record the event."""
        self.tables.orders.save(order)
        self.changes.orders.append(order)
        self.unit.record(OrderChanged(at_ms=self.now_ms, about=order.symbol, order=order, source=source))

    def save_intent(self, intent: Intent) -> None:
        """Store an intent. The event is that of its order or snipe."""
        self.tables.intents.save(intent)
        self.changes.intents.append(intent)

    def save_snipe(self, snipe: Snipe) -> None:
        """Store a snipe and record the event."""
        self.tables.snipes.save(snipe)
        self.changes.snipes.append(snipe)
        self.unit.record(SnipeChanged(at_ms=self.now_ms, about=snipe.symbol, snipe=snipe))

    def save_position(self, position: Position, text: str = "", *, is_loud: bool = True) -> None:
        """Store a position; record an event if `is_loud`."""
        self.tables.positions.save(position)
        self.changes.positions.append(position)
        if is_loud:
            event = PositionChanged(at_ms=self.now_ms, about=position.symbol, position=position, text=text)
            self.unit.record(event)

    def add_entry(self, entry: LedgerEntry, about: str) -> None:
        """Book an entry once."""
        if not self.tables.entries.add(entry):
            return
        self.changes.entries.append(entry)
        if entry.kind not in QUIET_ENTRIES:
            self.unit.record(EntryBooked(at_ms=entry.at_ms, about=about, entry=entry))

    def alert(self, rule: str, about: str, text: str) -> None:
        """Raise an alert."""
        alert = Alert(at_ms=self.now_ms, about=about, severity=Severity.WARNING, rule=rule, text=text)
        if self.unit.alerts.add(alert):
            self.unit.record(alert)

    def repeat_alert(self, rule: str, about: str, text: str) -> None:
        """Raise an alert again although it is open already."""
        alert = Alert(at_ms=self.now_ms, about=about, severity=Severity.WARNING, rule=rule, text=text)
        self.unit.alerts.add(alert)
        self.unit.record(alert)

    def alert_failed_order(self, symbol: str, text: str) -> None:
        """Report an order that the exchange refused; repeats about a pair are counted in one alert."""
        log.warning("%s: order failed: %s", symbol, text)
        self.alert(ORDER_FAILED, symbol, f"Order failed: {text}")

    # ---- order evidence

    def book_evidence(self, order: Order, evidence: Evidence, prices: Mapping[str, Decimal]) -> Order:
        """Book one piece of evidence; return the order as stored."""
        step = advance(order, evidence)
        self.changes.advanced.append(step)
        self._alert_anomalies(step, evidence)
        after = step.order
        position = self._position_of(after)
        if position is not None:
            done = booking.book(self.rows_of(position), step, prices, at_ms=self.now_ms)
            after = done.order or after
            if step.has_fill:
                self._record_fill(step, done.realised)
            if step.is_changed or step.has_fill:
                self.tables.orders.save(after)
            self.save_booking(done, position, evidence.text)
        if step.is_changed or self.tables.orders.get(after.client_order_id) is None:
            self.save_order(after, evidence.source.value)
        is_new = after.state is OrderState.REJECTED and order.state is not OrderState.REJECTED
        if is_new and after.role is not OrderRole.ENTRY:  # an entry has further attempts
            self.alert_failed_order(
                after.symbol, f"{after.role} order {after.client_order_id}: {after.reason}"
            )
        if step.has_fill:
            self._follow_snipe(after)
        return after

    def mark_order_unknown(
        self, client_order_id: str, now_ms: int | None, recv_window_ms: int, *, text: str
    ) -> None:
        """Mark a live order as UNKNOWN, based on its stored row. `now_ms`: see `mark_unknown`."""
        stored = self.tables.orders.get(client_order_id)
        after = None if stored is None else mark_unknown(stored, now_ms, recv_window_ms, text=text)
        if after is not None and after != stored:
            self.save_order(after, "doubt")

    def reload_late_order(self, order: Order) -> None:
        """Reload an order and its position into memory, and alert that they were stored late."""
        stored, position = self.tables.orders.get(order.client_order_id), self._position_of(order)
        if stored is not None:
            self.changes.orders.append(stored)
        if position is not None and self.tables.positions.get(position.id) is not None:
            self.changes.positions.append(position)
            self.changes.intents += self.tables.intents.of_position(position.id)
        if any(step.has_fill for step in self.changes.advanced):
            self.alert("books:late", order.symbol, LATE)

    def revalue(self, client_order_id: str, prices: Mapping[str, Decimal]) -> None:
        """Value fees that had no price when they were reported."""
        order = self.tables.orders.get(client_order_id)
        position = None if order is None else self._position_of(order)
        if order is None or position is None:
            return
        done = booking.revalue(self.rows_of(position), order, prices, at_ms=self.now_ms)
        after = done.order or order
        if after != order:
            self.save_order(after, "prices")
            self.save_booking(done, position)

    def rows_of(self, position: Position) -> booking.LedgerRows:
        """Return the rows of one position."""
        return booking.LedgerRows(
            position=position,
            orders=tuple(self.tables.orders.of_position(position.id)),
            intents=tuple(self.tables.intents.of_position(position.id)),
            day=self.tables.days.get(utc_day(self.now_ms)),
        )

    def save_booking(self, done: booking.Booking, before: Position, text: str = "") -> None:
        """Store all rows of a booking."""
        for entry in done.entries:
            self.add_entry(entry, before.symbol)
        for lot in done.lots if done.position is not None else ():
            self.tables.lots.save(lot)
        for intent in done.intents:
            self.save_intent(intent)
        if done.position is not None and done.position != before:
            self.save_position(done.position, text)
            self.tables.days.save(done.day)
        for line in done.notes:
            self.alert("books", before.symbol, line)

    # ---- decisions of other workers, applied to the stored rows

    def end_intent(self, intent_id: str, text: str) -> None:
        """Close an open intent; its position is recomputed."""
        intent = self.tables.intents.get(intent_id)
        if intent is None or not intent.is_open:
            return
        ended = msgspec.structs.replace(intent, ended_ms=self.now_ms, reserved=Decimal(0), reason=text)
        self.save_intent(ended)
        position = self.tables.positions.get(intent.position_id) if intent.position_id else None
        if position is not None:
            self.save_booking(booking.recompute(self.rows_of(position), self.now_ms), position)

    def move_snipe(self, snipe: Snipe) -> None:
        """Store a snipe's state; its stored fills stay."""
        bought = self.tables.snipes.get(snipe.id) or snipe
        self.save_snipe(
            msgspec.structs.replace(
                snipe, filled_quantity=bought.filled_quantity, filled_value=bought.filled_value
            )
        )

    def save_exits(self, position: Position, text: str) -> None:
        """Store exit decisions about a position; the ledger's own numbers stay."""
        stored = self.tables.positions.get(position.id)
        if stored is None:
            return
        after = msgspec.structs.replace(
            stored,
            stop_price=position.stop_price,
            high_price=position.high_price,
            low_price=position.low_price,
            rungs_done=position.rungs_done,
            trapped=position.trapped,
            fired=position.fired,
            fired_text=position.fired_text,
            plan=position.plan,
        )
        self.save_position(after, text, is_loud=bool(text))

    def write_off(
        self, position_id: str, text: str, left: Decimal | None, *, missing: Decimal | None
    ) -> None:
        """Write off an open position's remainder as dust, or `missing` coins as missing from the account.

        Does nothing if the stored remainder differs from `left`: something was sold meanwhile.
        """
        stored = self.tables.positions.get(position_id)
        if stored is None or not stored.is_open or left not in (None, stored.remaining):
            return
        rows, now_ms = self.rows_of(stored), self.now_ms
        if missing is None:
            done = booking.write_off_dust(rows, now_ms, text)
        else:
            done = booking.write_off_missing(rows, missing, now_ms, text=text)
        self.save_booking(done, stored, text)

    def restore_written_off(
        self, position_id: str, text: str, quantity: Decimal, *, stop_ids: Sequence[str]
    ) -> None:
        """Restore written-off coins to a position; it reopens with a stop."""
        stored = self.tables.positions.get(position_id)
        if stored is not None and stored.gone:
            done = booking.restore_written_off(self.rows_of(stored), quantity, self.now_ms, text=text)
            self.save_booking(done, stored, text)
            self.protect(stop_ids)

    def protect(self, client_ids: Sequence[str]) -> None:
        """Store the stop intent of a position that just opened."""
        for position in {position.id: position for position in self.changes.positions}.values():
            intents = self.tables.intents.of_position(position.id)
            has_stop = any(intent.role is OrderRole.STOP and intent.is_open for intent in intents)
            if position.is_open and client_ids and not has_stop:
                self.save_intent(stop_intent(position, client_ids, self.now_ms))
                return

    # ---- internals

    def _position_of(self, order: Order) -> Position | None:
        """Return the order's position; for an entry, the one that its first fill opens."""
        if not order.position_id:
            return None
        stored = self.tables.positions.get(order.position_id)
        if stored is not None:
            return stored
        intent, snipe = self.tables.intents.get(order.intent_id), self.tables.snipes.get(order.snipe_id)
        return None if intent is None or snipe is None else open_position(snipe, intent, self.now_ms)

    def _record_fill(self, step: Advanced, realised: Decimal) -> None:
        order = step.order
        if step.added_quantity or step.added_value or realised:
            self.unit.record(
                FillBooked(
                    at_ms=self.now_ms,
                    about=order.symbol,
                    client_order_id=order.client_order_id,
                    side=order.side,
                    quantity=step.added_quantity,
                    value=step.added_value,
                    position_id=order.position_id,
                    realised=realised,
                )
            )

    def _follow_snipe(self, order: Order) -> None:
        """Update the snipe's fills from its attempts."""
        snipe = self.tables.snipes.get(order.snipe_id) if order.role is OrderRole.ENTRY else None
        if snipe is None:
            return
        orders = self.tables.orders.of_intent(order.intent_id)
        after = msgspec.structs.replace(
            snipe,
            filled_quantity=sum((order.filled_quantity for order in orders), Decimal(0)),
            filled_value=sum((order.filled_value for order in orders), Decimal(0)),
        )
        if after != snipe:
            self.save_snipe(after)

    def _alert_anomalies(self, step: Advanced, evidence: Evidence) -> None:
        if evidence.state is OrderState.UNKNOWN and evidence.code is not None:
            text = f"ambiguous response {evidence.code}: {evidence.text}; querying the order"
            self.alert("order:undecided", step.order.symbol, f"{step.order.client_order_id}: {text}")
        for anomaly in step.anomalies:
            if anomaly.kind is not AnomalyKind.BACKWARDS:
                text = f"{anomaly.kind.value}: {anomaly.text}"
                self.alert(f"order:{anomaly.kind.name.lower()}", step.order.symbol, text)


def stop_intent(position: Position, client_ids: Sequence[str], now_ms: int) -> Intent:
    """Return the stop intent of a position, with the client order ids of its attempts."""
    return Intent(
        id=intent_id_of(client_ids[0]),
        role=OrderRole.STOP,
        symbol=position.symbol,
        base_asset=position.base_asset,
        quote_asset=position.quote_asset,
        side=Side.SELL,
        client_ids=tuple(client_ids),
        quantity=position.remaining,
        snipe_id=position.snipe_id,
        position_id=position.id,
        created_ms=now_ms,
        reason="protects the position from its first fill",
    )


def intent_id_of(client_order_id: str) -> str:
    """Return the id of an intent: the common part of its client order ids."""
    return client_order_id.rpartition("-")[0]
