"""Detection over 100 live listings, and the diff of 2,000 pairs: their cost for the event loop."""

import gc
import time
from collections.abc import Sequence
from decimal import Decimal

from benchmarks.common import Row, emit, interleaved, percentile, rows
from mexc_tui.detection.calibration import CalibrationHistory, CaseKey, Tally
from mexc_tui.detection.detection_pass import DETECTORS, active_after, detect, detect_in_slices
from mexc_tui.market.knowledge import Knowledge
from mexc_tui.market.polling import plan
from mexc_tui.market.symbols import diff, diff_in_slices
from mexc_tui.market.tape import Liquidity
from mexc_tui.model.calendar import Calendar, CalendarEntry, WebSymbol, WebSymbols
from mexc_tui.model.listing import Listing
from mexc_tui.model.order import Side
from mexc_tui.model.signal import ClaimKind
from mexc_tui.model.stream import StreamDeal
from mexc_tui.model.symbol import Permission, Symbol, SymbolStatus

NOW_MS = 1_790_000_000_000
LISTINGS = 100
PAIRS = 2_000
ROUNDS = 200
LAST = object()


def pair(base: str, opens_ms: int | None = None, *, api: bool = True) -> Symbol:
    """Return a pair of exchangeInfo."""
    return Symbol(
        symbol=base + "USDT", status=SymbolStatus.ONLINE, base_asset=base, quote_asset="USDT",
        base_asset_precision=2, quote_precision=5, is_spot_trading_allowed=api,
        permissions=(Permission.SPOT,), full_name=f"{base} Token", trade_side_type=1,
        contract_address=f"0x{base}", first_open_time=opens_ms,
    )  # fmt: skip


def universe() -> list[Symbol]:
    """Return 2,000 pairs as after each poll: equal values, new objects."""
    return [pair(f"C{number}") for number in range(PAIRS)]


def opens_ms(number: int) -> int:
    """Return the opening of a listing: from twenty minutes ago to more than an hour ahead."""
    return NOW_MS + (number - 20) * 60_000


def knowledge() -> Knowledge:
    """Return 100 live listings in every stage, reported by three sources."""
    known = Knowledge((), universe())
    entries = [
        CalendarEntry(coin_id=f"coin-{n}", base=f"NEW{n}", full_name=f"New {n}", opens_ms=opens_ms(n))
        for n in range(LISTINGS)
    ]
    known.read_calendar(Calendar(tuple(entries), 0, ""), NOW_MS - 7_200_000)
    web = [
        WebSymbol(
            symbol_id=f"id-{n}",
            coin_id=f"coin-{n}",
            base=f"NEW{n}",
            quote="USDT",
            status=2,
            state=1 + (n < 40),
            trading_type=4,
            opens_ms=opens_ms(n),
        )
        for n in range(LISTINGS)
    ]
    known.read_web_symbols(WebSymbols(tuple(web), 0, ""), NOW_MS - 3_600_000)
    coming = [pair(f"NEW{n}", opens_ms(n) + (n % 10 == 0) * 60_000, api=n % 7 != 0) for n in range(60)]
    known.read_pairs([*universe(), *coming], NOW_MS - 1_800_000)
    for n in range(20):
        deal = StreamDeal(
            symbol=f"NEW{n}USDT",
            price=Decimal(1),
            quantity=Decimal(1),
            taker_side=Side.BUY,
            time_ms=opens_ms(n),
            trade_id=str(n),
        )
        known.merge_deal(deal, NOW_MS)
    return known


def largest_slice() -> Row:
    """Return the longest event-loop turn while 2,000 pairs, 200 of them changed, are merged."""
    known, longest = knowledge(), list[float]()
    for turn in range(40):
        pairs = [pair(f"C{n}", api=(n + turn) % 10 != 0) for n in range(PAIRS)]
        parts = known.read_pairs_in_slices(pairs, NOW_MS + turn * 1_000)
        worst = 0.0
        while True:
            began = time.process_time_ns()
            part = next(parts, None)
            worst = max(worst, (time.process_time_ns() - began) / 1_000)
            if part is None:
                break
        longest.append(worst)
    longest.sort()
    return Row(
        "exchangeInfo folded in, 2,000 pairs", "longest slice", longest[20], longest[-1], "µs", None,
        "must stay under 5,000",
    )  # fmt: skip


def longest_part(listings: Sequence[Listing]) -> Row:
    """Return the longest event-loop turn while everything about 100 listings is new."""
    longest = list[float]()
    gc.collect()
    gc.freeze()  # as the engine does once it is ready
    for _ in range(ROUNDS):
        parts, worst, is_done = detect_in_slices(listings, NOW_MS, {}), 0.0, False
        while not is_done:
            began = time.process_time_ns()
            is_done = next(parts, LAST) is LAST
            worst = max(worst, (time.process_time_ns() - began) / 1_000)
        longest.append(worst)
    longest.sort()
    return Row(
        "all detectors, 100 live listings", "everything new: longest part", longest[ROUNDS // 2],
        percentile(longest, 0.99), "µs", None, "must stay under 5,000",
    )  # fmt: skip


def main() -> None:
    """Print a row for each method."""
    known = knowledge()
    listings = known.live(NOW_MS)
    assert len(listings) == LISTINGS, len(listings)
    history = CalibrationHistory(
        {CaseKey(one.name, one.version, "notice"): Tally(60, 40) for one in DETECTORS},
        {kind: Tally(300, 200) for kind in ClaimKind},
    )
    liquidity = {
        one.symbol: Liquidity(at_ms=NOW_MS, bid=1.0, ask=1.1, bid_value=100.0, ask_value=100.0)
        for one in listings
    }
    first = detect(listings, NOW_MS, {}, history=history, liquidity=liquidity)
    standing = active_after(first.raised)
    again = detect(listings, NOW_MS, standing, history=history, liquidity=liquidity)
    assert not again.raised
    assert {signal.key.detector for signal in first.raised} == {one.name for one in DETECTORS}
    before, after = {one.symbol: one for one in universe()}, universe()
    passes = interleaved(
        {
            "nothing new": lambda: detect(listings, NOW_MS, standing, history=history, liquidity=liquidity),
            f"everything new ({len(first.raised)} signals)": lambda: detect(
                listings, NOW_MS, {}, history=history, liquidity=liquidity
            ),
        },
        rounds=ROUNDS,
    )
    pairs = interleaved(
        {
            "at once": lambda: diff(before, after),
            "in slices": lambda: list(diff_in_slices(before, after)),
        },
        rounds=ROUNDS,
    )
    polls = interleaved({"plan of polls": lambda: plan(listings, NOW_MS, {})}, rounds=ROUNDS)
    emit(rows("all detectors, 100 live listings", passes, base="nothing new"))
    emit([longest_part(listings)])
    emit(rows("diff of 2,000 pairs", pairs, base="at once"))
    emit([largest_slice()])
    emit(rows("polling, 100 live listings", polls, base="plan of polls"))


if __name__ == "__main__":
    main()
