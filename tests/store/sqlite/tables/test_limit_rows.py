"""Limits are checked inside the unit that arms: its reads are exact and exclude concurrent writers."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from mexc_tui.model.intent import OrderRole
from mexc_tui.model.storage import CommittedFunds, LossRun
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.tables.trading_rows import TradingRows
from mexc_tui.store.sqlite.unit_of_work import UnitOfWork
from tests.support.samples.trading_samples import OTHER, SCOPE, intent, position, snipe
from tests.support.store_parts import FILE, ManualClock, in_memory


@pytest.fixture
async def second_store(folder: Path, store: SqliteStore) -> AsyncIterator[SqliteStore]:
    """Yield a second store on the same file."""
    opened = await SqliteStore.open(folder / FILE, ManualClock())
    yield opened
    await opened.close()


class LimitExceeded(Exception):
    """The snipe would exceed a limit."""


def arm_within(trading_rows: TradingRows, name: str, cap: Decimal, most: int) -> None:
    funds = trading_rows.limits.committed("USDT")
    if funds.total + Decimal(10) > cap or funds.pending + len(trading_rows.limits.entries_ms(0)) >= most:
        raise LimitExceeded
    trading_rows.snipes.save(snipe(name))
    trading_rows.intents.save(intent(f"i-{name}", snipe_id=name, reserved="10"))


async def arm(store: SqliteStore, name: str, cap: str, most: int) -> bool:
    def work(unit: UnitOfWork) -> None:
        arm_within(unit.trading(SCOPE), name, Decimal(cap), most)

    try:
        await store.write("arm", work)
    except LimitExceeded:
        return False
    return True


@pytest.mark.parametrize(("cap", "most", "armed"), [("35", 99, 3), ("1000", 4, 4)])
async def test_concurrently_armed_snipes_never_exceed_a_limit_together(
    store: SqliteStore, second_store: SqliteStore, cap: str, most: int, armed: int
) -> None:
    stores = (store, second_store)
    answers = await asyncio.gather(*(arm(stores[n % 2], f"s{n}", cap, most) for n in range(20)))
    assert sum(answers) == armed
    funds = await store.read("check", lambda stored: stored.trading(SCOPE).limits.committed("USDT"))
    assert funds == CommittedFunds(reserved=Decimal(10 * armed), cost=Decimal(0), positions=0, pending=armed)


def trading_rows() -> TradingRows:
    _, stored = in_memory()
    return stored.trading(SCOPE)


def test_committed_amounts_count_open_entries_and_open_positions_of_a_quote_asset() -> None:
    rows = trading_rows()
    rows.intents.save(intent("a", snipe_id="a", reserved="0.1"))
    rows.intents.save(intent("b", snipe_id="b", reserved="0.2"))
    rows.intents.save(intent("ended", snipe_id="c", reserved="5", ended_ms=1))
    rows.intents.save(intent("euro", snipe_id="d", reserved="7", quote="USDC"))
    rows.intents.save(intent("stop", role=OrderRole.STOP, snipe_id="", position_id="p", reserved="9"))
    rows.positions.save(position("p", snipe_id="e", cost="1.000000000000000001"))
    rows.positions.save(position("q", "XUSDC", cost="3", quote="USDC"))
    rows.positions.save(position("r", "YUSDT", closed_ms=4))
    expected = CommittedFunds(
        reserved=Decimal("0.3"), cost=Decimal("1.000000000000000001"), positions=2, pending=3
    )
    assert rows.limits.committed("USDT") == expected
    assert rows.limits.committed("USDC").total == 10


def test_an_entry_is_pending_until_its_position_exists() -> None:
    rows = trading_rows()
    rows.intents.save(intent("a", snipe_id="a", position_id="p1"))
    rows.intents.save(intent("b", snipe_id="b"))
    assert rows.limits.committed("USDT").pending == 2
    assert rows.limits.entries_ms(0) == ()
    rows.positions.save(position("p1", opened_ms=50))
    rows.positions.save(position("p2", snipe_id="b", opened_ms=60))
    assert rows.limits.committed("USDT").pending == 0
    assert rows.limits.entries_ms(0) == (60,)  # the entry of p1 is still open


def test_entry_times_exclude_entries_that_are_still_open() -> None:
    rows = trading_rows()
    rows.intents.save(intent("a", snipe_id="a", position_id="p2"))
    rows.intents.save(intent("b", snipe_id="b", position_id="p3", ended_ms=70))
    for number, opened_ms in enumerate((40, 50, 60, 55), start=1):
        rows.positions.save(position(f"p{number}", snipe_id=f"s{number}", opened_ms=opened_ms))
    assert rows.limits.entries_ms(0) == (40, 55, 60)
    assert rows.limits.entries_ms(55) == (55, 60)
    rows.intents.save(intent("a", snipe_id="a", position_id="p2", ended_ms=80))
    assert rows.limits.entries_ms(41) == (50, 55, 60)


def close(rows: TradingRows, *results: str, symbol: str = "NEWUSDT", from_ms: int = 10) -> None:
    for number, realised in enumerate(results):
        at_ms = from_ms + number
        rows.positions.save(position(f"{symbol}{at_ms}", symbol, closed_ms=at_ms, realised=realised))


@pytest.mark.parametrize(
    ("results", "run"),
    [
        ((), LossRun(0, None)),
        (("-1", "2"), LossRun(0, None)),
        (("2", "-1", "-0.000000001"), LossRun(2, 12)),
        (("-1", "-1", "3", "-1"), LossRun(1, 13)),
        (("3", "-1", "0", "-1"), LossRun(2, 13)),
    ],
)
def test_losses_are_counted_since_the_last_gain(results: tuple[str, ...], run: LossRun) -> None:
    rows = trading_rows()
    close(rows, *results)
    assert rows.limits.losses_in_a_row() == run


def test_losses_from_before_an_operators_reset_do_not_count() -> None:
    rows = trading_rows()
    close(rows, "-1", "-1", "-1")
    assert rows.limits.losses_in_a_row(12) == LossRun(1, 12)
    assert rows.limits.losses_in_a_row(13) == LossRun(0, None)


def test_the_last_exit_of_a_pair_is_remembered() -> None:
    rows = trading_rows()
    assert rows.limits.last_exit_ms("NEWUSDT") is None
    close(rows, "1", "-1")
    rows.positions.save(position("open"))
    assert rows.limits.last_exit_ms("NEWUSDT") == 11


def test_limits_of_another_scope_do_not_count() -> None:
    _, stored = in_memory()
    theirs = stored.trading(OTHER)
    theirs.intents.save(intent())
    theirs.positions.save(position())
    close(theirs, "-1", symbol="ZUSDT")
    limits = stored.trading(SCOPE).limits
    assert limits.committed("USDT") == CommittedFunds(
        reserved=Decimal(0), cost=Decimal(0), positions=0, pending=0
    )
    assert (limits.entries_ms(0), limits.losses_in_a_row().count) == ((), 0)
    assert limits.last_exit_ms("ZUSDT") is None
