"""Sell a position through the order book, one order at a time."""

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal

from mexc_tui.engine.accounting.ledger_transaction import intent_id_of
from mexc_tui.engine.exits.exit_result import CloseResult
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.model.intent import CloseReason, Intent, OrderRole
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.position import Position
from mexc_tui.model.symbol import Symbol
from mexc_tui.sniping.rounding import floored, grid_of

HUNDRED = Decimal(100)


class BookCloser:
    """Sells at 10 % below the bid, immediate or cancel."""

    def __init__(self, components: TradingComponents, pairs: Callable[[], Mapping[str, Symbol]]) -> None:
        self.components = components
        self.pairs = pairs
        self.is_stuck = False
        self.asked = list[tuple[str, Decimal | None, OrderRole, CloseReason]]()

    async def close(
        self,
        position: Position,
        share_pct: Decimal | None,
        role: OrderRole,
        reason: CloseReason,
        text: str,
    ) -> CloseResult:
        self.asked.append((position.symbol, share_pct, role, reason))
        components, memory = self.components, self.components.ledger.state
        bid = components.prices.of(position.symbol).bid
        if bid is None or self.is_stuck:
            return CloseResult(sold=Decimal(0), left=position.remaining, text="no bid")
        grid = grid_of(self.pairs()[position.symbol])
        quantity = floored(position.remaining * (share_pct or HUNDRED) / HUNDRED, grid.quantity_step)
        names = components.ledger.client_ids(1)
        intent = Intent(
            id=intent_id_of(names[0]),
            role=role,
            symbol=position.symbol,
            base_asset=position.base_asset,
            quote_asset=position.quote_asset,
            side=Side.SELL,
            client_ids=names,
            quantity=quantity,
            snipe_id=position.snipe_id,
            position_id=position.id,
            created_ms=components.port.now_ms(),
            reason=text,
            close_reason=reason,
        )
        await components.ledger.save_intent(intent)
        price = floored(bid * Decimal("0.9"), grid.price_tick)
        sent = await components.execution.place(
            intent,
            NewOrder(
                symbol=position.symbol,
                side=Side.SELL,
                type=OrderType.IMMEDIATE_OR_CANCEL,
                client_order_id=names[0],
                price=price,
                quantity=quantity,
            ),
        )
        for _ in range(50):
            row = memory.orders.get(names[0])
            if row is None or row.state.is_terminal:
                break
            await asyncio.sleep(0.1)
        await components.ledger.wait_until_booked()
        await components.ledger.end_intent(intent.id, text)
        now = memory.positions.get(position.id)
        left = Decimal(0) if now is None else now.remaining
        if now is not None and left and share_pct is None and left < grid.quantity_step:
            await components.ledger.write_off(position.id, "dust")
            left = Decimal(0)
        return CloseResult(
            sold=position.remaining - left, left=left, text=str(sent.order.reason) if left else ""
        )
