"""Every command that a message or a page names exists, and so do its options."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import mexc_tui
from mexc_tui.cli.main import main

PACKAGE = Path(mexc_tui.__path__[0])
CHECKOUT = PACKAGE.parent
NAMED = re.compile(r"mexc-tui ([a-z]+(?:-[a-z]+)*)\b(?:[ ]([a-z]+)\b)?((?:[ ]--[a-z-]+)*)")
PROSE = {"again", "engine", "is", "with", "and"}
"""Words that follow the program's name in sentences."""
CONTEXT = click.Context(main)


def texts_of(file: Path) -> Iterator[str]:
    """Yield the literal texts of a module, of formatted ones with their parts joined."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def unknown_parts(text: str) -> Iterator[str]:
    """Yield each named command, subcommand or option that does not exist."""
    for name, second, options in NAMED.findall(text):
        command = main.get_command(CONTEXT, name)
        if command is None:
            if name not in PROSE:
                yield f"mexc-tui {name}"
            continue
        inner = command.commands.get(second) if isinstance(command, click.Group) else None
        known = {flag for one in (command, inner, main) if one for param in one.params for flag in param.opts}
        yield from (f"mexc-tui {name} {option}" for option in options.split() if option not in known)


SOURCES = sorted(PACKAGE.rglob("*.py"))
PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]


def test_every_command_in_a_message_exists() -> None:
    found = {
        f"{file.name}: {part}" for file in SOURCES for text in texts_of(file) for part in unknown_parts(text)
    }
    assert found == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_exists(page: Path) -> None:
    assert list(unknown_parts(page.read_text("utf-8"))) == []


def test_a_command_that_does_not_exist_is_found() -> None:
    assert list(unknown_parts("Run: mexc-tui salvage --now")) == ["mexc-tui salvage"]
    assert list(unknown_parts("Run: mexc-tui kill --softly")) == ["mexc-tui kill --softly"]
