"""Queries of stored data: why a detector signalled, and why one did not."""

from collections.abc import Mapping
from pathlib import Path

from mexc_tui.detection.detection_pass import DETECTORS
from mexc_tui.detection.detectors.risk_warning import RISKS
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.engine.views import stored_queries
from mexc_tui.market.tape import Liquidity
from mexc_tui.model.signal import DetectorName, Signal
from mexc_tui.model.why import DetectorDetail, WhyRow
from mexc_tui.store.sqlite.offline_read import read_offline
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.unit_of_work import UnitOfWork
from tests.support.samples.detection_samples import DetectionBench, announced_bench, book
from tests.support.samples.listing_sources import OLD_PAIRS, before, deal, pair
from tests.support.store_parts import FILE, ManualClock


async def _why(
    desk: DetectionBench,
    folder: Path,
    seconds: float,
    symbol: str = "NEWUSDT",
    books: Mapping[str, Liquidity] | None = None,
) -> WhyRow:
    def keep(unit: UnitOfWork) -> None:
        for listing in desk.knowledge.listings:
            unit.listings.save(listing, listing.stage)
        for one in desk.stored:
            if isinstance(one, Signal):
                unit.signals.add(one)
            else:
                unit.signals.end(one)

    clock = ManualClock()
    store = await SqliteStore.open(folder / FILE, clock)
    await store.write("keep", keep)
    await store.close()
    settings = DetectionSettings()
    return read_offline(
        folder / FILE,
        clock,
        lambda stored: stored_queries.why(
            stored, symbol, before(seconds), settings=settings, liquidity=books
        ),
    )


def _says(answer: WhyRow, name: DetectorName) -> DetectorDetail:
    return next(one for one in answer.listings[0].detectors if one.detector == name)


async def test_why_lists_signals_or_the_reason_for_none_of_every_detector(tmp_path: Path) -> None:
    desk = announced_bench()
    desk.run_pass(79_000)
    answer = await _why(desk, tmp_path, 78_000)
    assert [one.detector for one in answer.listings[0].detectors] == [one.name for one in DETECTORS]
    launch = _says(answer, DetectorName.LAUNCH_SEQUENCE)
    assert (launch.why_not, launch.signals[0].is_active) == ("", True)
    assert any(seen.startswith("lead_ms ") for seen in launch.inputs)
    silent = [one for one in answer.listings[0].detectors if not one.signals]
    assert all(one.why_not for one in silent)
    assert "no quote or trade" in _says(answer, DetectorName.OPENING).why_not
    assert "exchangeInfo no data" in _says(answer, DetectorName.API_ENABLED).why_not
    assert "no state in symbolsV2" in _says(answer, DetectorName.READY_STATE).why_not


async def test_an_ended_signal_is_kept_with_the_reason_for_its_end(tmp_path: Path) -> None:
    desk = announced_bench()
    desk.run_pass(79_000)
    desk.run_pass(-10)
    launch = _says(await _why(desk, tmp_path, -20), DetectorName.LAUNCH_SEQUENCE)
    assert launch.signals[-1].is_active is False
    assert launch.why_not == "the announced opening time has passed"


async def test_why_shows_a_dropped_listing(tmp_path: Path) -> None:
    desk = announced_bench()
    desk.knowledge.drop("NEWUSDT", before(100))
    answer = await _why(desk, tmp_path, 90)
    assert answer.listings[0].listing.stage == "cancelled"
    assert "no further events expected" in _says(answer, DetectorName.PRE_READY).why_not
    assert [seen.present for seen in answer.listings[0].sources if seen.source == "manual"] == [False]


async def test_why_of_an_unknown_name_is_empty(tmp_path: Path) -> None:
    assert (await _why(announced_bench(), tmp_path, 10, "OTHERUSDT")).listings == ()


async def test_a_coin_alone_means_its_pair_against_usdt(tmp_path: Path) -> None:
    answer = await _why(announced_bench(), tmp_path, 10, "NEW")
    assert [story.listing.symbol for story in answer.listings] == ["NEWUSDT"]


def _open_desk() -> DetectionBench:
    desk = announced_bench()
    desk.knowledge.read_pairs((*OLD_PAIRS, pair()), before(900))
    desk.knowledge.merge_deal(deal(), before(0))
    return desk


async def test_an_open_listing_is_checked_with_its_current_order_book(tmp_path: Path) -> None:
    risk = DetectorName.RISK_WARNING
    calm = await _why(_open_desk(), tmp_path / "calm", -10, books=book(-10))
    assert _says(calm, risk).why_not == f"none of {len(RISKS)} checks found a risk"
    thin = await _why(_open_desk(), tmp_path / "thin", -10, books=book(-10, value=1.0))
    assert _says(thin, risk).why_not == "condition met now (thin_book); signal at the next pass"


async def test_without_an_engine_the_missing_order_book_is_stated(tmp_path: Path) -> None:
    answer = await _why(_open_desk(), tmp_path, -10)
    assert "order book unavailable" in _says(answer, DetectorName.RISK_WARNING).why_not
