"""Terms of the next order of a sale, adjusted after each refusal: one reaction for every kind of advice."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from mexc_tui.model.order import OrderType
from mexc_tui.model.outcome import Advice, Refusal
from mexc_tui.sniping.rounding import ZERO, Grid, floored, too_small

TERMS_TTL_MS = 30_000
"""Terms expire after this time without a sale: the exchange may allow more again."""
KINDS = (OrderType.IMMEDIATE_OR_CANCEL, OrderType.LIMIT, OrderType.MARKET)
"""In the order of attempts."""
NO_OPPONENT = 30025
TOO_MANY_DECIMALS = (10096, 10097)
TOO_MANY_ORDERS = 30029
"""Also returned for an order that is too large (protocol 6.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleTerms:
    """What the pair accepts according to its responses. Quantities in base, values in quote units."""

    refused: tuple[OrderType, ...] = ()
    most: Decimal | None = None
    """Maximum quantity of an order."""
    step: Decimal | None = None
    """A coarser quantity step than in the pair's filters."""
    min_value: Decimal = ZERO
    max_value: Decimal | None = None
    withheld: Decimal = ZERO
    """Part of the free quantity that is not offered."""

    def grid(self, grid: Grid) -> Grid:
        """Return the pair's filters, tightened by the responses."""
        return replace(
            grid,
            max_value=_lower(grid.max_value, self.max_value),
            max_value_market=_lower(grid.max_value_market, self.max_value),
            min_value=max(grid.min_value, self.min_value),
            min_value_market=max(grid.min_value_market, self.min_value),
            quantity_step=max(grid.quantity_step, self.step or ZERO),
        )

    def quantity(self, wanted: Decimal, grid: Grid) -> Decimal:
        """Return the quantity to offer of `wanted` free base units."""
        quantity = wanted if self.most is None else min(wanted, self.most)
        return max(floored(min(quantity, wanted - self.withheld), grid.quantity_step), ZERO)

    @property
    def kind(self) -> OrderType:
        """Return the type of the next order: the first one that was not refused."""
        return next((kind for kind in KINDS if kind not in self.refused), KINDS[0])


NOTHING_LEARNED = SaleTerms()


@dataclass(frozen=True, slots=True, kw_only=True)
class SentOrder:
    """The order that was refused. `bid`: the best bid when it was sent."""

    type: OrderType
    price: Decimal | None
    quantity: Decimal
    bid: Decimal

    @property
    def value(self) -> Decimal:
        """Return its minimum proceeds."""
        return self.quantity * (self.price or self.bid)


_Adjustment = Callable[[SaleTerms, Refusal, SentOrder, Grid], SaleTerms]


def learn(terms: SaleTerms, refusal: Refusal, sent: SentOrder, *, grid: Grid) -> SaleTerms:
    """Return the terms after a refusal; unchanged terms: only time, a price or a balance can help."""
    if refusal.code == NO_OPPONENT:
        return terms
    if refusal.code == TOO_MANY_ORDERS:
        return _smaller(terms, refusal, sent, grid=grid)
    adjustment = _ADJUSTMENTS.get(refusal.advice)
    return terms if adjustment is None else adjustment(terms, refusal, sent, grid)


def _other_type(terms: SaleTerms, _: Refusal, sent: SentOrder, __: Grid) -> SaleTerms:
    refused = (*terms.refused, sent.type)
    return replace(terms, refused=refused if set(refused) != set(KINDS) else ())


def _larger(terms: SaleTerms, refusal: Refusal, sent: SentOrder, _: Grid) -> SaleTerms:
    """Use the minimum value named in the refusal; else ten per cent more than the refused value.

    A quantity that was halved too often is raised again by half.
    """
    least = refusal.number if refusal.number is not None else sent.value * Decimal("1.1")
    most = terms.most
    if most is not None and (refusal.number is None or most * sent.bid < least):
        most = most * 3 / 2
    return replace(terms, min_value=max(terms.min_value, least), most=most)


def _smaller(terms: SaleTerms, refusal: Refusal, sent: SentOrder, grid: Grid) -> SaleTerms:
    """Stay below the value named in the refusal; else halve the quantity while that is a valid order."""
    if refusal.code in TOO_MANY_DECIMALS:
        return _fewer_decimals(terms, sent, grid)
    if refusal.number and refusal.number < sent.value:
        return replace(terms, max_value=refusal.number)
    half = floored(sent.quantity / 2, grid.quantity_step)
    return terms if too_small(half, sent.bid, terms.grid(grid)) else replace(terms, most=half)


def _fewer_decimals(terms: SaleTerms, sent: SentOrder, grid: Grid) -> SaleTerms:
    """Offer fewer decimals of the quantity; if refused again, omit the price: it may be the cause."""
    if terms.step is not None and sent.price is not None:
        return replace(
            terms, step=None, refused=tuple(kind for kind in KINDS if kind is not OrderType.MARKET)
        )
    is_finer = floored(sent.quantity, grid.quantity_step) != sent.quantity
    step = grid.quantity_step if is_finer else 10 * max(grid.quantity_step, terms.step or ZERO)
    return replace(terms, step=step if floored(sent.quantity, step) > 0 else None)


def _lower(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return min((value for value in (one, other) if value is not None), default=None)


def _less_than_free(terms: SaleTerms, _: Refusal, sent: SentOrder, grid: Grid) -> SaleTerms:
    """Withhold one step, then two, four …: fees and locks may exceed what balances show."""
    withheld = max(grid.quantity_step, 2 * terms.withheld)
    return replace(terms, withheld=withheld) if withheld <= sent.quantity / 2 else terms


_ADJUSTMENTS: Mapping[Advice, _Adjustment] = {
    Advice.CHANGE_TYPE: _other_type,
    Advice.MEND: _other_type,
    Advice.RAISE_SIZE: _larger,
    Advice.REDUCE_SIZE: _smaller,
    Advice.REFRESH_BALANCES: _less_than_free,
}
