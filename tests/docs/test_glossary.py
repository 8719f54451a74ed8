"""Column heads, settings and event kinds use the terms of docs/glossary.md."""

import re
from pathlib import Path

import pytest

from mexc_tui.model import event
from mexc_tui.settings.all_settings import TABLE
from mexc_tui.tui.screens import pages, registry
from mexc_tui.tui.screens.panes import QueryPane, TablePane
from mexc_tui.tui.widgets.columns import Column

PAGE = Path(__file__).parents[2] / "docs" / "glossary.md"
HEAD = re.compile(r"[A-Z0-9%&–(][A-Z0-9%&–/ ()]*")
QUOTED = re.compile(r"`([a-z0-9_*]+)`")


def terms() -> tuple[set[str], tuple[str, ...]]:
    """Return the column heads and the quoted names of the glossary; a name may contain `*`."""
    text = PAGE.read_text()
    heads = {head.strip() for head in HEAD.findall(text)}
    return heads, tuple(set(QUOTED.findall(text)))


def columns() -> list[Column]:
    """Return the columns of every table of the desk."""
    panes = [pane for board in registry.all_boards() for pane in board.panes]
    tables = [pane.columns for pane in panes if isinstance(pane, TablePane | QueryPane)]
    return [column for table in (*tables, pages.ACTIVITY) for column in table]


def is_listed(name: str, names: tuple[str, ...]) -> bool:
    """Whether the glossary lists a name, itself or by a pattern such as `alert_*`."""
    return any(re.fullmatch(one.replace("*", ".+"), name) for one in names)


def test_every_column_head_is_a_term_of_the_glossary() -> None:
    heads, _ = terms()
    assert sorted({column.head for column in columns()} - heads) == []


def test_every_column_head_is_one_or_two_words_in_capitals() -> None:
    for column in columns():
        assert column.head == column.head.upper()
        assert len(column.head.split()) <= 2


@pytest.mark.parametrize("kind", sorted(event.KINDS))
def test_every_event_kind_is_listed_in_the_glossary(kind: str) -> None:
    assert is_listed(kind, terms()[1])


def test_every_setting_is_listed_in_the_glossary() -> None:
    names = terms()[1]
    assert [name for name in TABLE if not is_listed(name, names)] == []
