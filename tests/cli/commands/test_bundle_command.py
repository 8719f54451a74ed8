"""`bundle`: a canary secret is planted wherever text is stored, and no file of the bundle contains it."""

import asyncio
import base64
import hashlib
import json
import urllib.parse
import zipfile
from datetime import date
from pathlib import Path

import msgspec
import pytest

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.host.keys.record import StorageKind
from mexc_tui.host.keys.stored_keys import StoredKeys
from mexc_tui.host.keys.systemd_credential import passphrase_name
from mexc_tui.host.paths import paths_of
from mexc_tui.model.event import Alert, CommandBegun
from mexc_tui.model.position import EntryKind, LedgerAccount
from mexc_tui.model.reconciliation import Reconciliation, Trigger
from mexc_tui.model.severity import Severity
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.unit_of_work import UnitOfWork
from tests.support.processes.shell import Shell
from tests.support.samples import trading_samples as samples

SIGNED = "0123456789abcdef" * 4
"""A signature or listen key."""
ACCESS_KEY = "mx0vglCANARYKEY12"
SECRET = "fedcba9876543210" * 2
CANARIES = (SIGNED, ACCESS_KEY, SECRET)
LEAK = f"sent ?symbol=NEWUSDT&signature={SIGNED} as {ACCESS_KEY} with secret={SECRET}"
START = (LedgerAccount.DESK, "USDT", "50"), (LedgerAccount.EXTERNAL, "USDT", "-50")
FILES = {
    *("manifest.json", "snipe.json", "attempts.json", "intents.json", "orders.json", "position.json"),
    *("entries.json", "fills.json", "prices.json", "listing.json", "events.json", "settings-now.json"),
    "log.txt",
}
PLANTED = {
    *("snipe.json", "attempts.json", "intents.json", "orders.json", "position.json", "entries.json"),
    *("events.json", "prices.json", "listing.json", "log.txt"),
}
"""Files into which a secret was planted."""


def _alert(at_ms: int, about: str = "NEWUSDT", text: str = LEAK) -> Alert:
    return Alert(at_ms=at_ms, about=about, severity=Severity.INFO, rule="test", text=text)


def _trade(unit: UnitOfWork) -> None:
    tables = unit.trading(samples.SCOPE)
    tables.snipes.save(msgspec.structs.replace(samples.snipe(), reason=LEAK))
    tables.attempts.save(msgspec.structs.replace(samples.attempt(), answer=LEAK))
    tables.intents.save(msgspec.structs.replace(samples.intent(), reason=LEAK))
    tables.orders.save(msgspec.structs.replace(samples.order(), reason=LEAK))
    tables.positions.save(msgspec.structs.replace(samples.position(), snipe_id="s1", trapped=LEAK))
    tables.entries.add(
        msgspec.structs.replace(
            samples.entry(
                "start", (LedgerAccount.DESK, "USDT", "50"), (LedgerAccount.EXTERNAL, "USDT", "-50")
            ),
            text=LEAK,
            kind=EntryKind.START,
        )
    )
    tables.entries.add(msgspec.structs.replace(samples.entry(), text=LEAK))
    tables.reconciliations.add(Reconciliation(at_ms=2, trigger=Trigger.TIMER))
    unit.record(_alert(5_000))
    unit.record(_alert(5_001, "OTHERUSDT", "slow"))
    unit.record(_alert(9_999_000_000_000, text="of another year"))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    found = Shell(tmp_path / "home")
    store_trade(found, "practice")
    return found


def store_trade(shell: Shell, profile: str) -> None:
    """Store a trade and a log of a profile."""
    paths = paths_of(profile, shell.environ)

    async def write() -> None:
        store = await SqliteStore.open(paths.store, SystemClock())
        await store.write("trade", _trade)
        await store.close()

    asyncio.run(write())
    paths.log.write_text(
        f"1970-01-01T00:00:05.000Z WARNING mexc_tui: NEWUSDT {LEAK}\n"
        "1970-01-01T00:00:05.000Z WARNING mexc_tui: OTHERUSDT is slow\n"
        f"1970-01-01T00:00:06.000Z ERROR mexc_tui: failed\nTraceback: {paths.state} {LEAK}\n"
    )


