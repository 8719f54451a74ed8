"""The import contracts in pyproject.toml: each forbidden import breaks its contract."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PROGRAM = CHECKOUT / "tests" / "support" / "packaging" / "planted_imports.py"
LAYERS = "Layers: a package imports the layers below it only"
ADAPTERS = "Adapters see ports, model and proto"
ENGINE = "The engine does I/O through its ports only"
PURE = "Pure packages import no I/O library and no clock"
FORBIDDEN = {
    "market>mexc_tui.sniping": LAYERS,
    "detection>mexc_tui.risk": LAYERS,
    "store>mexc_tui.sniping": ADAPTERS,
    "exchange>mexc_tui.engine": LAYERS,
    "notify>mexc_tui.engine": LAYERS,
    "notify>mexc_tui.ledger": ADAPTERS,
    "practice>mexc_tui.ledger": "The practice exchange sees model and proto",
    "sniping>mexc_tui.wording": LAYERS,
    "tui>mexc_tui.settings": "The app sees desk, wording and model",
    "engine>mexc_tui.settings": LAYERS,
    "engine>sqlite3": ENGINE,
    "engine>keyring": ENGINE,
    "ledger>os": PURE,
    "ledger>socket": PURE,
    "cli>aiohttp": "Each library belongs to its package: aiohttp to exchange, notify and practice",
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Return the names of the broken contracts for each planted import; "" is the unchanged copy."""
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(CHECKOUT / "mexc_tui", copy / "mexc_tui", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", copy)
    done = subprocess.run(
        [sys.executable, PROGRAM, "", *FORBIDDEN],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


def test_the_package_satisfies_every_contract(broken: dict[str, list[str]]) -> None:
    assert broken[""] == []


@pytest.mark.parametrize(("pair", "contract"), FORBIDDEN.items())
def test_a_forbidden_import_breaks_its_contract(
    pair: str, contract: str, broken: dict[str, list[str]]
) -> None:
    assert contract in broken[pair]
