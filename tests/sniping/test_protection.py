"""Where the protection of a position runs, and whether it can sell."""

import pytest
from msgspec.structs import replace

from mexc_tui.model.intent import Intent, OrderRole
from mexc_tui.model.order import Side
from mexc_tui.model.position import Position, Protection
from mexc_tui.model.symbol import Symbol
from mexc_tui.model.trading import Cause, Trading, TradingState
from mexc_tui.sniping.protection import ProtectionFacts, blocked_reason, protection
from tests.support.samples.sniping_samples import GRID, PAIR, T0, D, position

HELD = position(stop_price=D("0.9"), initial_stop=D("0.9"))
STOP = Intent(
    id="stop", role=OrderRole.STOP, symbol="NEWUSDT", base_asset="NEW", quote_asset="USDT", side=Side.SELL,
    client_ids=("stop-1",), quantity=D(100), position_id="p1", created_ms=T0, reason="",
)  # fmt: skip


def judged(held: Position = HELD, bid: str | None = "1", why: str = "", stop: Intent = STOP) -> Protection:
    facts = ProtectionFacts(
        position=held,
        orders=(),
        intents=(stop,),
        bid=None if bid is None else D(bid),
        grid=GRID,
        last=D(1),
        blocked_reason=why,
    )
    place, words = protection(facts)
    assert words
    return place


def test_a_stop_protects_only_while_it_covers_the_position_has_a_price_and_may_sell() -> None:
    assert judged() is Protection.ENGINE
    assert judged(bid=None) is Protection.NONE
    assert judged(why="API key rejected by the exchange") is Protection.NONE
    assert judged(replace(HELD, trapped="risk control")) is Protection.NONE
    assert judged(stop=replace(STOP, quantity=D(99))) is Protection.NONE
    assert judged(stop=replace(STOP, ended_ms=T0)) is Protection.NONE
    assert judged(replace(HELD, remaining=D("0.5"))) is Protection.DUST
    assert judged(bid="0.00001") is Protection.NONE
    assert judged(replace(HELD, remaining=D(0))) is Protection.NONE


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (PAIR, ""),
        (None, ""),
        (replace(PAIR, trade_side_type=3), ""),
        (replace(PAIR, trade_side_type=2), "no sell orders"),
        (replace(PAIR, trade_side_type=4), "no sell orders"),
        (replace(PAIR, status=type(PAIR.status).PAUSED), "trading suspended"),
        (replace(PAIR, is_spot_trading_allowed=False), "trading suspended"),
    ],
)
def test_a_pair_that_accepts_no_sales_blocks_protection(pair: Symbol | None, words: str) -> None:
    found = blocked_reason(pair, Trading(), T0 - 100, now_ms=T0)
    assert bool(found) == bool(words)
    assert words in found


def test_a_rejected_key_or_a_stalled_monitor_blocks_protection_but_a_halt_does_not() -> None:
    refused = Trading(state=TradingState.HALTED, cause=Cause.KEY)
    assert "key" in blocked_reason(PAIR, refused, T0, now_ms=T0)
    assert "not monitored" in blocked_reason(PAIR, Trading(), None, now_ms=T0)
    assert "not monitored" in blocked_reason(PAIR, Trading(), T0 - 5_001, now_ms=T0)
    assert blocked_reason(PAIR, Trading(state=TradingState.HALTED, cause=Cause.MANUAL), T0, now_ms=T0) == ""
