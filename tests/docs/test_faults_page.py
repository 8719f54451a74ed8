"""The page about faults refers to existing tests, and its register covers every row of the fault table."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[1]
DOCS = TESTS.parent / "docs"
CLASSES, REGISTER = (
    (DOCS / "faults.md").read_text("utf-8").split("## Register of the fault table\n", maxsplit=1)
)
TABLE = (DOCS / "reference" / "reliability.md").read_text("utf-8")
NOT_BUILT = {"D11", "D12"}
"""PostgreSQL and Redis."""


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """A row of the register; `tests` as file and function."""

    code: str
    behaviour: str
    tests: tuple[tuple[str, str], ...]


def fault_codes() -> list[str]:
    """Return the codes of the fault table, in its order."""
    section = TABLE.split("## 2. Fault table\n")[1].split("### 2.7 ")[0]
    return re.findall(r"^\| ([A-Z]\d+) \|", section, re.MULTILINE)


def register_rows() -> list[RegisterRow]:
    """Return the rows of the register."""
    rows = re.findall(r"^\| ([A-Z]\d+) \| [^|]+ \| ([^|]+) \| ([^|]+) \|$", REGISTER, re.MULTILINE)
    return [
        RegisterRow(code, behaviour, tuple(re.findall(r"`([a-z_/0-9]+\.py)::(\w+)`", tests)))
        for code, behaviour, tests in rows
    ]


@cache
def functions_of(file: str) -> frozenset[str]:
    """Return the test functions of a file below `tests/`; none if it does not exist."""
    path = TESTS / file
    if not path.is_file():
        return frozenset()
    nodes = ast.parse(path.read_text("utf-8")).body
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))


def test_every_test_on_the_page_exists() -> None:
    named = set(re.findall(r"`([a-z_/0-9]+\.py)`", CLASSES))
    assert len(named) > 50
    assert sorted(name for name in named if not (TESTS / name).is_file()) == []


def test_every_row_names_a_test_or_states_that_there_is_none() -> None:
    rows = [line for line in CLASSES.splitlines() if line.startswith("| ") and "---" not in line]
    tested = [row for row in rows if not row.startswith("| Class of fault")]
    assert [row for row in tested if ".py`" not in row and not row.endswith("| none |")] == []


def test_the_register_has_every_row_of_the_fault_table_once() -> None:
    codes = fault_codes()
    assert len(codes) > 70
    assert [row.code for row in register_rows()] == codes


def test_every_row_of_the_register_has_a_test_unless_it_is_not_built() -> None:
    untested = {row.code: row.behaviour for row in register_rows() if not row.tests}
    assert set(untested) <= NOT_BUILT
    assert [code for code, behaviour in untested.items() if not behaviour.startswith("Not built yet")] == []


def test_every_test_in_the_register_exists() -> None:
    named = [(row.code, file, name) for row in register_rows() for file, name in row.tests]
    assert len(named) == REGISTER.count(".py::")
    missing = [f"{code}: {file}::{name}" for code, file, name in named if name not in functions_of(file)]
    assert missing == []
