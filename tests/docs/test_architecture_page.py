"""The developer pages refer to existing files."""

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PACKAGE = CHECKOUT / "mexc_tui"
PAGE = (CHECKOUT / "docs" / "architecture.md").read_text("utf-8")
QUESTIONS = PAGE.split("## 7.")[1].split("## 8.")[0]


@pytest.mark.parametrize(("page", "least"), [("docs/architecture.md", 60), ("CONTRIBUTING.md", 20)])
def test_every_file_on_the_page_exists(page: str, least: int) -> None:
    named = set(re.findall(r"`([a-z_]+/[a-z_/0-9]*\.[a-z]+)`", (CHECKOUT / page).read_text("utf-8")))
    assert len(named) > least
    missing = [name for name in named if not any((root / name).is_file() for root in (CHECKOUT, PACKAGE))]
    assert sorted(missing) == []


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_every_class_and_constant_on_the_page_exists(page: str) -> None:
    text = (CHECKOUT / page).read_text("utf-8")
    named = {
        name
        for name in re.findall(r"`([A-Z][A-Za-z_]{3,})(?=[`( ])", text)
        if name not in {"Decimal", "PATH"}
    }
    code = "\n".join(file.read_text("utf-8") for file in PACKAGE.rglob("*.py"))
    assert sorted(name for name in named if not re.search(rf"^(class )?{name}\b", code, re.MULTILINE)) == []


def test_every_package_is_on_the_page_and_every_package_on_the_page_exists() -> None:
    table = PAGE.split("| Package | Responsibility |")[1].split("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name for cell in cells for name in re.findall(r"([a-z]+)/", cell)}
    assert named == {folder.parent.name for folder in PACKAGE.glob("*/__init__.py")}


def test_the_page_answers_twenty_two_questions_with_a_file() -> None:
    rows = [line for line in QUESTIONS.splitlines() if line.endswith("|") and "?" in line]
    assert len(rows) >= 22
    assert [row for row in rows if "`" not in row] == []
