"""The content of the installed wheel."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(180)  # runs processes

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and install it with pip into a folder, without dependencies."""
    work = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(work),
    ]
    subprocess.run([*build, str(CHECKOUT)], check=True, cwd=work)
    (wheel,) = work.glob("*.whl")
    target = work / "site"
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
    ]
    subprocess.run([*install, str(wheel)], check=True, cwd=work)
    return target


def _run_program(installed: Path, program: str) -> str:
    paths = f"import sys; sys.path.insert(0, {str(installed)!r})\n"
    result = subprocess.run(
        [sys.executable, "-P", "-c", paths + program],
        check=True,
        capture_output=True,
        text=True,
        cwd=installed.parent,
    )
    return result.stdout.strip()


def test_themes_are_read_from_an_installed_wheel(installed: Path) -> None:
    program = """
import mexc_tui
from mexc_tui.tui.themes import shipped_themes, themes_folder
assert str(themes_folder()).startswith(sys.path[0]), themes_folder()
print(*[theme.name for theme in shipped_themes()])
"""
    names = sorted(file.stem for file in (CHECKOUT / "themes").glob("*.toml"))
    assert _run_program(installed, program).split() == names
    assert names


def test_scenarios_and_type_marker_are_in_an_installed_wheel(installed: Path) -> None:
    program = """
from importlib import resources
from mexc_tui.practice import scenario
assert scenario.load("calm").name == "calm"
print((resources.files("mexc_tui") / "py.typed").is_file(), scenario.__file__.startswith(sys.path[0]))
"""
    assert _run_program(installed, program) == "True True"


def test_package_and_wheel_have_the_same_version(installed: Path) -> None:
    program = """
from importlib.metadata import distributions
import mexc_tui
(own,) = [d for d in distributions(path=[sys.path[0]]) if d.name == "mexc-tui"]
print(own.version == mexc_tui.__version__)
"""
    assert _run_program(installed, program) == "True"
