"""Trading commands with a fake engine on a real socket and a real store."""

import asyncio
import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from decimal import Decimal as D
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.cli.main import main
from mexc_tui.cli.pages.preview_text import Exposure, close_plan, stop_plan
from mexc_tui.desk.answer_cache import ResponseCache
from mexc_tui.desk.service import DeskService, DeskServiceParts
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.engine.runtime.thread import EngineThread
from mexc_tui.engine.views.trading_rows import position_rows
from mexc_tui.host.lock import engine_lock
from mexc_tui.host.paths import Paths, paths_of
from mexc_tui.model.event import SnipeRefused
from mexc_tui.model.policy import Rung
from mexc_tui.model.position import LedgerAccount
from mexc_tui.model.reconciliation import Reconciliation, Trigger
from mexc_tui.model.trading import Cause, TradingState
from mexc_tui.model.trading_view import PositionRow
from mexc_tui.sniping.exit_edit import ExitUpdate
from mexc_tui.store.caches.cache import Cache
from mexc_tui.store.caches.level import Lifetimes
from mexc_tui.store.caches.memory import MemoryLevel
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.unit_of_work import UnitOfWork
from tests.support.engine.fake_trading_engine import DIFFERENCE, FakeTradingQueries, reconciled, risk
from tests.support.fake_engine import FakeEngineQueries
from tests.support.samples import position_samples
from tests.support.samples import trading_samples as samples

pytestmark = pytest.mark.timeout(180)  # runs processes

CLOCK = SystemClock()
HOSTILE = "\x1b[31mNEW\u202e"


