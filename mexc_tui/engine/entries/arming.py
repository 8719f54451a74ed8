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
from mexc_tui.risk.entry_limits import check_entry
from mexc_tui.sniping.pre_trade_checks import Judgement, judge
from mexc_tui.sniping.request import NO_TERMS, ArmTerms, candidate_of

log = logging.getLogger(__name__)

MAX_REMEMBERED = 2_000
"""Maximum signals and openings whose result is remembered."""

RISK_REFUSED = "risk:refused"
"""Alert rule for entries refused by risk limits."""
AGAIN_MS = 1_000
"""Interval between checks of a refused entry."""
MANUAL = "manual"
TRANSIENT_CHECKS = ("weight_left", "orders_left")
"""Checks that change within seconds; a change of these alone is not reported."""


@dataclass(frozen=True, slots=True)
class PreTradeResult:
    """Results of every check of a request."""

    request: ArmRequest
    judgement: Judgement


class ArmRefused(DeskError):
    """The ledger refused to arm a signal.

    Raised in the transaction that arms, which leaves nothing behind. Store `verdicts` and show the text.
    """

    def __init__(self, verdicts: tuple[Verdict, ...], text: str = "") -> None:
        super().__init__(text or "; ".join(map(refusal_text, verdicts)))
        self.verdicts = verdicts


