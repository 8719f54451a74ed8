"""State before the first request of an engine: open positions and bans of the exchange."""

import asyncio
import logging
from pathlib import Path

import msgspec

from mexc_tui.app.ban_file import BanFile
from mexc_tui.app.practice_status import PRACTICE_PATH, PracticeStatus, PracticeUnavailable, practice_status
from mexc_tui.engine.runtime.start_retry import PROCEED_AFTER_S
from mexc_tui.exchange.limits.bans import Ban, BanLimits, Bans
from mexc_tui.exchange.limits.budget import RateBudget
from mexc_tui.exchange.rest.transport import HttpTransport
from mexc_tui.host.private_files import write_private_file
from mexc_tui.model.errors import ExchangeError, NothingSent
from mexc_tui.model.storage import StorageError
from mexc_tui.ports.clock import Clock
from mexc_tui.store.sqlite.offline_read import read_offline
from mexc_tui.store.sqlite.unit_of_work import ReadTransaction

DAY = "practice_day.json"

log = logging.getLogger(__name__)


def has_exposure(database: Path, clock: Clock, scope: str) -> bool:
    """Whether the stored ledger has a position or an open order, or cannot be read. Blocks."""
    if not database.exists():
        return False

    def is_open(stored: ReadTransaction) -> bool:
        tables = stored.trading(scope)
        return bool(tables.positions.open() or tables.intents.open() or tables.orders.open())

    try:
        return bool(database.stat().st_size) and read_offline(database, clock, is_open)
    except StorageError:
        return True


def persist_bans(budget: RateBudget, file: BanFile, clock: Clock) -> None:
    """Restore the ban stored by the last engine, and store new bans."""
    ban = file.read(clock.now_ms())
    if ban is not None:
        budget.restore_ban(ban)
    budget.on_ban = file.write


class PracticeStatusFile:
    """File with the last status of a practice exchange, in a profile's private folder."""

    def __init__(self, folder: Path, exchange_session: str) -> None:
        """Open the file; a status of another exchange session is ignored."""
        self._path = folder / DAY
        self._exchange_session = exchange_session

    def read(self) -> PracticeStatus | None:
        """Return the status stored for this session; None: none readable."""
        try:
            day = msgspec.json.decode(self._path.read_bytes(), type=PracticeStatus)
        except (OSError, msgspec.DecodeError):
            return None
        return day if day.exchange_session == self._exchange_session else None

    def write(self, day: PracticeStatus) -> None:
        """Store the status. A write error is logged: a start without a response then has no overrides."""
        try:
            write_private_file(self._path, msgspec.json.encode(day))
        except OSError as error:
            log.warning("cannot store the overrides of the practice exchange: %s", error)


async def practice_status_at_start(
    transport: HttpTransport,
    origin: str,
    stored: PracticeStatusFile,
    *,
    ban_file: BanFile,
    clock: Clock,
    holds: bool,
) -> PracticeStatus:
    """Return the status of a practice exchange. It is not queried during a ban.

    With open positions or orders, a failed query returns the stored status. Raises ExchangeError without.
    """
    try:
        day = await _query(
            transport, origin, ban_file, clock=clock, deadline_s=PROCEED_AFTER_S if holds else None
        )
    except ExchangeError as error:
        if not holds:
            raise
        log.warning("starting with the last known overrides of the practice exchange: %s", error)
        return stored.read() or PracticeStatus()
    stored.write(day)
    return day


async def _query(
    transport: HttpTransport, origin: str, ban_file: BanFile, *, clock: Clock, deadline_s: float | None
) -> PracticeStatus:
    ban = ban_file.read(clock.now_ms())
    if ban is not None:
        problem = f"not sent: {ban.kind.value}: {ban.left_s:.0f} s"
        raise NothingSent("GET", PRACTICE_PATH, problem)
    try:
        async with asyncio.timeout(deadline_s):
            return await practice_status(transport, origin)
    except TimeoutError:
        raise ExchangeError("GET", PRACTICE_PATH, f"no response within {deadline_s:g} s") from None
    except PracticeUnavailable as error:
        ban = _ban_of(error, clock)
        if ban is not None:
            ban_file.write(ban)
        raise


def _ban_of(error: PracticeUnavailable, clock: Clock) -> Ban | None:
    """Return the ban that a response announces, if any."""
    bans, now_ns = Bans(BanLimits()), clock.monotonic_ns()
    bans.apply_response(error.answer.status, error.answer.retry_after_s, now_ns)
    current = bans.current(now_ns)
    if current is None:
        return None
    kind, until_ns = current
    left_s = (until_ns - now_ns) / 1e9
    return Ban(kind, left_s, clock.now_ms() + round(left_s * 1_000))
