"""Previews of commands that move money, shown before the confirmation."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.model.intent import OrderState
from mexc_tui.model.text import many
from mexc_tui.model.trading_view import DustRow, OrderRow, PositionRow, RiskRow, SnipeRow, WhatIfRow
from mexc_tui.wording.money import amount, price
from mexc_tui.wording.previews import day_text, drawdown_text

HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Exposure:
    """Positions, orders and snipes that a stop affects."""

    positions: Sequence[PositionRow] = ()
    orders: Sequence[OrderRow] = ()
    snipes: Sequence[SnipeRow] = ()


def arm_plan(row: WhatIfRow) -> str:
    """Return the preview of arming: spend and price bound."""
    caps = f", bounded by {row.bound}" if row.bound else ""
    spend = f" for at most {amount(row.spend_cap)} USDT" if row.spend_cap is not None else ""
    return f"ARM {row.symbol}: buy at the opening{spend}{caps}."


def close_plan(row: PositionRow, share_pct: Decimal | None) -> str:
    """Return the preview of a sale: quantity and value."""
    share = HUNDRED if share_pct is None else share_pct
    quantity = row.quantity * share / HUNDRED
    value = None if row.value is None else row.value * share / HUNDRED
    worth = (
        "at market: no fresh price"
        if row.bid is None
        else f"worth {amount(value)} {row.quote_asset} at bid {price(row.bid)}"
    )
    part = "all" if share == HUNDRED else f"{share:f} %"
    return f"CLOSE {part} of {row.symbol}: sell {price(quantity)} {row.base_asset}, {worth}."


def dust_plan(row: DustRow) -> str:
    """Return the preview of a dust conversion."""
    coins = ", ".join(f"{price(coin.quantity)} {coin.asset}" for coin in row.coins)
    mx = [coin.value_mx for coin in row.coins if coin.value_mx is not None]
    usdt = [coin.value_usdt for coin in row.coins if coin.value_usdt is not None]
    worth = f", about {price(sum(mx, Decimal(0)))} MX" if mx else ""
    worth += f" ({amount(sum(usdt, Decimal(0)))} USDT)" if usdt else ""
    left = f" Not converted: {'; '.join(row.left)}." if row.left else ""
    return f"CONVERT {coins} into MX{worth} before the exchange's fee. The MX is yours, not the desk's.{left}"


def stop_plan(name: str, held: Exposure) -> str:
    """Return the preview of a flatten or an emergency stop."""
    known = [position.value for position in held.positions if position.value is not None]
    unknown = len(held.positions) - len(known)
    ours = sum(order.state is not OrderState.FOREIGN for order in held.orders)
    worth = amount(sum(known, Decimal(0)))
    parts = [
        f"sell {many(len(held.positions), 'position')} worth {worth} USDT at the bid"
        + (f" ({unknown} without a price)" if unknown else ""),
        f"cancel {many(ours, 'order')}",
        f"disarm {many(len(held.snipes), 'snipe')}",
    ]
    return f"{name}: {', '.join(parts)}, then stay halted until you resume."


def stop_engine_plan(profile: str, held: Exposure) -> str:
    """Return the preview of stopping the engine: positions without stops, open orders, snipes."""
    ours = sum(order.state is not OrderState.FOREIGN for order in held.orders)
    open_ = ", ".join(_position_without_stop(position) for position in held.positions)
    parts = [
        f"{many(len(held.positions), 'position')} would stay open without stops until the next start: {open_}"
    ]
    parts += [f"{many(ours, 'open order')} would stay open on the exchange"] if ours else []
    parts += [f"{many(len(held.snipes), 'armed snipe')} would not fire"] if held.snipes else []
    return f"STOP the engine of profile {profile}: {'; '.join(parts)}. To sell first: mexc-tui flatten."


def _position_without_stop(row: PositionRow) -> str:
    worth = "without a price" if row.value is None else f"worth {amount(row.value)} {row.quote_asset}"
    return f"{row.symbol} {worth}, stop {price(row.stop_price)}"


def resume_plan(row: RiskRow) -> str:
    """Return the preview of resuming: cause of the halt, equity and drawdown."""
    return (
        f"RESUME: trading is {row.state.value} ({row.cause_text or row.cause.value}). Equity "
        f"{amount(row.equity)} {row.quote_asset}, today {day_text(row)}, "
        f"{drawdown_text(row)}. Entries are then allowed again."
    )