@dataclass
class Desk:
    """Folders of a profile, and a command line on it."""

    paths: Paths

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, list(words), prog_name="mexc-tui")

    def json(self, *words: str) -> Any:
        done = self.run(*words, "--json")
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def shell(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Desk:
    tmp_path = tmp_path_factory.mktemp("h")
    for name in [name for name in os.environ if name.startswith(("MEXC_TUI", "XDG"))]:
        monkeypatch.delenv(name)
    for name, folder in (("STATE_HOME", "s"), ("CONFIG_HOME", "c"), ("RUNTIME_DIR", "r")):
        (tmp_path / folder).mkdir(mode=0o700)
        monkeypatch.setenv(f"XDG_{name}", str(tmp_path / folder))
    monkeypatch.setenv("COLUMNS", "80")
    paths = paths_of("practice", os.environ)
    paths.socket.parent.mkdir(mode=0o700)
    return Desk(paths)


def serving(
    paths: Paths, face: FakeEngineQueries, money: FakeTradingQueries | None, ready: Callable[[], None]
) -> EngineThread:
    async def live(told: asyncio.Event) -> int:
        store = await SqliteStore.open(paths.store, CLOCK)
        answers = ResponseCache(Cache([MemoryLevel(CLOCK)], CLOCK), lambda: store.state().units, Lifetimes())
        door = DeskService(
            DeskServiceParts(face, store, CLOCK, DetectionSettings, "engine-1", 0, answers, money)
        )
        try:
            await door.open(paths.socket)
            ready()
            await told.wait()
        finally:
            await door.close(0.5)
            await store.close()
        return 0

    return EngineThread(live)


@dataclass
class Engines:
    """Engines at the desk's socket, one at a time."""

    paths: Paths
    thread: EngineThread | None = None

    def start(self, money: FakeTradingQueries | None, face: FakeEngineQueries | None = None) -> None:
        is_ready = threading.Event()
        self.thread = serving(self.paths, face or FakeEngineQueries(), money, is_ready.set)
        self.thread.start()
        while not is_ready.wait(0.05):
            assert self.thread.join(0) is None

    def stop(self) -> None:
        if self.thread is not None:
            self.thread.stop()
            assert self.thread.join(20) == 0


@pytest.fixture
def engines(shell: Desk) -> Generator[Engines]:
    found = Engines(shell.paths)
    yield found
    found.stop()


class NoPositions(FakeTradingQueries):
    """An engine with an armed snipe and no position."""

    def positions(self) -> Sequence[PositionRow]:
        return []


class TwoPairs(FakeTradingQueries):
    """The same coin held against two quote assets."""

    def positions(self) -> Sequence[PositionRow]:
        held = super().positions()
        others = [msgspec.structs.replace(row, id="p2", symbol="NEWUSDC", quote_asset="USDC") for row in held]
        return [*held, *others]


@pytest.fixture
def money(engines: Engines) -> FakeTradingQueries:
    found = FakeTradingQueries()
    engines.start(found)
    return found


def test_pages_fit_eighty_columns_without_colour(shell: Desk, money: FakeTradingQueries) -> None:
    pages = {name: shell.run(name) for name in ("positions", "orders", "snipes", "risk", "performance")}
    for done in pages.values():
        assert (done.exit_code, done.stderr) == (0, "")
        assert max(map(len, done.stdout.splitlines())) <= 80
        assert "\x1b" not in done.stdout
    assert "stop in this engine: ends with this engine" in pages["positions"].stdout
    assert "1 take-profit on the exchange" in " ".join(pages["positions"].stdout.split())
    assert "take profit" in pages["orders"].stdout
    assert "armed" in pages["snipes"].stdout
    assert "losses in a row" in pages["risk"].stdout
    assert "holds" in pages["performance"].stdout
    assert money.done == []


def test_lists_are_one_array_with_money_as_text(shell: Desk, money: FakeTradingQueries) -> None:
    positions, orders, snipes = shell.json("positions"), shell.json("orders"), shell.json("snipes")
    assert [(row["symbol"], row["cost"], row["bid"]) for row in positions] == [("NEWUSDT", "20.02", "2.1")]
    assert positions[0]["time_stop_ms"] == 63_000
    assert [(row["price"], row["quantity"]) for row in orders] == [("2.20", "3")]
    assert [(row["spend_cap"], row["opens_ms"]) for row in snipes] == [("10.5", 90_000)]
    assert shell.json("performance")["equity"] == "1001"
    assert shell.json("risk")["state"] == "active"
    assert money.done == []


def test_what_if_prints_each_check_and_the_value_needed_to_pass(
    shell: Desk, money: FakeTradingQueries
) -> None:
    assert shell.run("what-if", "newusdt").exit_code == 0
    money.approved = False
    refused = shell.run("what-if", "NEWUSDT")
    assert refused.exit_code == 1
    words = " ".join(refused.stdout.split())
    assert "NO risk exposure: 210 quote with this one (limit 200 quote)" in words
    assert "to pass: close 10 of positions" in words


def test_commands_that_only_stop_entries_need_no_confirmation(shell: Desk, money: FakeTradingQueries) -> None:
    assert shell.run("halt", "gone", "for", "lunch").stdout == "Did halt gone for lunch.\n"
    assert shell.json("reduce-only")["state"] == "halted"
    assert shell.run("disarm", "NEWUSDT").stdout == "NEWUSDT is disarmed.\n"
    assert money.done[0] == ("halt", "gone for lunch")


@pytest.mark.parametrize(
    "words",
    [
        ("arm", "NEWUSDT"),
        ("close", "NEWUSDT"),
        ("exits", "NEWUSDT", "--stop", "1.9"),
        ("convert-dust",),
        ("flatten",),
        ("kill",),
        ("resume",),
    ],
)
def test_commands_that_move_money_are_refused_without_a_terminal(
    shell: Desk, money: FakeTradingQueries, words: tuple[str, ...]
) -> None:
    done = shell.run(*words)
    assert done.exit_code == 2
    assert "--yes" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert money.done == []
    assert shell.run(*words, "--yes").exit_code == 0
    assert len(money.done) == 1


def test_without_dust_nothing_is_sent(shell: Desk, money: FakeTradingQueries) -> None:
    money.rests = ()
    done = shell.run("convert-dust", "--yes")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "mexc-tui: Nothing to convert: 0.4 OWN: the desk holds this coin now.\n"
    assert money.done == []


def test_a_conversion_prints_its_proceeds(shell: Desk, money: FakeTradingQueries) -> None:
    assert shell.run("convert-dust", "--yes").stdout == "Converted 0.08 NEW into 0.049 MX.\n"
    result = shell.json("convert-dust", "--yes")
    assert (result["received_mx"], result["fee_mx"], result["coins"][0]["quantity"]) == (
        "0.049",
        "0.001",
        "0.08",
    )


def test_a_partial_sale_ends_with_exit_code_1(shell: Desk, money: FakeTradingQueries) -> None:
    money.is_all = False
    done = shell.run("close", "NEWUSDT", "--share", "50", "--yes")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "Did close NEWUSDT 50." in done.stderr


def test_exits_are_sent_as_typed(shell: Desk, money: FakeTradingQueries) -> None:
    trail = ("--trail", "15@20", "--break-even", "1", "--time", "600")
    done = shell.run("exits", "newusdt", "--stop", "1.9", "--tp", "50@20, 50@40.5", *trail, "--yes")
    assert (done.exit_code, done.stdout) == (0, "NEWUSDT: stop 1.9.\n")
    rungs = (Rung(D(50), D(20)), Rung(D(50), D("40.5")))
    wish = ExitUpdate(
        stop_price=D("1.9"),
        trailing=True,
        trailing_after_pct=D(20),
        trailing_distance_pct=D(15),
        ladder=rungs,
        break_even_rung=1,
        time_stop_s=600,
    )
    assert money.exit_updates == [wish]
    assert shell.run("exits", "NEWUSDT", "--trail", "off", "--tp", "none", "--yes").exit_code == 0
    assert money.exit_updates[1] == ExitUpdate(trailing=False, ladder=())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Give at least one of"),
        (("--stop", "x"), "is not a number above 0"),
        (("--stop", "NaN"), "is not a number above 0"),
        (("--tp", "50"), "Use SHARE@GAIN, such as 30@10"),
        (("--tp", "50@-1"), "is not a number above 0"),
        (("--trail", "far"), "is not a number above 0"),
    ],
)
def test_invalid_exits_are_not_sent(
    shell: Desk, money: FakeTradingQueries, words: tuple[str, ...], said: str
) -> None:
    done = shell.run("exits", "NEWUSDT", *words, "--yes")
    assert done.exit_code == 2
    assert said in done.stderr
    assert money.exit_updates == []


