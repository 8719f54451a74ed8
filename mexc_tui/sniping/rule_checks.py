"""Second stage of the validation pipeline: rules of the exchange and of the desk."""

from decimal import Decimal

from mexc_tui.ledger.arithmetic import short
from mexc_tui.market.classification import classify
from mexc_tui.model.listing import ListingSource, ListingStage
from mexc_tui.model.order import OrderType, Side
from mexc_tui.model.symbol import ListedType, Symbol, SymbolStatus
from mexc_tui.model.verdict import CheckStage, Verdict
from mexc_tui.sniping.request import ArmFacts, ArmProposal
from mexc_tui.sniping.rounding import buy_quantity, grid_of, misfit
from mexc_tui.sniping.verdict_text import moment, verdict

ARMABLE = (
    ListingStage.SCHEDULED,
    ListingStage.RESCHEDULED,
    ListingStage.VISIBLE,
    ListingStage.API_ENABLED,
    ListingStage.OPEN,
)
UNNAMED_TYPES = (OrderType.IMMEDIATE_OR_CANCEL, OrderType.FILL_OR_KILL)
"""Order types that are accepted although no pair lists them (protocol 4.2)."""


def _rule(
    name: str, passed: bool, value: str, *, limit: str, flip: str, until_ms: int | None = None
) -> Verdict:
    return verdict(CheckStage.RULES, name, passed, value=value, limit=limit, flip=flip, until_ms=until_ms)


def listing_stage(_: ArmProposal, facts: ArmFacts, now_ms: int) -> Verdict:
    """Whether the listing is in a stage that can be armed."""
    listing = facts.pair.listing
    limit = "scheduled or open"
    if listing is None:
        return _rule(
            "listing_stage", False, "unknown listing", limit=limit, flip="wait until a source lists it"
        )
    stage = listing.stage_at(now_ms)
    return _rule(
        "listing_stage", stage in ARMABLE, str(stage), limit=limit, flip="wait until it is scheduled"
    )


def calendar(_: ArmProposal, facts: ArmFacts, __: int) -> Verdict:
    """Whether the calendar confirms the listing, if required."""
    listing, required = facts.pair.listing, facts.rules.require_calendar
    entry = None if listing is None else listing.latest_from(ListingSource.CALENDAR)
    confirmed = entry is not None and entry.present
    return _rule(
        "calendar", confirmed or not required,
        "listed" if confirmed else "not listed" if required else "not required",
        limit="listed" if confirmed or required else "not required",
        flip="wait for the calendar, or set require_calendar = false",
    )  # fmt: skip


def category(proposal: ArmProposal, facts: ArmFacts, _: int) -> Verdict:
    """Whether signals may arm a listing of this category."""
    named = ", ".join(facts.rules.categories) or "none"
    listing = facts.pair.listing
    if listing is None:
        return _rule("category", False, "unknown listing", limit=named, flip="wait until a source lists it")
    found = classify(listing)
    value = (
        str(found.category) if found.source is None else f"{found.category}: {found.sign} ({found.source})"
    )
    return _rule(
        "category",
        proposal.is_manual or found.category in facts.rules.categories,
        value,
        limit="any, armed manually" if proposal.is_manual else named,
        flip="add it to armed_categories, or arm manually",
    )


def opening_agreed(proposal: ArmProposal, facts: ArmFacts, _: int) -> Verdict:
    """Whether the snipe targets the current opening time of the listing."""
    believed = None if facts.pair.listing is None else facts.pair.listing.opens_ms
    return _rule(
        "opening_agreed", proposal.opens_ms is not None and proposal.opens_ms == believed,
        moment(proposal.opens_ms), limit=moment(believed),
        flip="arm again for the new opening" if believed is not None else "wait for an opening time",
    )  # fmt: skip


def time_to_opening(proposal: ArmProposal, facts: ArmFacts, now_ms: int) -> Verdict:
    """Whether the opening is neither too far ahead nor missed."""
    rules = facts.rules
    limit = f"at most {rules.advance_ms // 1_000} s ahead or {rules.late_ms} ms ago"
    if proposal.opens_ms is None:
        return _rule(
            "time_to_opening", False, "no opening time", limit=limit, flip="wait for an opening time"
        )
    ahead_ms = proposal.opens_ms - now_ms
    value = f"{abs(ahead_ms) / 1_000:.1f} s {'ahead' if ahead_ms >= 0 else 'ago'}"
    if ahead_ms > rules.advance_ms:
        until_ms = proposal.opens_ms - rules.advance_ms
        return _rule(
            "time_to_opening",
            False,
            value,
            limit=limit,
            flip="wait until the opening is nearer",
            until_ms=until_ms,
        )
    return _rule(
        "time_to_opening", ahead_ms >= -rules.late_ms, value, limit=limit, flip="not possible, opening missed"
    )


def detector(proposal: ArmProposal, facts: ArmFacts, _: int) -> Verdict:
    """Whether signals of this detector may arm."""
    named = ", ".join(facts.rules.detectors) or "none"
    if proposal.detector is None:
        return _rule("detector", True, "manual", limit=named, flip="")
    allowed = proposal.detector in facts.rules.detectors
    return _rule(
        "detector",
        allowed,
        str(proposal.detector),
        limit=named,
        flip="add it to armed_detectors, or arm manually",
    )


