"""The page about faults refers to existing tests."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "faults.md").read_text("utf-8")


def test_every_test_on_the_page_exists() -> None:
    named = set(re.findall(r"`([a-z_/0-9]+\.py)`", PAGE))
    assert len(named) > 50
    assert sorted(name for name in named if not (TESTS / name).is_file()) == []


def test_every_row_names_a_test_or_states_that_there_is_none() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "---" not in line]
    tested = [row for row in rows if not row.startswith("| Class of fault")]
    assert [row for row in tested if ".py`" not in row and not row.endswith("| none |")] == []