@pytest.mark.parametrize("share", ["0", "101", "half", "NaN", "-5"])
def test_a_share_outside_0_to_100_is_a_wrong_argument(shell: Desk, share: str) -> None:
    done = shell.run("close", "NEWUSDT", "--yes", "--share", share)
    assert done.exit_code == 2
    assert "is not a share" in done.stderr


@pytest.mark.parametrize("name", ["what-if", "arm", "disarm", "close"])
def test_an_invalid_name_is_not_sent_and_not_printed_raw(shell: Desk, name: str) -> None:
    done = shell.run(name, HOSTILE)
    assert done.exit_code == 2
    assert "\x1b" not in done.stderr


def halted(cause: Cause) -> FakeTradingQueries:
    return FakeTradingQueries(now=msgspec.structs.replace(risk(), state=TradingState.HALTED, cause=cause))


def test_after_a_loss_yes_is_not_enough_to_resume(shell: Desk, engines: Engines) -> None:
    money = halted(Cause.DAILY_LOSS)
    engines.start(money)
    done = shell.run("resume", "--yes")
    assert done.exit_code == 2
    assert "--yes is not enough: type resume at a terminal" in done.stderr
    assert money.done == []


def test_reconcile_exits_with_0_without_and_1_with_unexplained_differences(
    shell: Desk, money: FakeTradingQueries
) -> None:
    nothing: dict[str, list[str]] = {"explained": [], "unexplained": [], "excluded": []}
    assert shell.json("reconcile") == {"at_ms": 1_000, **nothing}
    money.run = reconciled(DIFFERENCE)
    differs = shell.run("reconcile", "--json")
    assert differs.exit_code == 1
    assert [one["value"] for one in json.loads(differs.stdout)["unexplained"]] == ["10"]
    page = shell.run("reconcile")
    assert page.exit_code == 1
    assert "unexplained: drift of USDT: ledger 979.98, exchange 969.98, worth 10.00" in page.stdout
    money.run = reconciled(problem="the exchange did not answer")
    unfinished = shell.run("reconcile", "--json")
    assert unfinished.exit_code == 1
    assert "did not answer" in unfinished.stderr