def probability(proposal: ArmProposal, facts: ArmFacts, _: int) -> Verdict:
    """Whether the probability of the signal is high enough; one scale, 0 to 1 (rules 7)."""
    least = facts.rules.min_probability
    if proposal.is_manual:
        return _rule("probability", True, "manual", limit=f"at least {least:.2f}", flip="")
    value = proposal.probability
    passed = value is not None and 0 <= value <= 1 and value >= least
    return _rule(
        "probability", passed, "none" if value is None else f"{value:.3f}", limit=f"at least {least:.2f}",
        flip="wait for a higher probability, or lower min_probability",
    )  # fmt: skip


def allow_list(proposal: ArmProposal, facts: ArmFacts, _: int) -> Verdict:
    """Whether the allow list, if set, contains the pair."""
    allow = facts.rules.allow
    passed = not allow or any(pattern.fullmatch(proposal.symbol) for pattern in allow)
    limit = ", ".join(pattern.pattern for pattern in allow) or "no list"
    value = proposal.symbol if allow else "no list"
    return _rule("allow_list", passed, value, limit=limit, flip="add it to allow_symbols")


def deny_list(proposal: ArmProposal, facts: ArmFacts, _: int) -> Verdict:
    """Whether the deny list excludes the pair."""
    hit = next((p.pattern for p in facts.rules.deny if p.fullmatch(proposal.symbol)), None)
    value = "no match" if hit is None else f"{proposal.symbol} matches {hit}"
    return _rule("deny_list", hit is None, value, limit="no match", flip="remove it from deny_symbols")


def pair_known(_: ArmProposal, facts: ArmFacts, __: int) -> Verdict:
    """Whether exchangeInfo contains the pair: its filters are needed to build an order."""
    known = facts.pair.symbol is not None
    flip = "wait until exchangeInfo lists it"
    return _rule(
        "pair_known", known, "in exchangeInfo" if known else "missing", limit="in exchangeInfo", flip=flip
    )


def pair_online(_: ArmProposal, facts: ArmFacts, __: int) -> Verdict:
    """Whether the pair is online."""
    status = "unknown" if facts.pair.symbol is None else facts.pair.symbol.status.name.lower()
    online = facts.pair.symbol is not None and facts.pair.symbol.status is SymbolStatus.ONLINE
    return _rule("pair_online", online, status, limit="online", flip="wait until the exchange enables it")


def sides(_: ArmProposal, facts: ArmFacts, __: int) -> Verdict:
    """Whether the API allows an ordinary key to buy and to sell: never buy what cannot be sold."""
    pair = facts.pair.symbol
    both = pair is not None and pair.is_tradable(Side.BUY) and pair.is_tradable(Side.SELL)
    value = "unknown"
    if pair is not None:
        sides_text = pair.sides.name.lower().replace("_", " ")
        value = f"API trading {'allowed' if pair.is_spot_trading_allowed else 'closed'}, sides: {sides_text}"
    return _rule(
        "sides", both, value, limit="API trading allowed, sides: both", flip="wait until API trading opens"
    )


def key_may_trade(_: ArmProposal, facts: ArmFacts, __: int) -> Verdict:
    """Whether this key's own list contains the pair; unknown passes."""
    permission = facts.pair.key_permission
    flip = "allow this symbol for the key, or use another key"
    return _rule(
        "key_may_trade", permission.is_allowed is not False, permission.text, limit="not refused", flip=flip
    )


def order_type(proposal: ArmProposal, facts: ArmFacts, _: int) -> Verdict:
    """Whether the pair accepts the order type."""
    pair = facts.pair.symbol
    if pair is None:
        return _rule(
            "order_type", False, str(proposal.type), limit="unknown", flip="wait until exchangeInfo lists it"
        )
    listed = ListedType(proposal.type.value) in pair.order_types or proposal.type in UNNAMED_TYPES
    named = ", ".join(pair.order_types) or "none"
    return _rule(
        "order_type", listed, str(proposal.type), limit=named, flip="use LIMIT or IMMEDIATE_OR_CANCEL"
    )


def order_fits(proposal: ArmProposal, facts: ArmFacts, _: int) -> Verdict:
    """Whether the order satisfies the pair's precision and its minimum and maximum value.

    The amount is quote units to spend, never a quantity (rules 2.1).
    """
    pair = facts.pair.symbol
    limit = "symbol filters"
    if pair is None:
        return _rule(
            "order_fits", False, "symbol unknown", limit=limit, flip="wait until exchangeInfo lists it"
        )
    text = _misfit(proposal, pair, facts.rules.order_min_quote)
    value = text or f"{short(proposal.spend)} USDT"
    return _rule("order_fits", not text, value, limit=limit, flip="change amount or price")


def _misfit(proposal: ArmProposal, pair: Symbol, least: Decimal) -> str:
    grid = grid_of(pair)
    net = proposal.spend / (1 + grid.taker_fee)
    low, high = grid.bounds(proposal.type)
    if net < max(low, least):
        return f"{short(net)} without fee is below the minimum notional {max(low, least):f}"
    if high is not None and net > high:
        return f"{short(net)} is above the maximum order value {high:f}"
    if proposal.price is None:
        return ""
    quantity = buy_quantity(proposal.spend, proposal.price, grid.taker_fee, grid=grid)
    return misfit(quantity, proposal.price, grid, kind=proposal.type)


CHECKS = (
    listing_stage, calendar, category, opening_agreed, time_to_opening, detector, probability, allow_list,
    deny_list, pair_known, pair_online, sides, key_may_trade, order_type, order_fits,
)  # fmt: skip
