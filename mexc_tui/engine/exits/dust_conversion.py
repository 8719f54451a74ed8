"""Convert the desk's written-off dust into MX, never the user's own coins."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.accounting.reconciler import Reconciler
from mexc_tui.engine.runtime.command_result import CommandResult
from mexc_tui.ledger.arithmetic import plain
from mexc_tui.ledger.dust import FEE_ASSET, conversion_entry, written_off_dust
from mexc_tui.model.account import DustCandidate, DustConversion, is_read
from mexc_tui.model.errors import CommandRefused, ExchangeError
from mexc_tui.model.intent import ZERO
from mexc_tui.model.outcome import Accepted, Ambiguous, NotSent, Rejected
from mexc_tui.model.position import LedgerAccount, LedgerEntry
from mexc_tui.model.reconciliation import Trigger
from mexc_tui.model.storage import StorageError
from mexc_tui.model.trading_view import DustCoin, DustConverted, DustRow
from mexc_tui.ports.trading import TradingPort
from mexc_tui.ports.trading_store import TradingTables

MOST = 15
"""Maximum coins of one request (protocol 4.5)."""
PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    coins: tuple[DustCoin, ...]
    received: Decimal
    fee: Decimal | None
    left: tuple[str, ...]
    unknown_reason: str = ""
    """Why the outcome is unknown; empty: known."""


class DustConverter:
    """Converts dust on manual command only."""

    def __init__(self, port: TradingPort, ledger: LedgerWriter, reconciler: Reconciler) -> None:
        self._port = port
        self._ledger = ledger
        self._reconciler = reconciler
        self._running = set[asyncio.Task[CommandResult[DustConverted]]]()

    async def offered(self) -> DustRow:
        """Return the coins that can be converted now. Raises CommandRefused, StorageError."""
        ours = await self._ledger.read("dust", _written_off_dust)
        if not ours:
            return DustRow(at_ms=self._port.now_ms(), coins=())
        try:
            theirs = {candidate.asset: candidate for candidate in await self._port.dust_candidates()}
        except ExchangeError as error:
            raise CommandRefused(f"Convertible dust could not be queried: {error}") from None
        coins, left = list[DustCoin](), list[str]()
        for asset, amount in sorted(ours.items()):
            candidate = theirs.get(asset)
            why = self._blocked_reason(asset, amount, candidate)
            if not why and len(coins) == MOST:
                why = f"at most {MOST} coins per conversion; convert the rest afterwards"
            if why or candidate is None:
                left.append(f"{plain(amount)} {asset}: {why}")
            else:
                values = candidate.value_mx, candidate.value_usdt
                coins.append(DustCoin(asset=asset, quantity=amount, value_mx=values[0], value_usdt=values[1]))
        return DustRow(at_ms=self._port.now_ms(), coins=tuple(coins), left=tuple(left))

    async def convert(self, assets: Sequence[str]) -> CommandResult[DustConverted]:
        """Convert these coins (none named: all convertible ones) and book the result.

        Cancelling the caller does not stop it. Raises CommandRefused, StorageError.
        """
        task = asyncio.create_task(self._convert(assets), name="dust conversion")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def settle(self, deadline_s: float) -> None:
        """Wait for a conversion in progress."""
        if self._running:
            await asyncio.wait(self._running, timeout=deadline_s)

    # ---- internals

    def _blocked_reason(self, asset: str, amount: Decimal, candidate: DustCandidate | None) -> str:
        """Return why a coin cannot be converted; empty: it can."""
        memory = self._ledger.state
        is_wanted = any(intent.base_asset == asset for intent in memory.intents.values())
        if is_wanted or memory.balances.get((LedgerAccount.DESK, asset)):
            return "the desk holds or trades this coin now"
        if candidate is None:
            return "not convertible at the exchange"
        if candidate.balance != amount:
            return f"the account holds {plain(candidate.balance)}: reconcile first"
        return ""

    async def _convert(self, assets: Sequence[str]) -> CommandResult[DustConverted]:
        if not self._reconciler.is_done:
            raise CommandRefused("Not reconciled with the exchange yet: try again soon.")
        async with self._reconciler.lock:
            row = await self.offered()
            chosen = _chosen(row, assets)
            outcome = await self._port.convert_dust([coin.asset for coin in chosen])
            match outcome:
                case NotSent(reason=reason):
                    raise CommandRefused(f"Nothing converted: {reason}")
                case Rejected(refusal=refusal):
                    raise CommandRefused(f"Conversion rejected by the exchange: {refusal.text}")
                case Accepted(response=answer):
                    done = _outcome_by_answer(answer, chosen, row.left)
                case Ambiguous():
                    done = await self._outcome_by_balances(outcome, chosen, row.left)
            unbooked = await self._book(done)
        result = DustConverted(coins=done.coins, received_mx=done.received, fee_mx=done.fee, left=done.left)
        is_all = len(done.coins) == len(chosen) and not unbooked
        return CommandResult(
            f"{_result_text(done)}{unbooked or await self._reconcile_after()}", result, is_all=is_all
        )

    async def _outcome_by_balances(
        self, outcome: Ambiguous, chosen: tuple[DustCoin, ...], left: tuple[str, ...]
    ) -> _Done:
        """Compare balances once the request can no longer be executed; it is never sent again."""
        await asyncio.sleep(max(outcome.fence_ms - self._port.now_ms() + 1, 0) / 1_000)
        names = [coin.asset for coin in chosen]
        try:
            account = await self._port.account()
        except ExchangeError as error:
            unknown_reason = f"Conversion outcome unknown ({outcome.reason}; {error}): reconcile to check."
            return _Done(coins=(), received=ZERO, fee=None, left=left, unknown_reason=unknown_reason)
        totals = {balance.asset: balance.total for balance in account.balances}
        if not all(is_read(asset, account.balances, account.skipped) for asset in (*names, FEE_ASSET)):
            unknown_reason = f"Conversion outcome unknown ({outcome.reason}; a balance could not be read)."
            return _Done(coins=(), received=ZERO, fee=None, left=left, unknown_reason=unknown_reason)
        gone = tuple(coin for coin in chosen if not totals.get(coin.asset))
        held = self._ledger.state.balances
        known = sum(
            (held.get((whose, FEE_ASSET), ZERO) for whose in (LedgerAccount.DESK, LedgerAccount.OWN)), ZERO
        )
        received = max(totals.get(FEE_ASSET, ZERO) - known, ZERO) if gone else ZERO
        stayed = (
            f"{plain(coin.quantity)} {coin.asset}: {outcome.reason}" for coin in chosen if coin not in gone
        )
        return _Done(coins=gone, received=received, fee=None, left=(*left, *stayed))

    async def _book(self, done: _Done) -> str:
        """Book the conversion; return why that failed, empty: booked."""
        if not done.coins:
            return ""
        coins = {coin.asset: coin.quantity for coin in done.coins}
        entry = conversion_entry(coins, done.received, done.fee or ZERO, at_ms=self._port.now_ms())
        try:
            await self._ledger.write("dust converted", lambda desk: desk.add_entry(entry, "dust"))
        except StorageError as error:
            return f" Not booked ({error}): the next reconciliation books it."
        return ""

    async def _reconcile_after(self) -> str:
        """Reconcile after the conversion; return a text about differences or a failure."""
        try:
            run = await self._reconciler.compare(Trigger.MANUAL)
        except ExchangeError as error:
            return f" Reconciliation after it failed: {error}"
        return f" {len(run.unexplained)} unexplained differences after it." if run.unexplained else ""


def _written_off_dust(tables: TradingTables) -> dict[str, Decimal]:
    found, before = list[LedgerEntry](), 2**62
    while page := tables.entries.page(before, PAGE):
        before = page[-1][0]
        found += [
            entry
            for _, entry in page
            if any(posting.account is LedgerAccount.OWN for posting in entry.postings)
        ]
    return written_off_dust(reversed(found))


def _chosen(row: DustRow, assets: Sequence[str]) -> tuple[DustCoin, ...]:
    """Return the requested coins. Raises CommandRefused unless all can be converted."""
    if not row.coins:
        raise CommandRefused(_nothing(row.left))
    missing = [asset for asset in assets if asset not in {coin.asset for coin in row.coins}]
    if missing:
        raise CommandRefused(f"{', '.join(missing)} cannot be converted now. Check the list and retry.")
    return tuple(coin for coin in row.coins if not assets or coin.asset in assets)


def _nothing(left: Iterable[str]) -> str:
    """Return that there is nothing to convert, and why."""
    why = "; ".join(left) or "no written-off dust in the account"
    return f"Nothing to convert: {why}."


def _outcome_by_answer(answer: DustConversion, chosen: tuple[DustCoin, ...], left: tuple[str, ...]) -> _Done:
    """Return the outcome in the response. MX it omitted is booked by the next reconciliation."""
    why = {failure.asset: f"{failure.message or 'refused'} ({failure.code})" for failure in answer.failed}
    done = tuple(coin for coin in chosen if coin.asset in answer.converted)
    stayed = (
        f"{plain(coin.quantity)} {coin.asset}: {why.get(coin.asset, 'no reason given by the exchange')}"
        for coin in chosen
        if coin not in done
    )
    return _Done(coins=done, received=answer.total or ZERO, fee=answer.fee, left=(*left, *stayed))


def _result_text(done: _Done) -> str:
    if done.unknown_reason:
        return done.unknown_reason
    left = f" Not converted: {'; '.join(done.left)}." if done.left else ""
    if not done.coins:
        return f"Nothing converted.{left}"
    coins = ", ".join(f"{plain(coin.quantity)} {coin.asset}" for coin in done.coins)
    fee = "" if done.fee is None else f", after a fee of {plain(done.fee)} {FEE_ASSET}"
    return f"Converted {coins} into {plain(done.received)} {FEE_ASSET}{fee}.{left}"
