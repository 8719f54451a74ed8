"""Durable intents of sales, and the client order ids of their attempts.

The ids of a stop are durable when the position opens: no disk write delays a stop. Every other sale is
stored first, and uses the stop's ids if the store fails.
"""

import asyncio
import logging
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from mexc_tui.engine.accounting.ledger_transaction import LedgerTransaction, intent_id_of
from mexc_tui.engine.accounting.ledger_writer import EXIT_ATTEMPTS, LedgerWriter
from mexc_tui.model.intent import ZERO, CloseReason, Intent, OrderRole
from mexc_tui.model.order import Side
from mexc_tui.model.position import Position
from mexc_tui.model.storage import StorageError
from mexc_tui.ports.trading import TradingPort

log = logging.getLogger(__name__)

WRITE_S = 1.0
"""Maximum wait for a durable intent; then the stop's ids are used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitRequest:
    """What to sell, and why; `quantity` in base units."""

    role: OrderRole
    reason: CloseReason
    text: str
    quantity: Decimal
    rung: int = 0


class ExitIntents:
    """Creates intents of sales and assigns their client order ids."""

    def __init__(self, trading: TradingPort, ledger: LedgerWriter) -> None:
        self._trading = trading
        self._ledger = ledger
        self._chores = set[asyncio.Future[None]]()

    async def of(self, position: Position, wanted: ExitRequest, kept: Intent | None = None) -> Intent:
        """Return the intent of a sale: `kept` if it is sufficient. Raises StorageError without a stop."""
        stop = self.stop_of(position.id)
        if wanted.role is OrderRole.STOP and stop is not None:
            return stop
        if kept is not None and self._covers(kept, wanted):
            return self._ledger.state.intents.get(kept.id, kept)
        intent = self._made(position, wanted)
        saving = asyncio.ensure_future(self._ledger.save_intent(intent))
        try:
            async with asyncio.timeout(WRITE_S):
                await asyncio.shield(saving)
        except (StorageError, TimeoutError) as error:
            if stop is None:
                saving.cancel()
                raise StorageError(f"cannot store the sale: {error}") from error
            log.warning("%s: selling with the ids of its stop, the store failed: %s", position.symbol, error)
            self._end_late(saving, intent)
            return stop
        return intent

    def _covers(self, kept: Intent, wanted: ExitRequest) -> bool:
        """Whether an intent has the requested role and reason, and enough unsold quantity."""
        orders = self._ledger.state.orders_of(kept.position_id)
        sold = sum((order.filled_quantity for order in orders if order.intent_id == kept.id), ZERO)
        is_same = (kept.role, kept.close_reason) == (wanted.role, wanted.reason)
        return is_same and kept.quantity - sold >= wanted.quantity

    def _end_late(self, saving: "asyncio.Future[None]", intent: Intent) -> None:
        """Close an unused intent if it becomes durable after all."""

        async def end() -> None:
            try:
                await saving
            except StorageError:
                return
            await self._ledger.end_intent(intent.id, "sold under the stop's ids")

        chore = asyncio.ensure_future(end())
        self._chores.add(chore)
        chore.add_done_callback(self._ended)

    def _ended(self, chore: "asyncio.Future[None]") -> None:
        self._chores.discard(chore)
        if not chore.cancelled() and chore.exception() is not None:
            log.warning("an intent could not be ended: %s", chore.exception())

    async def of_rung(self, position: Position, wanted: ExitRequest) -> Intent:
        """Return the durable intent of a ladder rung. Raises StorageError."""
        for intent in self._ledger.state.intents_of(position.id):
            if intent.role is OrderRole.TAKE_PROFIT and intent.rung == wanted.rung:
                return intent
        intent = self._made(position, wanted)
        await self._ledger.save_intent(intent)
        return intent

    def stop_of(self, position_id: str) -> Intent | None:
        """Return the intent prepared for a position's stop."""
        intents = self._ledger.state.intents_of(position_id)
        return next((intent for intent in intents if intent.role is OrderRole.STOP), None)

    async def next_id(self, intent: Intent) -> tuple[Intent, str]:
        """Return an unused client order id and the intent that contains it.

        If the store accepts no more ids, they exist in memory only: the orders are booked later.
        """
        name = self._ledger.next_id(intent)
        if name:
            return intent, name
        try:
            async with asyncio.timeout(WRITE_S):
                intent = await self._ledger.add_ids(intent)
        except (StorageError, TimeoutError) as error:
            log.warning("additional ids for %s are not durable: %s", intent.symbol, error)
            names = (*intent.client_ids, *self._ledger.client_ids(EXIT_ATTEMPTS))
            intent = msgspec.structs.replace(intent, client_ids=names)
            self._ledger.state.intents[intent.id] = intent
        return intent, self._ledger.next_id(intent)

    async def mark(self, intent_id: str, reason: CloseReason) -> None:
        """Store the final reason on a stop's intent, without waiting for the disk."""

        def work(desk: LedgerTransaction) -> None:
            stored = desk.tables.intents.get(intent_id)
            if stored is not None:
                desk.save_intent(msgspec.structs.replace(stored, close_reason=reason))

        await self._ledger.write("why a stop sells", work)

    def _made(self, position: Position, wanted: ExitRequest) -> Intent:
        names = self._ledger.client_ids(EXIT_ATTEMPTS)
        return Intent(
            id=intent_id_of(names[0]),
            role=wanted.role,
            symbol=position.symbol,
            base_asset=position.base_asset,
            quote_asset=position.quote_asset,
            side=Side.SELL,
            client_ids=names,
            quantity=wanted.quantity,
            snipe_id=position.snipe_id,
            position_id=position.id,
            created_ms=self._trading.now_ms(),
            reason=wanted.text,
            close_reason=wanted.reason,
            rung=wanted.rung,
        )
