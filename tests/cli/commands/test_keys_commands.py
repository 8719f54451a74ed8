"""`mexc-tui keys`: store, show, check and remove a key; the secret is never printed."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import keyring
import pytest
from click.testing import CliRunner, Result
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring

from mexc_tui.cli.main import main
from mexc_tui.host.keys import keyring_storage, sealed_file
from mexc_tui.host.keys.passphrase import Passphrase
from mexc_tui.model.endpoint import Endpoint
from tests.support.processes.file_keyring import FileKeyring
from tests.support.processes.key_exchange import TRADES, exchange

pytestmark = pytest.mark.timeout(180)  # runs processes

KEY, SECRET = "mx0vCANARYKEY98765", "CANARYSECRET0123456789abcdef0123"
PASSPHRASE = "correct horse battery staple"
BOTH = f"{KEY}\n{SECRET}\n"


@pytest.fixture(autouse=True)
def keyring_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[KeyringBackend]:
    """Install a keyring that stores its file under `tmp_path`."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(sealed_file, "COST", 2**4)
    Passphrase("live", {}).forget()  # of another test in this process
    before, mine = keyring.get_keyring(), FileKeyring(tmp_path / "keyring.json")
    keyring.set_keyring(mine)
    monkeypatch.setattr(keyring_storage, "SAFE", frozenset((FileKeyring.__module__,)))
    yield mine
    keyring.set_keyring(before)


def run(*words: str, typed: str = "") -> Result:
    """Run a command and check that its output contains no secret."""
    done = CliRunner().invoke(main, words, input=typed)
    for hidden in (KEY, SECRET, SECRET[:8]):
        assert hidden not in done.output
    return done


def kept(endpoint: Endpoint) -> None:
    """Store the key of an exchange."""
    assert run("keys", "set", "--stdin", typed=f"{endpoint.api_key}\n{endpoint.api_secret}\n").exit_code == 0


def test_a_key_from_a_pipe_is_stored_shown_with_its_expiry_and_removed() -> None:
    done = run("keys", "set", "--stdin", typed=BOTH)
    assert (done.exit_code, "keys check" in done.output) == (0, True)
    ends_on = datetime.now(UTC).date() + timedelta(days=90)
    shown = run("keys", "show").output
    assert "ends in 8765" in shown
    days = (ends_on, ends_on - timedelta(days=1))  # the second one at midnight
    assert any(f"expires on {day}" in shown for day in days)
    removed = run("keys", "remove", "--yes")
    assert (removed.exit_code, "Delete it on the exchange's site too" in removed.output) == (0, True)
    assert run("keys", "show").exit_code == 3


def test_each_profile_has_its_own_key() -> None:
    assert run("keys", "set", "--profile", "second", "--stdin", typed=BOTH).exit_code == 0
    assert run("keys", "show", "--profile", "second").exit_code == 0
    assert run("keys", "show").exit_code == 3


def test_suggested_commands_name_the_given_profile() -> None:
    mine = ("--profile", "second")
    said = [
        run("keys", "show", *mine).output,
        run("keys", "check", *mine).output,
        run("keys", "remove", "--yes", *mine).output,
        run("keys", "set", "--stdin", *mine, typed=BOTH).output,
    ]
    assert ["keys set --profile second" in one for one in said] == [True, True, True, False]
    assert "mexc-tui keys check --profile second, then mexc-tui --mode live --profile second" in said[3]
    assert "--profile" not in run("keys", "set", "--stdin", typed=BOTH).output


@pytest.mark.parametrize(
    ("words", "typed", "code", "says"),
    [
        (["set"], BOTH, 2, "There is no terminal"),
        (["set", "--stdin"], "", 1, "Not a valid access key"),
        (["set", "--stdin"], f"{KEY}\n", 1, "Not a valid secret"),
        (["set", "--stdin"], f"{KEY}\nnot a secret of any exchange\n", 1, "Not a valid secret"),
        (["set", "--stdin", "--profile", "No/Name"], BOTH, 2, "is not a profile name"),
        (["show"], "", 3, "mexc-tui keys set"),
        (["check"], "", 3, "mexc-tui keys set"),
        (["check", "--exchange", "missing.json"], "", 3, "Cannot read missing.json"),
        (["remove"], "y\n", 1, "--yes"),
    ],
)
def test_an_error_names_the_next_step_and_stores_nothing(
    tmp_path: Path, words: list[str], typed: str, code: int, says: str
) -> None:
    refused = run("keys", *words, typed=typed)
    assert (refused.exit_code, says in refused.output) == (code, True), refused.output
    assert not (tmp_path / "keyring.json").exists()


@pytest.mark.parametrize("name", ["MEXC_TUI_SECRET", "MEXC_API_SECRET", "MEXC_TUI_API_KEY"])
def test_keys_are_not_accepted_as_arguments_or_variables(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, SECRET)
    assert CliRunner().invoke(main, ["keys", "set", KEY, SECRET]).exit_code == 2
    assert run("keys", "show").exit_code == 3


