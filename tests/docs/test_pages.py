"""The user pages: every command is documented, every link has a target."""

import re
from pathlib import Path

import click

from mexc_tui.cli.main import main

CHECKOUT = Path(__file__).parents[2]
DOCS = CHECKOUT / "docs"
PAGES = [
    *sorted(DOCS.rglob("*.md")),
    *sorted(CHECKOUT.glob("*.md")),
]
COMMANDS = (DOCS / "commands.md").read_text("utf-8")


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings."""
    heads = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-") for head in heads}


def test_every_command_is_on_the_page() -> None:
    names = main.list_commands(click.Context(main))
    assert len(names) > 25
    assert [name for name in names if not re.search(rf"`(mexc-tui )?{name}\b", COMMANDS)] == []


def test_every_link_between_pages_leads_to_a_file_and_heading() -> None:
    broken: list[str] = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
            if "://" in target:
                continue
            file, _, anchor = target.partition("#")
            found = (page.parent / file).resolve() if file else page
            if not found.exists() or (anchor and anchor not in anchors(found)):
                broken.append(f"{page.name}: {target}")
    assert broken == []


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "README.md").read_text("utf-8")
    pages = [page.name for page in DOCS.glob("*.md") if page.name != "README.md"]
    assert [name for name in pages if f"({name})" not in index] == []
