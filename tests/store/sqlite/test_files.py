"""Files that other users can read or own are refused with the command that fixes it."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from mexc_tui.model.storage import StorageRefused
from mexc_tui.store.sqlite.files import prepare
from tests.support.store_parts import writer_connection


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_D9_folder_and_files_are_private_whatever_the_umask(folder: Path) -> None:
    before = os.umask(0)
    try:
        connection = writer_connection(folder)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE notes (note)")
        connection.execute("COMMIT")
    finally:
        os.umask(before)
    assert mode(folder) == 0o700
    assert {file.name: mode(file) for file in folder.iterdir()} == {
        "desk.db": 0o600,
        "desk.db-wal": 0o600,
        "desk.db-shm": 0o600,
    }
    connection.close()


@pytest.mark.parametrize(("name", "wrong"), [("", 0o755), ("desk.db", 0o644), ("desk.db-wal", 0o660)])
def test_D9_a_wrong_mode_is_refused_and_the_suggested_command_fixes_it(
    folder: Path, name: str, wrong: int
) -> None:
    writer_connection(folder).close()
    (folder / "desk.db-wal").touch()
    (folder / "desk.db-wal").chmod(0o600)
    (folder / name).chmod(wrong)
    with pytest.raises(StorageRefused, match="is open to other users") as refused:
        writer_connection(folder)
    subprocess.run(str(refused.value).split("Run: ")[1].split(), check=True)
    writer_connection(folder).close()


def test_D9_a_link_in_place_of_the_database_is_refused(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "desk.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageRefused, match="not a regular file"):
        prepare(folder / "desk.db")
    assert not (tmp_path / "elsewhere").exists()


def test_D9_another_owner_is_refused_with_the_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer_connection(folder).close()
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(StorageRefused, match=r"belongs to another user\. Run: chown 54321"):
        prepare(folder / "desk.db")


def test_D9_a_folder_that_cannot_be_created_is_refused_with_a_message(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageRefused, match="cannot be created"):
        prepare(tmp_path / "file" / "profile" / "desk.db")


def test_D9_an_unwritable_path_is_refused_with_the_command(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer_connection(folder).close()

    def read_only(_path: Path, _mode: int) -> bool:
        return False

    monkeypatch.setattr(os, "access", read_only)
    with pytest.raises(StorageRefused, match=r"cannot be written\. Run: chmod 700"):
        prepare(folder / "desk.db")
