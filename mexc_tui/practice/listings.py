"""Listings: their schedule and public visibility (protocol 10.3, 11.3). Pure.

A listing passes through steps. The time of a step depends on the currently planned opening, so a
postponement moves all steps that are not done yet.
"""

from decimal import Decimal
from enum import IntEnum

from mexc_tui.practice.matching.ids import coin_id, contract_address, seeded, symbol_id
from mexc_tui.practice.matching.pairs import PairRules
from mexc_tui.practice.matching.rules import OpeningRules
from mexc_tui.practice.matching.values import PracticeCalendarEntry, PracticeWebSymbol
from mexc_tui.practice.scenario import Knobs, ListingPlan, MarketPolicy

_SYLLABLES = ("ZO", "KI", "RA", "VEX", "LU", "MO", "NIX", "TA", "PY", "QUO", "DRA", "FEN", "GO", "HEX", "JU")


class ListingStep(IntEnum):
    """Step of a listing. Steps at the same time run in this order."""

    ANNOUNCE = 1
    PREPARE = 2  # symbolsV2 moves to sts 2
    SHOW = 3  # exchangeInfo shows the pair
    READY = 4  # symbolsV2 shows 2/2/4
    RENAME = 5
    POSTPONE = 6
    CANCEL = 7
    ALLOW = 8  # isSpotTradingAllowed turns true
    OPEN = 9
    SUSPEND = 10