def test_status_of_a_halted_desk_exits_with_1(shell: Desk, engines: Engines) -> None:
    engines.start(FakeTradingQueries(), FakeEngineQueries(TradingState.HALTED))
    done = shell.run("status")
    assert done.exit_code == 1
    assert "halted: by the operator" in done.stdout


def test_a_read_only_engine_has_no_positions_and_refuses_commands(shell: Desk, engines: Engines) -> None:
    engines.start(None)
    assert shell.json("positions") == []
    done = shell.run("kill", "--yes")
    assert done.exit_code == 1
    assert "read-only" in done.stderr
    assert "read-only" in shell.run("risk").stderr


@pytest.mark.parametrize(
    "words",
    [
        ("halt",),
        ("kill", "--yes"),
        ("arm", "NEWUSDT", "--yes"),
        ("risk",),
        ("resume",),
        ("performance",),
        ("reconcile",),
    ],
)
def test_without_an_engine_and_a_ledger_one_line_is_printed(shell: Desk, words: tuple[str, ...]) -> None:
    done = shell.run(*words)
    assert (done.exit_code, done.stdout) == (3, "")
    assert len(done.stderr.splitlines()) == 1


def test_without_an_engine_lists_are_empty_before_it_ever_ran(shell: Desk) -> None:
    assert [shell.json(name) for name in ("positions", "orders", "snipes")] == [[], [], []]


def remember(unit: UnitOfWork) -> None:
    """Write a ledger of an older scope, and of the newest one."""
    old = unit.trading(samples.OTHER)
    old.reconciliations.add(Reconciliation(at_ms=1, trigger=Trigger.START))
    old.positions.save(samples.position("old"))
    unit.record(
        SnipeRefused(
            at_ms=2, about="NEWUSDT", listing_id="l1", signal_id="by hand", verdicts=(samples.APPROVED,)
        )
    )
    tables = unit.trading(samples.SCOPE)
    tables.reconciliations.add(Reconciliation(at_ms=2, trigger=Trigger.TIMER, unexplained=(DIFFERENCE,)))
    tables.snipes.save(samples.snipe())
    tables.intents.save(samples.intent())
    tables.orders.save(samples.order())
    tables.positions.save(position_samples.position(snipe_id="s1"))
    tables.positions.save(samples.position("p2", opened_ms=1_000, closed_ms=2_000, realised="-1"))
    tables.entries.add(
        samples.entry("start", (LedgerAccount.DESK, "USDT", "50"), (LedgerAccount.EXTERNAL, "USDT", "-50"))
    )


def write_books(paths: Paths) -> None:
    async def write() -> None:
        store = await SqliteStore.open(paths.store, CLOCK)
        try:
            await store.write("books", remember)
        finally:
            await store.close()

    asyncio.run(write())


def test_without_an_engine_queries_read_the_newest_ledger(shell: Desk) -> None:
    write_books(shell.paths)
    rows = shell.json("positions")
    assert [(row["id"], row["bid"], row["protection"]) for row in rows] == [("p1", None, "none")]
    assert "no engine is running: stop not monitored" in rows[0]["protection_text"]
    assert [row["client_order_id"] for row in shell.json("orders")] == ["i1-1"]
    assert [row["id"] for row in shell.json("snipes")] == ["s1"]
    assert shell.json("performance")["scope"] == samples.SCOPE
    run = shell.run("reconcile", "--json")
    assert (run.exit_code, json.loads(run.stdout)["at_ms"]) == (1, 2)


def test_last_shows_closed_rows_too(shell: Desk) -> None:
    write_books(shell.paths)
    assert [row["id"] for row in shell.json("positions", "--last", "5")] == ["p1", "p2"]
    assert len(shell.json("orders", "--last", "1")) == 1
    assert "closed 1970-01-01 00:00:02 UTC by stop" in shell.run("positions", "--last", "5").stdout


def test_last_shows_positions_with_values_of_the_running_engine(shell: Desk, engines: Engines) -> None:
    write_books(shell.paths)
    engines.start(FakeTradingQueries())
    row, closed = shell.json("positions", "--last", "2")
    assert (row, closed["id"]) == (shell.json("positions")[0], "p2")
    assert "no engine is running" not in shell.run("positions", "--last", "1").stdout
    assert "ends with this engine" in row["protection_text"]


