"""The encrypted file of a key: scrypt and AES-GCM with a passphrase."""

import base64
import json
from pathlib import Path

import pytest

from mexc_tui.host.keys import sealed_file
from mexc_tui.host.keys.encrypted_file import EncryptedFile
from mexc_tui.host.keys.passphrase import Passphrase
from mexc_tui.host.keys.record import CredentialsError, KeyRecord

PASSPHRASE = "correct horse battery staple"
KEY, SECRET = "mx0vglCANARYKEY9", "CANARYSECRET0123456789"


@pytest.fixture(autouse=True)
def low_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_file, "COST", 2**4)


def opened(folder: Path, profile: str = "live", passphrase: str = PASSPHRASE) -> EncryptedFile:
    """Return a storage whose passphrase is a systemd credential."""
    (folder / f"mexc-tui-{profile}-passphrase").write_text(f"{passphrase}\n")
    environ = {"CREDENTIALS_DIRECTORY": str(folder)}
    return EncryptedFile(folder / "key", profile, Passphrase(profile, environ))


def test_a_key_is_read_with_its_passphrase_and_never_stored_in_clear(tmp_path: Path) -> None:
    storage = opened(tmp_path)
    assert storage.read() is None
    storage.write(KeyRecord(KEY, SECRET))
    assert storage.read() == KeyRecord(KEY, SECRET)
    content = storage.file.read_bytes()
    for hidden in (KEY, SECRET, PASSPHRASE):
        assert hidden.encode() not in content
        assert base64.b64encode(hidden.encode())[:-4] not in content
    assert storage.file.stat().st_mode & 0o777 == 0o600
    assert repr(storage.read()) == "KeyRecord(stored_on=None)"


def test_two_files_of_one_key_have_nothing_in_common(tmp_path: Path) -> None:
    storage = opened(tmp_path)
    storage.write(KeyRecord(KEY, SECRET))
    first = json.loads(storage.file.read_bytes())
    storage.write(KeyRecord(KEY, SECRET))
    second = json.loads(storage.file.read_bytes())
    assert first["header"]["salt"] != second["header"]["salt"]
    assert first["sealed"] != second["sealed"]


def test_a_wrong_passphrase_opens_nothing(tmp_path: Path) -> None:
    opened(tmp_path).write(KeyRecord(KEY, SECRET))
    with pytest.raises(CredentialsError, match="Wrong passphrase") as refused:
        opened(tmp_path, passphrase="another passphrase").read()
    assert "CANARY" not in str(refused.value)


def test_a_file_of_another_profile_does_not_open(tmp_path: Path) -> None:
    opened(tmp_path).write(KeyRecord(KEY, SECRET))
    with pytest.raises(CredentialsError, match="Wrong passphrase"):
        opened(tmp_path, profile="second").read()


@pytest.mark.parametrize("part", ["salt", "nonce", "sealed", "cost"])
def test_a_changed_file_does_not_open(tmp_path: Path, part: str) -> None:
    storage = opened(tmp_path)
    storage.write(KeyRecord(KEY, SECRET))
    fields = json.loads(storage.file.read_bytes())
    where = fields if part == "sealed" else fields["header"]
    where[part] = (
        8 if part == "cost" else base64.b64encode(b"\0" * len(base64.b64decode(where[part]))).decode()
    )
    storage.file.write_text(json.dumps(fields))
    with pytest.raises(CredentialsError, match="Wrong passphrase"):
        storage.read()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is damaged"),
        (b"{}", "is damaged"),
        (b"\xff" * 100, "is damaged"),
        (b'{"header":{"format":9,"cost":16,"salt":"","nonce":""},"sealed":""}', "another version"),
        (b'{"header":{"format":1,"cost":1073741824,"salt":"","nonce":""},"sealed":""}', "another version"),
        (b'{"header":{"format":1,"cost":16,"salt":"","nonce":""},"sealed":""}', "Wrong passphrase"),
        (b'{"header":{"format":1,"cost":17,"salt":"","nonce":""},"sealed":""}', "cannot be checked"),
    ],
)
def test_a_damaged_file_is_named_with_the_next_step(tmp_path: Path, content: bytes, text: str) -> None:
    storage = opened(tmp_path)
    storage.file.write_bytes(content)
    storage.file.chmod(0o600)
    with pytest.raises(CredentialsError, match=text):
        storage.read()


def test_a_file_that_others_can_read_is_refused_with_the_fix(tmp_path: Path) -> None:
    storage = opened(tmp_path)
    storage.write(KeyRecord(KEY, SECRET))
    storage.file.chmod(0o640)
    with pytest.raises(CredentialsError, match="chmod 600"):
        storage.read()


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="at least 12 characters"):
        opened(tmp_path, passphrase="short").write(KeyRecord(KEY, SECRET))
    assert not (tmp_path / "key").exists()


def test_without_a_terminal_the_credential_is_named(tmp_path: Path) -> None:
    opened(tmp_path).write(KeyRecord(KEY, SECRET))
    with pytest.raises(CredentialsError, match="mexc-tui-other-passphrase"):
        EncryptedFile(tmp_path / "key", "live", Passphrase("other", {})).read()
