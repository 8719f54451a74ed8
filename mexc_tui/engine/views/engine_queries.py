"""Queries and commands of a running engine for the desk API: status, listings, signals, alerts, settings."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial

from mexc_tui.engine.engine import Engine
from mexc_tui.engine.views import stored_queries
from mexc_tui.engine.views.listing_rows import listing_row, signal_row
from mexc_tui.market.listings import ListingUpdate
from mexc_tui.market.tape import Liquidity
from mexc_tui.model.errors import CommandRefused, SettingsRefused
from mexc_tui.model.event import SettingChanged, kind_of
from mexc_tui.model.listing import Listing
from mexc_tui.model.pair_names import AmbiguousName, new_pair
from mexc_tui.model.storage import StorageError
from mexc_tui.model.view import (
    AlertRow,
    ListingRow,
    LoopRow,
    SettingRow,
    SignalRow,
    StatusRow,
    WorkerRow,
)
from mexc_tui.ports.settings import SettingValue
from mexc_tui.ports.store import Stored
from mexc_tui.sniping.protection import SHUT

NO_TIME = 2**62
MOST_ALERTS = 1_000


class EngineQueries:
    """Answers queries and carries out commands about the status, listings, signals and settings of an engine.

    Rows describe the current moment; nothing waits for the exchange.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # ---- queries

    def status(self) -> StatusRow:
        """Return the engine status."""
        engine, parts = self._engine, self._engine.parts
        state, cause = engine.trading_state()
        now_ms = parts.market.now_ms()
        live = engine.knowledge_store.live(now_ms)
        return StatusRow(
            running=not engine.stop_reason,
            pid=parts.identity.pid,
            profile=parts.identity.profile,
            mode=parts.identity.mode,
            exchange_session=parts.identity.exchange_session,
            trading_state=state,
            cause=cause,
            started_ms=engine.started_ms,
            now_ms=now_ms,
            clock=parts.market.clock_row(),
            streams=parts.market.streams_row(partial(_is_not_trading, engine, _unopened(live))),
            budget=parts.market.budget_row(),
            sources=engine.polls.rows(),
            workers=tuple(_workers(engine)),
            pairs=len(engine.knowledge_store.knowledge.pairs),
            listings=len(live),
            signals=len(engine.knowledge_store.signals),
            journal=parts.feed.last_sequence,
            config_hash=parts.settings.config_hash(),
            cache=parts.market.cache_row(),
            loop=LoopRow()
            if engine.trading_components is None
            else engine.trading_components.suspend_detector.row(),
            pending_settings=parts.settings.pending(),
            not_compared=_not_compared(engine),
            key="" if engine.trading_components is None else engine.trading_components.key_rights.text,
        )

    def listings(self) -> Sequence[ListingRow]:
        """Return the listings in progress, soonest opening first."""
        live = self._engine.knowledge_store.live(self._engine.parts.market.now_ms())
        return [
            self._row(listing)
            for listing in sorted(live, key=lambda listing: (listing.opens_ms or NO_TIME, listing.id))
        ]

    def signals(self) -> Sequence[SignalRow]:
        """Return the active signals, newest first."""
        active = sorted(self._engine.knowledge_store.signals.values(), key=lambda signal: -signal.at_ms)
        return [signal_row(signal, is_active=True) for signal in active]

    def liquidity(self) -> Mapping[str, Liquidity]:
        """Return the current liquidity of streamed order books, by symbol."""
        return self._engine.knowledge_store.liquidity()

    async def alerts(self, limit: int = MOST_ALERTS, *, closed: bool = False) -> Sequence[AlertRow]:
        """Return the open alerts, or with `closed` all alerts, newest first. Raises CommandRefused."""
        try:
            return await self._engine.parts.store.read(
                "alerts", lambda stored: stored_queries.alerts(stored, limit, closed=closed)
            )
        except StorageError as error:
            raise CommandRefused(f"Alerts cannot be read: {error}") from None

    def settings(self) -> Sequence[SettingRow]:
        """Return every setting."""
        return self._engine.parts.settings.rows()

    # ---- commands

    async def add_listing(self, symbol: str, opens_ms: int | None, note: str = "") -> ListingRow:
        """Add or restore a listing manually. Raises CommandRefused."""
        now_ms = self._engine.parts.market.now_ms()
        try:
            symbol = self._engine.knowledge_store.knowledge.named(symbol) or new_pair(symbol)
            updates = self._engine.knowledge_store.knowledge.add(symbol, opens_ms, now_ms, note=note)
        except ValueError as error:
            raise CommandRefused(str(error)) from None
        return await self._kept(symbol, updates, now_ms)

    async def drop_listing(self, symbol: str, note: str = "") -> ListingRow:
        """Drop a listing manually. Raises CommandRefused if it is unknown."""
        now_ms = self._engine.parts.market.now_ms()
        try:
            symbol = self._engine.knowledge_store.knowledge.named(symbol) or symbol
            update = self._engine.knowledge_store.knowledge.drop(symbol, now_ms, note)
        except AmbiguousName as error:
            raise CommandRefused(str(error)) from None
        except KeyError:
            raise CommandRefused(f"Unknown listing {symbol}. See: mexc-tui listings") from None
        return await self._kept(symbol, () if update is None else (update,), now_ms)

    async def check_setting(self, name: str, text: str | None) -> str:
        """Return why a change of a setting would not take effect; empty: it would.

        Raises CommandRefused.
        """
        before = self._setting_value(name)
        try:
            after = self._engine.parts.settings.check(name, text)
        except SettingsRefused as error:
            raise CommandRefused(str(error)) from None
        if after.text != before.text:
            return ""
        return f"Settings file written, but {name} stays {after.text}: {after.origin} takes precedence."

    async def change_setting(self, name: str, text: str | None, who: str) -> SettingRow:
        """Write a setting to the settings file (None: remove it) and apply it. Raises CommandRefused."""
        self._setting_value(name)
        try:
            await self._engine.settings_worker.change(name, text, who)
        except SettingsRefused as error:
            raise CommandRefused(str(error)) from None
        return self._setting(name)

    async def undo_setting(self, name: str, who: str) -> tuple[SettingRow, SettingChanged]:
        """Undo the last change of a setting (without a name: of any setting); return the change too.

        Raises CommandRefused. An undo is itself a change that can be undone.

        """
        change = await self._engine.parts.store.read("last change", lambda stored: last_change(stored, name))
        if change is None:
            raise CommandRefused(f"{name} has not been changed." if name else "No setting has been changed.")
        wanted = self._engine.parts.settings.value(change.about)
        if wanted is None or wanted.text != change.new:
            raise CommandRefused(f"{change.about} is no longer {change.new}: set the value you want.")
        row = await self.change_setting(change.about, change.old, who)
        if change.old not in (row.value, row.pending):
            raise CommandRefused(
                f"{row.name} stays {row.value}: {row.origin} takes precedence over the settings file."
            )
        return row, change

    def stop(self, reason: str) -> None:
        """Request an orderly stop; returns at once."""
        self._engine.request_stop(reason)

    # ---- helpers

    async def _kept(self, symbol: str, updates: tuple[ListingUpdate, ...], now_ms: int) -> ListingRow:
        await self._engine.knowledge_store.save(updates, now_ms)
        listing = self._engine.knowledge_store.knowledge.listings.named(symbol)
        if listing is None and updates:
            listing = updates[-1].after
        if listing is None:
            raise CommandRefused(f"Unknown listing {symbol}. See: mexc-tui listings")
        return self._row(listing)

    def _row(self, listing: Listing) -> ListingRow:
        known, settings = self._engine.knowledge_store, self._engine.detection_settings()
        now_ms = self._engine.parts.market.now_ms()
        stage = listing.stage_at(now_ms, settings.maturity_ms, settings.api_grace_ms)
        seen = known.histories.get(listing.symbol)
        bars = seen.tape.bars if seen is not None else ()
        return listing_row(
            listing,
            stage,
            known.outcomes.get(listing.id),
            price=bars[-1].close if bars else None,
            trades=seen.tape.trades if seen is not None else 0,
            pair=known.knowledge.pairs.get(listing.symbol),
            received_ms=None if seen is None else seen.updated_ms,
        )

    def _setting_value(self, name: str) -> SettingValue:
        value = self._engine.parts.settings.value(name)
        if value is None:
            raise CommandRefused(f"Unknown setting {name}. See: mexc-tui settings")
        return value

    def _setting(self, name: str) -> SettingRow:
        return next(row for row in self.settings() if row.name == name)


