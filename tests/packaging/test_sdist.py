"""The content of the source archive."""

import re
import shlex
import subprocess
import sys
import tarfile
from itertools import pairwise
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(180)  # runs processes

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the archive into a folder."""
    work = tmp_path_factory.mktemp("sdist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(work)]
    subprocess.run(build, check=True, cwd=CHECKOUT, capture_output=True)
    (archive,) = work.glob("*.tar.gz")
    with tarfile.open(archive) as content:
        content.extractall(work / "unpacked", filter="data")
    (folder,) = (work / "unpacked").iterdir()
    return folder


def test_every_file_in_the_commands_of_the_readme_exists(unpacked: Path) -> None:
    readme = (unpacked / "README.md").read_text("utf-8")
    commands = re.findall(r"<!-- command: \w+ -->\n```sh\n(.*?)```", readme, re.DOTALL)
    words = [word for command in commands for word in shlex.split(command)]
    named = {after for before, after in pairwise(words) if before == "-r"}
    assert named == {"requirements.lock", "requirements-dev.lock"}
    assert [name for name in named if not (unpacked / name).is_file()] == []


def test_tests_of_the_archive_find_all_their_files(unpacked: Path) -> None:
    for folder in ("tests", "docs", "themes", "benchmarks", "mexc_tui"):
        tracked = {
            str(file.relative_to(CHECKOUT))
            for file in (CHECKOUT / folder).rglob("*")
            if file.is_file() and "__pycache__" not in file.parts
        }
        assert sorted(tracked - {str(file.relative_to(unpacked)) for file in unpacked.rglob("*")}) == []
    for name in ("pyproject.toml", "LICENSE", "CHANGELOG.md", ".ci/run"):
        assert (unpacked / name).read_bytes() == (CHECKOUT / name).read_bytes()
