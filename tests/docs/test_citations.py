"""Every cited section of the documentation exists."""

import re
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
DOCS = CHECKOUT / "docs"
PAGES = {
    "protocol": DOCS / "reference" / "mexc-spot-api.md",
    "reliability": DOCS / "reference" / "reliability.md",
    "formulas": DOCS / "reference" / "formulas.md",
    "rules": DOCS / "reference" / "rules.md",
    "performance": DOCS / "reference" / "performance.md",
    "painting": DOCS / "reference" / "painting.md",
    "architecture": DOCS / "architecture.md",
}
NUMBER = r"(?:[A-Z]\d+|\d+(?:\.\d+)?)(?![\w%])"
CITED = re.compile(rf"\b({'|'.join(PAGES)})\s+#?\s*({NUMBER}(?:(?:, | and | to ){NUMBER})*)")
TEXTS = {".py", ".md", ".toml", ".proto", ".sql"}
FOLDERS = ("mexc_tui", "tests", "benchmarks", "docs")


def sections(text: str) -> set[str]:
    """Return the citable parts of a page: numbered headings, rows of tables, list items of sections."""
    found: set[str] = set()
    section = ""
    for line in text.splitlines():
        if heading := re.match(r"#{2,3} ([A-Z]?\d+(?:\.\d+)?)\.? ", line):
            section = heading.group(1)
            found.add(section)
        elif row := re.match(r"\| ([A-Z]\d+)\*? \|", line):
            found.add(row.group(1))
        elif item := re.match(r"(\d+)\. ", line):
            found.add(f"{section}.{item.group(1)}")
    return found


def citations() -> Iterator[tuple[str, str, str]]:
    """Yield (place, page, section) of every citation; both ends of a range."""
    files = [file for folder in FOLDERS for file in sorted((CHECKOUT / folder).rglob("*"))]
    for file in files:
        if file.suffix in TEXTS and file != Path(__file__):
            for page, numbers in CITED.findall(file.read_text("utf-8")):
                for number in re.split(r", | and | to ", numbers):
                    yield str(file.relative_to(CHECKOUT)), page, number


def test_every_cited_section_exists() -> None:
    known = {page: sections(file.read_text("utf-8")) for page, file in PAGES.items()}
    cited = list(citations())
    assert len(cited) > 400
    assert [f"{place}: {page} {number}" for place, page, number in cited if number not in known[page]] == []


def test_every_fault_number_in_a_test_name_exists() -> None:
    rows = sections(PAGES["reliability"].read_text("utf-8"))
    tests = [file.read_text("utf-8") for file in (CHECKOUT / "tests").rglob("test_*.py")]
    named = {row for text in tests for row in re.findall(r"def test_([A-Z]\d+)_", text)}
    assert len(named) > 30
    assert sorted(named - rows) == []
