"""What an engine finds before it asks anything: what is held, and whether the exchange wants it quiet."""

from pathlib import Path

from mexc_tui.ban_file import FileOfBan
from mexc_tui.engine.patience import Patience
from mexc_tui.engine.ports import Clock
from mexc_tui.exchange.bans import Ban, BanLimits, Bans
from mexc_tui.exchange.budget import RateBudget
from mexc_tui.exchange.transport import HttpTransport
from mexc_tui.market_port import PRACTICE_PATH, NotServed, PracticeDay, practice_day
from mexc_tui.model.errors import ExchangeError, NothingSent
from mexc_tui.model.storage import StorageError
from mexc_tui.store.looking import look_into
from mexc_tui.store.unit_of_work import Reading


def holds_something(database: Path, clock: Clock, scope: str) -> bool:
    """Whether the stored books hold a position or an open order, or do not say. Blocks."""
    if not database.exists():
        return False

    def is_open(stored: Reading) -> bool:
        tables = stored.trading(scope)
        return bool(tables.positions.open() or tables.intents.open() or tables.orders.open())

    try:
        return bool(database.stat().st_size) and look_into(database, clock, is_open)
    except StorageError:
        return True


def keep_ban(budget: RateBudget, file: FileOfBan, clock: Clock) -> None:
    """Let a budget go on with the ban of the last engine, and keep what this one is told of."""
    ban = file.read(clock.now_ms())
    if ban is not None:
        budget.take_up(ban)
    budget.on_ban = file.write


async def first_answer(
    transport: HttpTransport, origin: str, file: FileOfBan, clock: Clock, *, holds: bool
) -> PracticeDay:
    """Return what a practice exchange says of itself; ask until it answers if something is held.

    A ban that is still in force is waited for. Raises ExchangeError if nothing is held.
    """
    patience = Patience(lambda: holds, 0)
    while True:
        ban = file.read(clock.now_ms())
        try:
            if ban is None:
                return await patience.answer(practice_day(transport, origin))
            problem = f"not sent: {ban.kind.value}: for another {ban.left_s:.0f} s"
            raise NothingSent("GET", PRACTICE_PATH, problem)
        except ExchangeError as error:
            if isinstance(error, NotServed):
                ban = _ban_of(error, clock)
                if ban is not None:
                    file.write(ban)
            if not holds:
                raise
            await patience.wait(error, 0.0 if ban is None else ban.left_s)


def _ban_of(error: NotServed, clock: Clock) -> Ban | None:
    """Return the ban that an answer means; None: it means none."""
    bans, now_ns = Bans(BanLimits()), clock.monotonic_ns()
    bans.note(error.answer.status, error.answer.retry_after_s, now_ns)
    current = bans.current(now_ns)
    if current is None:
        return None
    kind, until_ns = current
    left_s = (until_ns - now_ns) / 1e9
    return Ban(kind, left_s, clock.now_ms() + round(left_s * 1_000))
