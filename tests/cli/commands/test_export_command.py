"""`export` from a shell, on a stored ledger."""

import asyncio
import csv
import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.host.paths import paths_of
from mexc_tui.model.position import EntryKind, LedgerAccount, PositionState
from mexc_tui.model.reconciliation import Reconciliation, Trigger
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.unit_of_work import UnitOfWork
from tests.support.processes.shell import Shell
from tests.support.samples import trading_samples as samples
from tests.support.store_parts import fact

START = (LedgerAccount.DESK, "USDT", "100"), (LedgerAccount.EXTERNAL, "USDT", "-100")


def _ledger(unit: UnitOfWork) -> None:
    tables = unit.trading(samples.SCOPE)
    tables.snipes.save(samples.snipe())
    tables.intents.save(samples.intent())
    tables.orders.save(samples.order())
    sold = msgspec.structs.replace(
        samples.position("p2"),
        state=PositionState.CLOSED,
        closed_ms=9_000,
        symbol="=OLDUSDT",
        realised=Decimal(-2),
    )
    for position in (samples.position(), sold):
        tables.positions.save(position)
    tables.entries.add(msgspec.structs.replace(samples.entry("start", *START), kind=EntryKind.START))
    tables.entries.add(samples.entry())
    tables.reconciliations.add(Reconciliation(at_ms=5_000, trigger=Trigger.START))
    unit.record(fact(7))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    found = Shell(tmp_path)
    paths = paths_of("practice", found.environ)

    async def write() -> None:
        store = await SqliteStore.open(paths.store, SystemClock())
        await store.write("ledger", _ledger)
        await store.close()

    asyncio.run(write())
    return found


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_fills_and_trades_are_printed_as_csv(shell: Shell) -> None:
    (fill,) = rows(shell.run("export", "fills").stdout)
    assert (fill["symbol"], fill["side"], fill["quantity"], fill["value"]) == ("NEWUSDT", "buy", "9", "10")
    trades = rows(shell.run("export", "trades").stdout)
    assert {(row["position_id"], row["symbol"], row["state"]) for row in trades} == {
        ("p1", "NEWUSDT", "open"),
        ("p2", "'=OLDUSDT", "closed"),
    }
    assert {row["realised"] for row in trades} >= {"-2"}


def test_a_period_selects_trades_by_their_closing_time(shell: Shell) -> None:
    found = rows(shell.run("export", "trades", "--since", "1970-01-01T00:00:08").stdout)
    assert [row["position_id"] for row in found] == ["p2"]
    assert rows(shell.run("export", "fills", "--until", "1970-01-01T00:00:04").stdout) == []


def test_json_keeps_every_text_unchanged(shell: Shell) -> None:
    found = json.loads(shell.run("export", "trades", "--format", "json").stdout)
    assert {row["symbol"] for row in found} == {"NEWUSDT", "=OLDUSDT"}
    (event,) = json.loads(shell.run("export", "journal", "--format", "json").stdout)
    assert json.loads(event["event"])["text"] == "fact 7"


def test_the_performance_page_is_a_private_file_that_is_not_replaced(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    words = ("export", "performance", "--format", "html", "--to", str(file))
    assert shell.run(*words).returncode == 0
    assert file.read_text().startswith("<!doctype html>")
    assert file.stat().st_mode & 0o777 == 0o600
    again = shell.run(*words)
    assert (again.returncode, "already exists" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (("fills", "--format", "html"), 2, "for performance only"),
        (("fills", "--format", "parquet"), 2, "needs --to FILE"),
        (("fills", "--since", "soon"), 2, "'soon' is not a time"),
        (("fills", "--profile", "mistyped"), 3, "does not exist"),
    ],
)
def test_a_wrong_argument_is_one_line(shell: Shell, words: tuple[str, ...], code: int, line: str) -> None:
    done = shell.run("export", *words)
    assert (done.returncode, done.stdout, line in done.stderr) == (code, "", True)


def test_without_a_ledger_nothing_is_exported(tmp_path: Path) -> None:
    done = Shell(tmp_path / "other").run("export", "fills")
    assert (done.returncode, done.stdout) == (3, "")
    assert "Nothing to export" in done.stderr
