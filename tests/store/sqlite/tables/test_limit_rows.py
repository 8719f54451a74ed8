"""Limits are held inside the unit that arms: what it reads is exact, and nobody gets between."""

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
from tests.support.store_parts import FILE, HandClock, in_memory


@pytest.fixture
async def neighbour(folder: Path, store: SqliteStore) -> AsyncIterator[SqliteStore]:
    """Return a second store on the same file."""
    opened = await SqliteStore.open(folder / FILE, HandClock())
    yield opened
    await opened.close()


class Full(Exception):
    """A limit said no."""


def arm_within(books: TradingRows, name: str, cap: Decimal, most: int) -> None:
    spoken_for = books.limits.committed("USDT")
    if spoken_for.total + Decimal(10) > cap or spoken_for.pending + len(books.limits.entries_ms(0)) >= most:
        raise Full
    books.snipes.save(snipe(name))
    books.intents.save(intent(f"i-{name}", snipe_id=name, reserved="10"))


async def arm(store: SqliteStore, name: str, cap: str, most: int) -> bool:
    def work(unit: UnitOfWork) -> None:
        arm_within(unit.trading(SCOPE), name, Decimal(cap), most)

    try:
        await store.write("arm", work)
    except Full:
        return False
    return True


@pytest.mark.parametrize(("cap", "most", "armed"), [("35", 99, 3), ("1000", 4, 4)])
async def test_snipes_armed_at_once_never_overshoot_a_limit_together(
    store: SqliteStore, neighbour: SqliteStore, cap: str, most: int, armed: int
) -> None:
    stores = (store, neighbour)
    answers = await asyncio.gather(*(arm(stores[n % 2], f"s{n}", cap, most) for n in range(20)))
    assert sum(answers) == armed
    spoken_for = await store.read("check", lambda stored: stored.trading(SCOPE).limits.committed("USDT"))
    assert spoken_for == CommittedFunds(
        reserved=Decimal(10 * armed), cost=Decimal(0), positions=0, pending=armed
    )


def books() -> TradingRows:
    _, stored = in_memory()
    return stored.trading(SCOPE)


def test_what_is_committed_counts_open_entries_and_open_positions_of_a_quote_asset() -> None:
    kept = books()
    kept.intents.save(intent("a", snipe_id="a", reserved="0.1"))
    kept.intents.save(intent("b", snipe_id="b", reserved="0.2"))
    kept.intents.save(intent("ended", snipe_id="c", reserved="5", ended_ms=1))
    kept.intents.save(intent("euro", snipe_id="d", reserved="7", quote="USDC"))
    kept.intents.save(intent("stop", role=OrderRole.STOP, snipe_id="", position_id="p", reserved="9"))
    kept.positions.save(position("p", snipe_id="e", cost="1.000000000000000001"))
    kept.positions.save(position("q", "XUSDC", cost="3", quote="USDC"))
    kept.positions.save(position("r", "YUSDT", closed_ms=4))
    expected = CommittedFunds(
        reserved=Decimal("0.3"), cost=Decimal("1.000000000000000001"), positions=2, pending=3
    )
    assert kept.limits.committed("USDT") == expected
    assert kept.limits.committed("USDC").total == 10


def test_an_entry_is_pending_until_its_position_exists() -> None:
    kept = books()
    kept.intents.save(intent("a", snipe_id="a", position_id="p1"))
    kept.intents.save(intent("b", snipe_id="b"))
    assert kept.limits.committed("USDT").pending == 2
    assert kept.limits.entries_ms(0) == ()
    kept.positions.save(position("p1", opened_ms=50))
    kept.positions.save(position("p2", snipe_id="b", opened_ms=60))
    assert kept.limits.committed("USDT").pending == 0
    assert kept.limits.entries_ms(0) == (60,)  # the entry of p1 is still open


def test_entries_are_told_by_their_moment_without_those_that_are_still_open() -> None:
    kept = books()
    kept.intents.save(intent("a", snipe_id="a", position_id="p2"))
    kept.intents.save(intent("b", snipe_id="b", position_id="p3", ended_ms=70))
    for number, opened_ms in enumerate((40, 50, 60, 55), start=1):
        kept.positions.save(position(f"p{number}", snipe_id=f"s{number}", opened_ms=opened_ms))
    assert kept.limits.entries_ms(0) == (40, 55, 60)
    assert kept.limits.entries_ms(55) == (55, 60)
    kept.intents.save(intent("a", snipe_id="a", position_id="p2", ended_ms=80))
    assert kept.limits.entries_ms(41) == (50, 55, 60)


def close(kept: TradingRows, *results: str, symbol: str = "NEWUSDT", from_ms: int = 10) -> None:
    for number, realised in enumerate(results):
        at_ms = from_ms + number
        kept.positions.save(position(f"{symbol}{at_ms}", symbol, closed_ms=at_ms, realised=realised))


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
    kept = books()
    close(kept, *results)
    assert kept.limits.losses_in_a_row() == run


def test_losses_from_before_a_persons_word_count_no_more() -> None:
    kept = books()
    close(kept, "-1", "-1", "-1")
    assert kept.limits.losses_in_a_row(12) == LossRun(1, 12)
    assert kept.limits.losses_in_a_row(13) == LossRun(0, None)


def test_the_last_exit_of_a_pair_is_remembered() -> None:
    kept = books()
    assert kept.limits.last_exit_ms("NEWUSDT") is None
    close(kept, "1", "-1")
    kept.positions.save(position("open"))
    assert kept.limits.last_exit_ms("NEWUSDT") == 11


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
