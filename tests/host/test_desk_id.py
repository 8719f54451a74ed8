"""The desk id, stored in one file."""

from pathlib import Path
from random import Random

import pytest

from mexc_tui.host.desk_id import desk_id_of
from mexc_tui.host.paths import PathsError


def test_the_id_is_generated_once(tmp_path: Path) -> None:
    made = desk_id_of(tmp_path / "instance", Random(1))
    assert desk_id_of(tmp_path / "instance", Random(2)) == made


def test_an_invalid_id_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "instance").write_bytes(b"\xff" * 100)
    made = desk_id_of(tmp_path / "instance", Random(1))
    assert (tmp_path / "instance").read_text() == f"{made}\n"


@pytest.mark.parametrize("target", ["elsewhere", "missing", "instance"])
def test_a_symbolic_link_is_refused_in_one_line(tmp_path: Path, target: str) -> None:
    (tmp_path / "elsewhere").write_text("abcd\n")
    (tmp_path / "instance").symlink_to(tmp_path / target)
    with pytest.raises(PathsError, match="it is a link") as refused:
        desk_id_of(tmp_path / "instance", Random(1))
    assert len(str(refused.value).splitlines()) == 1


def test_a_folder_of_that_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "instance").mkdir()
    with pytest.raises(PathsError, match="Is a directory"):
        desk_id_of(tmp_path / "instance", Random(1))
