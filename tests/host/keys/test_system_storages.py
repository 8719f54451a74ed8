"""The API key in storages of this machine: a Secret Service on a private bus, and systemd's credentials."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mexc_tui.host.keys.record import StorageKind
from mexc_tui.host.keys.stored_keys import StoredKeys
from mexc_tui.model.credentials import Secret

KEY, SECRET = "mx0vglCANARYKEY9", "CANARYSECRET0123456789"
NEW_KEY, NEW_SECRET = "mx0vglCANARYKEY8", "CANARYSECRET9876543210"
SESSION = f"""
import subprocess, time
from datetime import date
from mexc_tui.host.keys.stored_keys import StoredKeys
from mexc_tui.model.credentials import Secret
daemon = subprocess.Popen(
    ["gnome-keyring-daemon", "--unlock", "--foreground", "--components=secrets"],
    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
)
daemon.stdin.write("a passphrase of the keyring")
daemon.stdin.close()
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection
bus = open_dbus_connection("SESSION")
while not bus.send_and_get_reply(message_bus.NameHasOwner("org.freedesktop.secrets")).body[0]:
    time.sleep(0.05)
keys = StoredKeys("live")
for key, secret in (({KEY!r}, {SECRET!r}), ({NEW_KEY!r}, {NEW_SECRET!r})):
    print(keys.store(key, secret, date(2026, 1, 1)).name)
    found = StoredKeys("live").load()
    is_same = found[0].secret.sign(b'') == Secret(secret).sign(b'')
    print(found[0].access_key == key, is_same, found[1].stored_on)
print(keys.remove(), StoredKeys("live").load())
daemon.terminate()
daemon.wait()
"""
needs_secret_service = pytest.mark.skipif(
    None in (shutil.which("gnome-keyring-daemon"), shutil.which("dbus-run-session")),
    reason="gnome-keyring or dbus-run-session is not installed",
)
needs_systemd_creds = pytest.mark.skipif(
    shutil.which("systemd-creds") is None, reason="systemd-creds is not installed"
)


@needs_secret_service
@pytest.mark.timeout(60)
def test_a_key_is_stored_replaced_and_removed_in_a_secret_service(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir(mode=0o700)
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("DBUS", "PYTHON_"))}
    environ |= {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(run), "XDG_DATA_HOME": str(tmp_path / "data")}
    done = subprocess.run(
        ["dbus-run-session", "--", sys.executable, "-c", SESSION],
        env=environ, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    lines = ["KEYRING", "True True 2026-01-01"] * 2
    assert done.stdout.splitlines() == [*lines, "True None"], done.stderr
    stored = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert not any(part.encode() in stored for part in (KEY, SECRET, NEW_KEY, NEW_SECRET))


@needs_systemd_creds
def test_a_key_encrypted_by_systemd_creds_is_read_from_the_folder_of_a_service(tmp_path: Path) -> None:
    file, folder = tmp_path / "key.cred", tmp_path / "credentials"
    folder.mkdir()
    name = "mexc-tui-live"
    # No TPM and no key of this machine: the format is the same.
    encrypt = ["systemd-creds", "encrypt", "--with-key=tpm2-absent", f"--name={name}", "-", str(file)]
    done = subprocess.run(encrypt, input=f"{KEY}\n{SECRET}\n".encode(), capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"systemd-creds cannot encrypt here: {done.stderr.decode()}")
    assert SECRET.encode() not in file.read_bytes()
    decrypt = ["systemd-creds", "decrypt", f"--name={name}", str(file), str(folder / name)]
    subprocess.run(decrypt, capture_output=True, check=True)
    found = StoredKeys("live", {"HOME": str(tmp_path), "CREDENTIALS_DIRECTORY": str(folder)}).load()
    assert found is not None
    assert (found[0].access_key, found[0].secret.sign(b"x")) == (KEY, Secret(SECRET).sign(b"x"))
    assert found[1].kind is StorageKind.SYSTEMD