def files_of(bundle: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def encodings(secret: str) -> set[bytes]:
    raw = secret.encode()
    return {raw, base64.b64encode(raw), raw.hex().encode(), urllib.parse.quote(secret).encode()}


def test_no_file_of_the_bundle_contains_a_secret(shell: Shell, tmp_path: Path) -> None:
    done = shell.run("bundle", "NEWUSDT", "--to", str(tmp_path / "e.zip"), HOME=str(shell.home))
    assert done.returncode == 0, done.stderr
    files = files_of(tmp_path / "e.zip")
    assert files.keys() == FILES
    for name, content in files.items():
        for canary in CANARIES:
            assert not any(form in content for form in encodings(canary)), name
        assert str(shell.home).encode() not in content
    planted = [name for name in FILES if b"[removed]" in files[name]]
    assert set(planted) == PLANTED


def test_the_bundle_contains_what_concerns_the_snipe_and_its_manifest_lists_it(
    shell: Shell, tmp_path: Path
) -> None:
    done = shell.json("bundle", "s1", "--to", str(tmp_path / "e.zip"))
    files = files_of(tmp_path / "e.zip")
    manifest = json.loads(files.pop("manifest.json"))
    assert (manifest["snipe"], manifest["symbol"], manifest["profile"]) == ("s1", "NEWUSDT", "practice")
    assert manifest["versions"].keys() == {"mexc-tui", "python", "sqlite", "system"}
    listed = {one["name"]: one["sha256"] for one in manifest["files"]}
    assert listed == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    events = json.loads(files["events.json"])
    assert [event["about"] for event in events] == ["NEWUSDT", "OTHERUSDT"]  # alerts concern every snipe
    assert done["events"] == 2
    (fill,) = json.loads(files["fills.json"])
    assert (fill["symbol"], fill["quantity"]) == ("NEWUSDT", "9")
    assert [one["id"] for one in json.loads(files["intents.json"])] == ["i1"]
    lines = files["log.txt"].decode().splitlines()
    assert len(lines) == 3
    assert not any("OTHERUSDT" in line for line in lines)
    assert any(one["name"] == "position_quote" for one in json.loads(files["settings-now.json"]))


def test_an_unknown_snipe_is_one_line_and_no_file(shell: Shell, tmp_path: Path) -> None:
    done = shell.run("bundle", "NOSUCHUSDT", "--to", str(tmp_path / "e.zip"))
    assert (done.returncode, done.stdout) == (3, "")
    assert "No snipe 'NOSUCHUSDT' is stored" in done.stderr
    assert not (tmp_path / "e.zip").exists()


def test_commands_are_part_of_the_evidence() -> None:
    from mexc_tui.export.evidence import GENERAL_KINDS

    assert CommandBegun.__struct_config__.tag in GENERAL_KINDS


def test_in_live_mode_the_value_of_the_stored_key_is_removed(tmp_path: Path) -> None:
    shell, passphrase = Shell(tmp_path / "home"), "five words that nobody guesses"
    paths = paths_of("live", shell.environ)
    key, secret = "WithoutTheUsualForm", "NothingThatLooksLikeASecret"
    paths.state.mkdir(mode=0o700, parents=True)
    keys = StoredKeys("live", shell.environ, new_passphrase=passphrase)
    keys.store(key, secret, date(2026, 12, 1), kind=StorageKind.FILE)
    store_trade(shell, "live")
    with paths.log.open("a") as log:
        log.write(f"1970-01-01T00:00:06.000Z ERROR mexc_tui: {key} and {secret.encode().hex()}\n")
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / passphrase_name("live")).write_text(passphrase)
    words = ("bundle", "NEWUSDT", "--profile", "live", "--to")
    done = shell.run(*words, str(tmp_path / "e.zip"), CREDENTIALS_DIRECTORY=str(tmp_path / "given"))
    assert done.returncode == 0, done.stderr
    files = files_of(tmp_path / "e.zip")
    assert b"[removed] and [removed]" in files["log.txt"]
    assert json.loads(files["manifest.json"])["notes"] == []
    unread = shell.run(*words, str(tmp_path / "f.zip"))
    assert unread.returncode == 0, unread.stderr
    assert "could not be read" in json.loads(files_of(tmp_path / "f.zip")["manifest.json"])["notes"][0]