class Arming:
    """Checks requests and arms the approved ones."""

    def __init__(
        self,
        *,
        knowledge_store: KnowledgeStore,
        ledger: LedgerWriter,
        store: Store,
        context: EntryContext,
        parameters: Callable[[], EntryParameters],
        now_ms: Callable[[], int],
    ) -> None:
        """`now_ms`: exchange time."""
        self._knowledge_store = knowledge_store
        self._ledger = ledger
        self._store = store
        self._context = context
        self._parameters = parameters
        self._now_ms = now_ms
        self._again_ms: dict[str, int] = {}
        self._reported: dict[str, tuple[str, ...]] = {}
        self._logged = RecentKeys[tuple[str, tuple[str, ...]]](MAX_REMEMBERED)
        """Symbols and the limits that refused them, to log each once."""
        self._disarmed_openings = RecentKeys[tuple[str, int]](MAX_REMEMBERED)
        self.generations: dict[str, int] = {}
        """Halt generation under which each snipe was armed."""

    async def process(self) -> None:
        """Arm snipes that active signals allow."""
        detectors = self._parameters().arming.detectors
        for signal in list(self._knowledge_store.signals.values()):
            if signal.key.detector in detectors:
                await self._arm_from_signal(signal)
        for kept in (self._again_ms, self._reported, self.generations):
            while len(kept) > MAX_REMEMBERED:
                del kept[next(iter(kept))]

    def block_rearming(self, snipe: Snipe) -> None:
        """Remember a manual disarm: signals do not arm that opening again."""
        self._disarmed_openings.add((snipe.listing_id, snipe.opens_ms))

    async def what_if(self, symbol: str, terms: ArmTerms = NO_TERMS) -> PreTradeResult:
        """Run the pre-trade check for a manual arm; changes nothing."""
        snipe = self._ledger.state.snipe_of(symbol)
        request = self._context.build_request(
            self._knowledge_store.knowledge.listings.named(symbol),
            symbol,
            f"{MANUAL}/what-if",
            signal=None,
            snipe=snipe,
            terms=terms,
        )
        return await self._judge(request)

    async def arm(self, symbol: str, by: str, terms: ArmTerms = NO_TERMS) -> Snipe:
        """Arm a symbol manually. Raises CommandRefused with every failed check."""
        if self._ledger.state.snipe_of(symbol) is not None:
            raise CommandRefused(f"{symbol} is already armed.")
        listing = self._knowledge_store.knowledge.listings.named(symbol)
        request = self._context.build_request(
            listing, symbol, f"{MANUAL}/{by}/{self._now_ms()}", signal=None, snipe=None, terms=terms
        )
        judged = await self._judge(request)
        if not judged.judgement.approved or listing is None:
            lines = "; ".join(refusal_text(refusal) for refusal in refusals(judged.judgement.verdicts))
            raise CommandRefused(f"{symbol} not armed: {lines or 'not listed by any source'}")
        try:
            return await self._arm(judged, listing, by)
        except ArmRefused as error:
            raise CommandRefused(f"{symbol} not armed: {error}") from None

    async def _arm_from_signal(self, signal: Signal) -> None:
        listing = self._knowledge_store.knowledge.listings.get(signal.key.subject)
        if listing is None or listing.opens_ms is None or listing.opened_ms is not None:
            return
        if (listing.id, listing.opens_ms) in self._disarmed_openings:
            return
        now_ms, key = self._now_ms(), signal.key
        signal_id = f"{key.detector}/{key.subject}/{key.topic}/{signal.state}@{listing.opens_ms}"
        is_ahead = listing.opens_ms > now_ms
        is_due = now_ms >= self._again_ms.get(signal_id, 0)
        if not (is_ahead and is_due) or self._ledger.state.snipe_of(listing.symbol) is not None:
            return
        self._again_ms[signal_id] = now_ms + AGAIN_MS
        judged = await self._judge(
            self._context.build_request(listing, listing.symbol, signal_id, signal=signal, snipe=None)
        )
        verdicts = judged.judgement.verdicts
        if judged.judgement.approved:
            try:
                await self._arm(judged, listing, str(key.detector))
            except ArmRefused as error:
                verdicts = error.verdicts
            else:
                return
        await self._report_refusal(listing, signal_id, refusals(verdicts))

    async def _judge(self, request: ArmRequest) -> PreTradeResult:
        now_ms, scope, symbol = self._now_ms(), self._ledger.scope, request.proposal.symbol
        book = await self._store.read(
            "limit inputs",
            lambda stored: risk_book(stored.trading(scope), symbol, now_ms, conditions=request.conditions),
        )
        return PreTradeResult(request, judge(request.proposal, request.facts(book), now_ms))

    async def _arm(self, judged: PreTradeResult, listing: Listing, by: str) -> Snipe:
        """Check the limits in the transaction that reserves the funds, and reserve them."""
        request, proposal = judged.request, judged.request.proposal
        assert proposal.opens_ms is not None
        client_ids = self._ledger.client_ids(request.parameters.fire.attempts)
        name, now_ms = intent_id_of(client_ids[0]), self._now_ms()
        snipe = Snipe(
            id=name,
            key=SnipeKey(proposal.symbol, proposal.signal_id),
            listing_id=listing.id,
            config_hash=request.parameters.config_hash,
            opens_ms=proposal.opens_ms,
            state=SnipeState.ARMED,
            reason="all checks passed",
            by=by,
            type=proposal.type,
            spend_cap=proposal.spend,
            reference_price=proposal.reference_price,
            price_cap=request.price_cap,
            plan=proposal.plan or request.parameters.plan,
            verdicts=judged.judgement.verdicts,
            armed_ms=now_ms,
        )
        pair = self._knowledge_store.knowledge.pairs[proposal.symbol]
        intent = Intent(
            id=name,
            role=OrderRole.ENTRY,
            symbol=proposal.symbol,
            base_asset=pair.base_asset,
            quote_asset=pair.quote_asset,
            side=Side.BUY,
            client_ids=client_ids,
            spend_cap=proposal.spend,
            reserved=proposal.spend,
            snipe_id=name,
            position_id=f"{name}p",
            created_ms=now_ms,
            reason=f"snipe of {proposal.symbol}",
        )

        def work(desk: LedgerTransaction) -> None:
            if desk.tables.snipes.by_key(snipe.key) is not None:
                raise ArmRefused((), "signal already used")
            book = risk_book(desk.tables, proposal.symbol, now_ms, conditions=request.conditions)
            facts = request.facts(book)
            verdicts = check_entry(candidate_of(proposal, facts, now_ms), book, facts.limits, now_ms=now_ms)
            if refusals(verdicts):
                raise ArmRefused(verdicts)
            desk.save_snipe(snipe)
            desk.save_intent(intent)

        await self._ledger.write("arm", work)
        self.generations[snipe.id] = self._ledger.state.trading.generation
        return snipe

    async def _report_refusal(self, listing: Listing, signal_id: str, verdicts: tuple[Verdict, ...]) -> None:
        names = tuple(verdict.name for verdict in verdicts if verdict.name not in TRANSIENT_CHECKS)
        if not verdicts or self._reported.get(signal_id) == names:
            return
        self._reported[signal_id] = names
        # Only refusals by risk limits alone are reported: other stages refuse what cannot be bought yet.
        only_risk = all(verdict.stage is CheckStage.RISK for verdict in verdicts)
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

        await self._ledger.write("refusal", work, durability=Durability.NORMAL)