def test_an_unresponsive_engine_is_not_reported_as_stopped(shell: Desk) -> None:
    write_books(shell.paths)
    with engine_lock(shell.paths, "key"):
        rows = [*shell.json("positions"), *shell.json("positions", "--last", "1")]
    for row in rows:
        words = f"the engine (process {os.getpid()}) does not respond: stop monitoring unknown"
        assert words in row["protection_text"]
        assert {rung["where"] for rung in row["rungs"]} <= {"unknown", "sold", "exchange"}


@pytest.mark.parametrize("name", ["NEWUSDT", "new", "New/Usdt"])
def test_stored_rows_of_a_pair_are_found_by_its_coin(shell: Desk, name: str) -> None:
    write_books(shell.paths)
    assert shell.run("why", name).stdout.startswith("Snipe ")
    facts = shell.json("journal", "--about", name)
    assert {fact["about"] for fact in facts} == {"NEWUSDT"}


def test_a_coin_of_several_open_positions_is_refused_with_their_names(shell: Desk, engines: Engines) -> None:
    money = TwoPairs()
    engines.start(money)
    code, told = at_a_terminal(("close", "NEW"), "y")
    assert (code, money.done) == (1, [])
    assert "NEW is ambiguous: NEWUSDT, NEWUSDC. Name the pair." in told
    assert at_a_terminal(("close", "NEWUSDC"), "y")[0] == 0
    assert money.done == [("close", "NEWUSDC", "all")]


def test_closing_a_missing_position_lists_the_open_ones(money: FakeTradingQueries) -> None:
    code, told = at_a_terminal(("close", "NOSUCH"), "y")
    assert (code, money.done) == (1, [])
    assert "No open position in NOSUCH. Open: NEWUSDT. See: mexc-tui positions" in told


def test_why_prints_the_pre_trade_checks_of_the_snipe(shell: Desk) -> None:
    write_books(shell.paths)
    page = shell.run("why", "NEWUSDT").stdout
    assert "yes  risk exposure: 10 USDT (limit 200 USDT)" in page


@pytest.mark.parametrize(
    ("words", "said", "expected"),
    [
        (("flatten",), "y", [("flatten",)]),
        (("flatten",), "n", []),
        (("close", "NEWUSDT", "--share", "50"), "y", [("close", "NEWUSDT", "50")]),
        (("exits", "NEWUSDT", "--stop", "1.9", "--tp", "50@40"), "y", [("edit_exits", "NEWUSDT", "1.9")]),
        (("close", "new", "--share", "50"), "y", [("close", "NEWUSDT", "50")]),
        (("close", "new/usdt", "--share", "50"), "y", [("close", "NEWUSDT", "50")]),
        (("exits", "new", "--stop", "1.9", "--tp", "50@40"), "y", [("edit_exits", "NEWUSDT", "1.9")]),
        (("convert-dust",), "y", [("convert_dust", "NEW")]),
        (("convert-dust",), "n", []),
        (("kill",), "", []),
    ],
)
def test_a_confirmation_shows_the_figures(
    money: FakeTradingQueries, words: tuple[str, ...], said: str, expected: list[tuple[str, ...]]
) -> None:
    code, told = at_a_terminal(words, said)
    assert money.done == expected
    assert code == (0 if expected else 1)
    plans = {
        "flatten": "sell 1 position worth 20.98 USDT at the bid, cancel 1 order, disarm 1 snipe",
        "close": "sell 5 NEW, worth 10.49 USDT at bid 2.1",
        "exits": "EXITS of NEWUSDT, 10 NEW: stop 1.8 -> 1.9 (bid 2.1); take-profits 50 % at +40 %",
        "convert-dust": "CONVERT 0.08 NEW into MX, about 0.05 MX (0.16 USDT) before the exchange's fee.",
        "kill": "EMERGENCY STOP",
    }
    assert plans[words[0]] in " ".join(told.split())