def test_without_a_keyring_a_new_key_needs_a_passphrase() -> None:
    keyring.set_keyring(NoKeyring())
    refused = run("keys", "set", "--stdin", typed=BOTH)
    assert (refused.exit_code, "last line of --stdin" in refused.output) == (1, True)
    assert run("keys", "show").exit_code == 3


def test_without_a_keyring_the_key_is_stored_in_an_encrypted_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring.set_keyring(NoKeyring())
    done = run("keys", "set", "--stdin", typed=f"{BOTH}{PASSPHRASE}\n")
    assert (done.exit_code, "encrypted file. Not protected against" in done.output) == (0, True), done.output
    file = tmp_path / "mexc-tui" / "live" / "api-key.encrypted"
    assert file.stat().st_mode & 0o777 == 0o600
    refused = run("keys", "show")
    assert (refused.exit_code, "no terminal to type its passphrase" in refused.output) == (1, True)
    (tmp_path / "mexc-tui-live-passphrase").write_text(f"{PASSPHRASE}\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    shown = run("keys", "show")
    assert (shown.exit_code, "Stored in: encrypted file." in shown.output) == (0, True), shown.output
    assert run("keys", "remove", "--yes").exit_code == 0
    assert not file.exists()


def test_rotate_replaces_a_key_once_the_exchange_confirms_the_new_one(tmp_path: Path) -> None:
    run("keys", "set", "--stdin", typed=BOTH)
    with exchange(tmp_path, *TRADES) as (file, endpoint):
        pair = f"{endpoint.api_key}\n{endpoint.api_secret}\n"
        done = run("keys", "rotate", "--stdin", "--exchange", str(file), typed=pair)
    assert (done.exit_code, "The old key is still valid" in done.output) == (0, True), done.output
    assert f"ends in {endpoint.api_key[-4:]}" in run("keys", "show").output


def test_rotate_keeps_the_old_key_if_the_new_one_can_withdraw(tmp_path: Path) -> None:
    run("keys", "set", "--stdin", typed=BOTH)
    with exchange(tmp_path, *TRADES, "SPOT_WITHDRAW_WRITE") as (file, endpoint):
        pair = f"{endpoint.api_key}\n{endpoint.api_secret}\n"
        refused = run("keys", "rotate", "--stdin", "--exchange", str(file), typed=pair)
    assert (refused.exit_code, "The old key stays in use" in refused.output) == (1, True), refused.output
    assert "ends in 8765" in run("keys", "show").output


def test_rotate_without_a_key_names_the_next_step() -> None:
    refused = run("keys", "rotate", "--stdin", typed=BOTH)
    assert (refused.exit_code, "mexc-tui keys set" in refused.output) == (3, True)


@pytest.mark.parametrize(
    ("permissions", "code", "says"),
    [
        (TRADES, 0, ("It can trade spot.", "It cannot withdraw.", "is fit for live trading")),
        ((*TRADES, "SPOT_WITHDRAW_READ"), 0, ("can also read withdrawals",)),
        ((*TRADES, "SPOT_WITHDRAW_WRITE"), 1, ("CAN WITHDRAW", "NOT fit")),
        (TRADES[:2], 1, ("CANNOT trade", "NOT fit")),
    ],
)
def test_a_key_check_reports_permissions(
    tmp_path: Path, permissions: tuple[str, ...], code: int, says: tuple[str, ...]
) -> None:
    with exchange(tmp_path, *permissions) as (file, endpoint):
        kept(endpoint)
        checked = run("keys", "check", "--exchange", str(file))
    assert checked.exit_code == code, checked.output
    assert all(words in checked.output for words in says), checked.output
    assert endpoint.api_secret not in checked.output
    assert endpoint.api_key not in checked.output


def test_a_key_refused_by_the_exchange_is_not_fit(tmp_path: Path) -> None:
    with exchange(tmp_path, *TRADES) as (file, endpoint):
        wrong = endpoint.api_secret[::-1]
        run("keys", "set", "--stdin", typed=f"{endpoint.api_key}\n{wrong}\n")
        refused = run("keys", "check", "--exchange", str(file))
    assert refused.exit_code == 1, refused.output
    assert "Wrong signature, or an expired key" in refused.output
    assert wrong not in refused.output


def test_a_key_bound_to_other_addresses_is_not_fit(tmp_path: Path) -> None:
    with exchange(tmp_path, *TRADES, ips=("192.0.2.1",)) as (file, endpoint):
        kept(endpoint)
        refused = run("keys", "check", "--exchange", str(file))
    assert (refused.exit_code, "700006" in refused.output) == (1, True), refused.output


def test_a_key_check_without_a_response_is_undecided(tmp_path: Path) -> None:
    with exchange(tmp_path, *TRADES) as (file, endpoint):
        kept(endpoint)
    refused = run("keys", "check", "--exchange", str(file))
    assert (refused.exit_code, "/api/v3/time" in refused.output) == (3, True), refused.output