def last_change(stored: Stored, name: str) -> SettingChanged | None:
    """Return the newest change of a setting, without a name of any; None: none."""
    if name:
        return next(iter(stored.settings.of(name, 1)), None)
    facts = stored.journal.page(limit=1, kind=kind_of(SettingChanged))
    return next((fact.event for fact in facts if isinstance(fact.event, SettingChanged)), None)


def _not_compared(engine: Engine) -> tuple[str, ...]:
    run = None if engine.trading_components is None else engine.trading_components.ledger.state.reconciled
    return () if run is None else tuple(excluded.text for excluded in run.excluded)


def _unopened(live: Iterable[Listing]) -> frozenset[str]:
    """Return every name of the symbols that have not opened."""
    return frozenset(name for listing in live if listing.opened_ms is None for name in listing.names)


def _is_not_trading(engine: Engine, unopened: Collection[str], symbol: str) -> bool:
    """Return whether a symbol is expected to have no trades: not open, suspended, or not on the exchange."""
    pair = engine.knowledge_store.knowledge.pairs.get(symbol)
    return symbol in unopened or pair is None or pair.status in SHUT


def _workers(engine: Engine) -> Sequence[WorkerRow]:
    return [
        WorkerRow(
            name=worker.name,
            state=worker.state.value,
            since_ms=worker.since_ms,
            is_degraded=worker.is_degraded,
            failures=worker.failures,
            restarts=worker.restarts,
            last_error=worker.last_error,
        )
        for worker in engine.workers()
    ]
