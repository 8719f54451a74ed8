"""Track whether positions can be sold now, and how long one was nearly worthless."""

from collections.abc import Callable
from decimal import Decimal

from mexc_tui.engine.accounting.ledger_transaction import LedgerChanges
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.market.prices import PriceCache
from mexc_tui.model.position import Position
from mexc_tui.sniping.rounding import Grid
from mexc_tui.sniping.sellable import Confirmation, KnownPrices, SellableJudgement, judge


class SellabilityTracker:
    """Shared by sales and exit monitor, so that both use the same observations."""

    def __init__(
        self,
        *,
        ledger: LedgerWriter,
        prices: PriceCache,
        stale_ms: Callable[[], int],
        now_ms: Callable[[], int],
    ) -> None:
        """`stale_ms`: maximum age of a bid; `now_ms`: exchange time."""
        self._prices = prices
        self._stale_ms = stale_ms
        self._now_ms = now_ms
        self._confirmations = dict[str, Confirmation]()
        ledger.on_change(self._on_ledger_change)

    def of(self, position: Position, quantity: Decimal, grid: Grid) -> SellableJudgement:
        """Return whether `quantity` base units of a position can be sold now."""
        price = self._prices.of(position.symbol)
        age_ms = self._prices.age_ms(position.symbol)
        is_fresh = age_ms is not None and age_ms <= self._stale_ms()
        known = KnownPrices(
            bid=price.bid if is_fresh else None,
            last=price.last,
            entry=position.entry_price,
            high=position.high_price,
        )
        before = self._confirmations.get(position.id)
        judged = judge(quantity, grid, known, now_ms=self._now_ms(), confirmation=before)
        if quantity < position.remaining:
            return judged
        if judged.confirmation is None:
            self._confirmations.pop(position.id, None)
        else:
            self._confirmations[position.id] = judged.confirmation
        return judged

    def _on_ledger_change(self, written: LedgerChanges) -> None:
        for position in written.positions:
            if not position.is_open:
                self._confirmations.pop(position.id, None)