def test_after_a_loss_resume_needs_a_typed_word(engines: Engines) -> None:
    money = halted(Cause.DRAWDOWN)
    engines.start(money)
    assert at_a_terminal(("resume",), "yes")[0] == 1
    assert money.done == []
    assert at_a_terminal(("resume",), "resume")[0] == 0
    assert money.done == [("resume", "resume")]


def at_a_terminal(words: tuple[str, ...], said: str) -> tuple[int, str]:
    """Run a command with a terminal as its input, and type a reply."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "mexc_tui", *words],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        os.close(theirs)
        os.write(ours, f"{said}\n".encode())
        told, _ = process.communicate(timeout=50)
    os.close(ours)
    return process.returncode, told


LEFT_OPEN = (
    "STOP the engine of profile practice: 1 position would stay open without stops until the next start: "
    "NEWUSDT worth 20.98 USDT, stop 1.8; 1 open order would stay open on the exchange; 1 armed snipe would "
    "not fire. To sell first: mexc-tui flatten."
)


def test_stop_with_an_open_position_is_refused_without_a_terminal(shell: Desk, engines: Engines) -> None:
    face = FakeEngineQueries()
    engines.start(FakeTradingQueries(), face)
    done = shell.run("stop")
    assert (done.exit_code, done.stdout, face.stops) == (2, "", [])
    said = f"mexc-tui: {LEFT_OPEN} A confirmation is needed, but there is no terminal. Confirm with --yes.\n"
    assert done.stderr == said
    assert shell.run("stop", "--yes").exit_code == 0
    assert len(face.stops) == 1


def test_stop_with_an_open_position_needs_a_typed_word(engines: Engines) -> None:
    face = FakeEngineQueries()
    engines.start(FakeTradingQueries(), face)
    for typed in ("y", "", "halt"):
        code, told = at_a_terminal(("stop",), typed)
        assert (code, face.stops) == (1, [])
        assert LEFT_OPEN in " ".join(told.split())
        assert "Type stop to continue" in " ".join(told.split())
    assert at_a_terminal(("stop",), "stop")[0] == 0
    assert len(face.stops) == 1


def test_stop_without_a_position_needs_no_confirmation(shell: Desk, engines: Engines) -> None:
    face = FakeEngineQueries()
    engines.start(NoPositions(), face)
    assert shell.run("stop").exit_code == 0
    assert len(face.stops) == 1


def test_journal_follow_exits_with_0_when_its_reader_exits(shell: Desk, engines: Engines) -> None:
    write_books(shell.paths)
    engines.start(FakeTradingQueries())
    with subprocess.Popen(
        [sys.executable, "-m", "mexc_tui", "journal", "--follow"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()  # the exit of the reader is detected although nothing is printed
        assert process.stderr.read() == ""
        assert process.wait(50) == 0


def test_the_exit_code_reports_the_outcome_without_a_reader(shell: Desk, money: FakeTradingQueries) -> None:
    money.is_all = False
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "mexc_tui", "close", "NEWUSDT", "--yes", "--json"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "mexc-tui: Did close NEWUSDT all.\n")


def test_a_restore_asks_before_it_replaces_a_database(shell: Desk) -> None:
    write_books(shell.paths)
    folder = shell.paths.state / "backups"
    folder.mkdir(mode=0o700)
    backup = folder / "desk-20261130T154854Z.sqlite3"
    backup.write_bytes(shell.paths.store.read_bytes())
    before = shell.paths.store.stat().st_ino
    refused = shell.run("restore")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--yes" in refused.stderr
    code, told = at_a_terminal(("restore",), "n")
    assert (code, shell.paths.store.stat().st_ino) == (1, before)
    assert f"replace the database of profile practice with {backup} (2026-11-30 15:48 UTC)" in " ".join(
        told.split()
    )
    assert shell.run("restore", "--yes").exit_code == 0
    shell.paths.store.unlink()
    assert shell.run("restore").exit_code == 0  # nothing is replaced


def test_previews_count_positions_without_a_price() -> None:
    blind = position_rows(position_samples.ledger_state(), position_samples.row_context(None, None))
    words = stop_plan("FLATTEN", Exposure(positions=blind))
    assert "sell 1 position worth 0.00 USDT at the bid (1 without a price), cancel 0 orders" in words
    assert "no fresh price" in close_plan(blind[0], D(50))
