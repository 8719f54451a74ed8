"""Arm snipes from signals or manually, after every pre-trade check.

The transaction that reserves the funds checks the limits again; the intent is durable with the ids of
all its attempts. A refusal states the failed checks.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from mexc_tui.engine.accounting.ledger_transaction import LedgerTransaction, intent_id_of
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.entries.entry_context import ArmRequest, EntryContext, EntryParameters, risk_book
from mexc_tui.engine.market.knowledge_store import KnowledgeStore
from mexc_tui.engine.runtime.recent_keys import RecentKeys
from mexc_tui.model.errors import CommandRefused, DeskError
from mexc_tui.model.event import SnipeRefused
from mexc_tui.model.intent import Intent, OrderRole
from mexc_tui.model.listing import Listing
from mexc_tui.model.order import Side
from mexc_tui.model.signal import Signal
from mexc_tui.model.snipe import Snipe, SnipeKey, SnipeState
from mexc_tui.model.storage import Durability
from mexc_tui.model.verdict import CheckStage, Verdict, refusal_text, refusals
from mexc_tui.ports.store import Store
from mexc_tui.risk.limits import check_entry
from mexc_tui.sniping.request import candidate_of
from mexc_tui.sniping.validation import Judgement, judge

log = logging.getLogger(__name__)

MOST_REMEMBERED = 2_000
"""Maximum signals and openings whose result is remembered."""

RISK_REFUSED = "risk:refused"
"""Alert rule for entries refused by risk limits."""
AGAIN_MS = 1_000
"""Interval between checks of a refused entry."""
BY_HAND = "hand"
PASSING = ("weight_left", "orders_left")
"""Checks that change within seconds; a change of these alone is not reported."""


@dataclass(frozen=True, slots=True)
class PreTradeResult:
    """Results of every check of a request."""

    asked: ArmRequest
    judgement: Judgement


class ArmRefused(DeskError):
    """The ledger refused to arm a signal.

    Raised in the transaction that arms, which leaves nothing behind. Store `verdicts` and show the text.
    """

    def __init__(self, verdicts: tuple[Verdict, ...], words: str = "") -> None:
        super().__init__(words or "; ".join(map(refusal_text, verdicts)))
        self.verdicts = verdicts


class Arming:
    """Checks requests and arms the approved ones."""

    def __init__(
        self,
        *,
        known: KnowledgeStore,
        keeper: LedgerWriter,
        books: Store,
        gates: EntryContext,
        numbers: Callable[[], EntryParameters],
        now_ms: Callable[[], int],
    ) -> None:
        """`now_ms`: exchange time."""
        self._known = known
        self._keeper = keeper
        self._books = books
        self._gates = gates
        self._numbers = numbers
        self._now_ms = now_ms
        self._again_ms: dict[str, int] = {}
        self._told: dict[str, tuple[str, ...]] = {}
        self._logged = RecentKeys[tuple[str, tuple[str, ...]]](MOST_REMEMBERED)
        """Symbols and the limits that refused them, logged once each."""
        self._put_down = RecentKeys[tuple[str, int]](MOST_REMEMBERED)
        self.generations: dict[str, int] = {}
        """Halt generation under which each snipe was armed."""

    async def look(self) -> None:
        """Arm snipes that active signals allow."""
        detectors = self._numbers().arming.detectors
        for signal in list(self._known.signals.values()):
            if signal.key.detector in detectors:
                await self._consider(signal)
        for kept in (self._again_ms, self._told, self.generations):
            while len(kept) > MOST_REMEMBERED:
                del kept[next(iter(kept))]

    def put_down(self, snipe: Snipe) -> None:
        """Remember a manual disarm: signals do not arm that opening again."""
        self._put_down.add((snipe.listing_id, snipe.opens_ms))

    async def what_if(self, symbol: str) -> PreTradeResult:
        """Run the pre-trade check for a manual arm; changes nothing."""
        snipe = self._keeper.state.snipe_of(symbol)
        asked = self._gates.ask(
            self._known.knowledge.listings.named(symbol), symbol, f"{BY_HAND}/what-if", None, snipe
        )
        return await self._judge(asked)

    async def arm(self, symbol: str, by: str) -> Snipe:
        """Arm a symbol manually. Raises CommandRefused with every failed check."""
        if self._keeper.state.snipe_of(symbol) is not None:
            raise CommandRefused(f"{symbol} is already armed.")
        listing = self._known.knowledge.listings.named(symbol)
        asked = self._gates.ask(listing, symbol, f"{BY_HAND}/{by}/{self._now_ms()}", None, None)
        judged = await self._judge(asked)
        if not judged.judgement.approved or listing is None:
            lines = "; ".join(refusal_text(one) for one in refusals(judged.judgement.verdicts))
            raise CommandRefused(f"{symbol} not armed: {lines or 'not listed by any source'}")
        try:
            return await self._arm(judged, listing, by)
        except ArmRefused as error:
            raise CommandRefused(f"{symbol} not armed: {error}") from None

    async def _consider(self, signal: Signal) -> None:
        listing = self._known.knowledge.listings.get(signal.key.subject)
        if listing is None or listing.opens_ms is None or listing.opened_ms is not None:
            return
        if (listing.id, listing.opens_ms) in self._put_down:
            return
        now_ms, key = self._now_ms(), signal.key
        signal_id = f"{key.detector}/{key.subject}/{key.topic}/{signal.state}@{listing.opens_ms}"
        is_ahead = listing.opens_ms > now_ms
        is_due = now_ms >= self._again_ms.get(signal_id, 0)
        if not (is_ahead and is_due) or self._keeper.state.snipe_of(listing.symbol) is not None:
            return
        self._again_ms[signal_id] = now_ms + AGAIN_MS
        judged = await self._judge(self._gates.ask(listing, listing.symbol, signal_id, signal, None))
        verdicts = judged.judgement.verdicts
        if judged.judgement.approved:
            try:
                await self._arm(judged, listing, str(key.detector))
            except ArmRefused as error:
                verdicts = error.verdicts
            else:
                return
        await self._tell_refusal(listing, signal_id, refusals(verdicts))

    async def _judge(self, asked: ArmRequest) -> PreTradeResult:
        now_ms, scope, symbol = self._now_ms(), self._keeper.scope, asked.wish.symbol
        book = await self._books.read(
            "limit inputs",
            lambda stored: risk_book(stored.trading(scope), symbol, now_ms, asked.conditions),
        )
        return PreTradeResult(asked, judge(asked.wish, asked.facts(book), now_ms))

    async def _arm(self, judged: PreTradeResult, listing: Listing, by: str) -> Snipe:
        """Check the limits in the transaction that reserves the funds, and reserve them."""
        asked, wish = judged.asked, judged.asked.wish
        assert wish.opens_ms is not None
        client_ids = self._keeper.client_ids(asked.numbers.fire.attempts)
        name, now_ms = intent_id_of(client_ids[0]), self._now_ms()
        snipe = Snipe(
            id=name,
            key=SnipeKey(wish.symbol, wish.signal_id),
            listing_id=listing.id,
            config_hash=asked.numbers.config_hash,
            opens_ms=wish.opens_ms,
            state=SnipeState.ARMED,
            reason="all checks passed",
            by=by,
            type=wish.type,
            spend_cap=wish.spend,
            reference_price=wish.reference_price,
            price_cap=asked.price_cap,
            plan=asked.numbers.plan,
            verdicts=judged.judgement.verdicts,
            armed_ms=now_ms,
        )
        pair = self._known.knowledge.pairs[wish.symbol]
        intent = Intent(
            id=name,
            role=OrderRole.ENTRY,
            symbol=wish.symbol,
            base_asset=pair.base_asset,
            quote_asset=pair.quote_asset,
            side=Side.BUY,
            client_ids=client_ids,
            spend_cap=wish.spend,
            reserved=wish.spend,
            snipe_id=name,
            position_id=f"{name}p",
            created_ms=now_ms,
            reason=f"snipe of {wish.symbol}",
        )

        def work(desk: LedgerTransaction) -> None:
            if desk.tables.snipes.by_key(snipe.key) is not None:
                raise ArmRefused((), "signal already used")
            book = risk_book(desk.tables, wish.symbol, now_ms, asked.conditions)
            facts = asked.facts(book)
            verdicts = check_entry(candidate_of(wish, facts, now_ms), book, facts.limits, now_ms)
            if refusals(verdicts):
                raise ArmRefused(verdicts)
            desk.save_snipe(snipe)
            desk.save_intent(intent)

        await self._keeper.write("arm", work)
        self.generations[snipe.id] = self._keeper.state.trading.generation
        return snipe

    async def _tell_refusal(self, listing: Listing, signal_id: str, verdicts: tuple[Verdict, ...]) -> None:
        names = tuple(one.name for one in verdicts if one.name not in PASSING)
        if not verdicts or self._told.get(signal_id) == names:
            return
        self._told[signal_id] = names
        # Only refusals by risk limits alone are reported: other stages refuse what cannot be bought yet.
        only_risk = all(one.stage is CheckStage.RISK for one in verdicts)
        limits = "; ".join(map(refusal_text, verdicts)) if only_risk and names else ""
        if limits and (listing.symbol, names) not in self._logged:
            self._logged.add((listing.symbol, names))
            log.warning("%s: entry refused by risk limits: %s", listing.symbol, limits)
        event = SnipeRefused(
            at_ms=self._now_ms(),
            about=listing.symbol,
            listing_id=listing.id,
            signal_id=signal_id,
            verdicts=verdicts,
        )

        def work(desk: LedgerTransaction) -> None:
            desk.unit.record(event)
            if limits:
                desk.alert(RISK_REFUSED, listing.symbol, f"Entry refused by risk limits: {limits}")

        await self._keeper.write("refusal", work, durability=Durability.NORMAL)