class PracticeListing:
    """One listing of a plan; `opens_ms`: currently planned opening, `opened_ms`: actual opening."""

    def __init__(self, *, plan: ListingPlan, number: int, seed: int, start_ms: int, taken: set[str]) -> None:
        self.plan = plan
        self.opens_ms = start_ms + _ms(plan.opens_s + number * (plan.every_s or 0))
        self.opened_ms: int | None = None
        self.cancelled = False
        rng = seeded(seed, f"listing/{plan.base}/{plan.quote}/{plan.opens_s}/{number}")
        self.jitter_ms = rng.randint(0, plan.jitter_ms)
        self.base = _ticker(plan, number, seed, taken=taken)
        self.full_name = plan.full_name or f"{self.base.capitalize()} Token"
        self._coin_key = self.base
        self._postponed = 0
        self._done: set[ListingStep] = set()

    @property
    def coin_id(self) -> str:
        """Id of the coin; a rename preserves it."""
        return coin_id(self._coin_key)

    @property
    def symbol(self) -> str:
        """Current symbol of the pair."""
        return self.base + self.plan.quote

    def has(self, step: ListingStep) -> bool:
        """Whether a step is done."""
        return step in self._done

    def next_step(self) -> tuple[int, ListingStep] | None:
        """Return the time and kind of the next step; None: no step left."""
        if self.cancelled:
            return None
        return min(self._remaining_steps(), default=None)

    def _remaining_steps(self) -> list[tuple[int, ListingStep]]:
        """Return the remaining steps, by the currently planned opening."""
        plan = self.plan
        api_before_s = plan.visible_before_s if plan.api_from_s is None else plan.api_from_s
        moments = {ListingStep.ALLOW: self._before(min(api_before_s, plan.visible_before_s))}
        if self.opened_ms is None:
            moments |= self._until_open()
        elif plan.suspended_after_s is not None:
            moments[ListingStep.SUSPEND] = self.opened_ms + _ms(plan.suspended_after_s)
        return [(at_ms, step) for step, at_ms in moments.items() if step not in self._done]

    def _until_open(self) -> dict[ListingStep, int]:
        plan = self.plan
        moments = {
            ListingStep.ANNOUNCE: self._before(plan.announced_before_s),
            ListingStep.PREPARE: self._before(plan.prepared_before_s),
            ListingStep.SHOW: self._before(plan.visible_before_s),
            ListingStep.READY: self._before(plan.ready_before_s),
            ListingStep.OPEN: self._before(plan.early_s) + self.jitter_ms,
        }
        if plan.renamed_before_s is not None and plan.renamed_to:
            moments[ListingStep.RENAME] = self._before(plan.renamed_before_s)
        if plan.cancelled_before_s is not None:
            moments[ListingStep.CANCEL] = self._before(plan.cancelled_before_s)
        if self._postponed < len(plan.postponed):
            moments[ListingStep.POSTPONE] = self._before(plan.postponed[self._postponed].at_s)
        return moments

    def _before(self, seconds: float) -> int:
        return self.opens_ms - _ms(seconds)

    def lead_ms(self) -> int:
        """Return the lead time of the first step before the opening."""
        return self.opens_ms - min(at_ms for at_ms, _ in self._remaining_steps())

    def apply(self, step: ListingStep, at_ms: int) -> None:
        """Apply a step to the listing itself."""
        match step:
            case ListingStep.POSTPONE:
                self.opens_ms += _ms(self.plan.postponed[self._postponed].by_s)
                self._postponed += 1
                return
            case ListingStep.CANCEL:
                self.cancelled = True
            case ListingStep.RENAME:
                self.base = self.plan.renamed_to
            case ListingStep.OPEN:
                self.opened_ms = at_ms
            case _:
                pass
        self._done.add(step)

    def opening_rules(self, now_ms: int) -> OpeningRules:
        """Return the order rules of the first seconds (protocol 11.3)."""
        if self.opened_ms is None:
            return OpeningRules()
        plan, age_ms = self.plan, now_ms - self.opened_ms
        in_policy = age_ms < _ms(plan.market_policy_s)
        return OpeningRules(
            self.ceiling() if age_ms < _ms(plan.ceiling_s) else None,
            plan.market_policy if in_policy else MarketPolicy.ALLOW,
        )

    def ceiling(self) -> Decimal | None:
        """Return the highest price of the first seconds."""
        factor = self.plan.ceiling_factor
        return None if factor is None else round(self.plan.price * factor, self.plan.price_precision)

    def calendar_entry(self) -> PracticeCalendarEntry | None:
        """Return its row of the calendar, if it has one."""
        if not self.plan.in_calendar or self.cancelled or not self.has(ListingStep.ANNOUNCE):
            return None
        zone = "assessment" if self.plan.blocked else "NEW"
        return PracticeCalendarEntry(
            coin_id(self._coin_key),
            self.base,
            self.full_name,
            self.opens_ms,
            zone,
            f"{self.full_name} is new.",
        )

    def web_symbol(self) -> PracticeWebSymbol | None:
        """Return its row of symbolsV2, if it has one; states of protocol 10.3."""
        shown = self.has(ListingStep.ANNOUNCE) or self.has(ListingStep.PREPARE) or self.has(ListingStep.READY)
        if self.cancelled or not (shown or self.opened_ms is not None):
            return None
        ready = self.has(ListingStep.READY) or self.opened_ms is not None
        plan = self.plan
        return PracticeWebSymbol(
            symbol_id=symbol_id(self._coin_key + plan.quote),
            market_coin_id=coin_id(plan.quote),
            coin_id=coin_id(self._coin_key),
            base=self.base,
            quote=plan.quote,
            full_name=self.full_name,
            state=2 if ready or self.has(ListingStep.PREPARE) else 1,
            spot=2 if ready else 1,
            trading=4 if ready else 1,
            price_scale=plan.price_precision,
            quantity_scale=plan.quantity_precision,
            opens_ms=self.opens_ms,
            contract_address=contract_address(self._coin_key),
        )

    def pair_rules(self, knobs: Knobs) -> PairRules:
        """Return the pair's fields for exchangeInfo."""
        plan = self.plan
        return PairRules(
            symbol=self.symbol,
            base=self.base,
            quote=plan.quote,
            price_decimals=plan.price_precision,
            quantity_decimals=plan.quantity_precision,
            min_quantity=Decimal(0),
            min_value=Decimal(1),
            min_value_market=Decimal(1),
            max_value=Decimal(2_000_000),
            max_value_market=Decimal(100_000),
            band_up=Decimal("0.2"),
            band_down=Decimal("0.2"),
            full_name=self.full_name,
            contract_address=contract_address(self._coin_key),
            concept_plate_ids=(51,),
            concept_plates=("Innovation",),
            maker_fee=knobs.maker_fee,
            taker_fee=knobs.taker_fee,
            symbol_id=symbol_id(self._coin_key + plan.quote),
            coin_id=coin_id(self._coin_key),
            market_coin_id=coin_id(plan.quote),
            start_price=plan.price,
            turnover=plan.depth_quote * 10,
            history_from_ms=self.opens_ms,
        )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _ticker(plan: ListingPlan, number: int, seed: int, *, taken: set[str]) -> str:
    if plan.base:
        return plan.base if plan.every_s is None else f"{plan.base}{number + 1}"
    rng = seeded(seed, f"ticker/{plan.opens_s}/{number}")
    while True:
        name = "".join(rng.choices(_SYLLABLES, k=2))
        if rng.random() < 0.3:
            name += str(rng.randrange(2, 99))
        if name not in taken:
            taken.add(name)
            return name
