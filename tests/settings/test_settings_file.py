"""One setting changes in the file; every other line, and every comment, stays."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.settings.edit import toml_of, with_value, without
from mexc_tui.settings.layers import Unreadable
from mexc_tui.settings.table import TABLE, Settings

DEFAULTS = Settings.of()

MINE = """\
# My desk
max_positions = 4   # never more
"theme" = "light#2" # bright

ladder = [
  "50@10",  # half
  "50@20",
]
stop_loss_pct = 10
"""


def test_a_value_changes_in_its_place_and_keeps_its_comment() -> None:
    assert with_value(MINE, "max_positions", 5) == MINE.replace("= 4 ", "= 5 ")
    assert with_value(MINE, "theme", "amber") == MINE.replace('"theme" = "light#2"', 'theme = "amber"')


def test_a_value_over_several_lines_is_replaced_whole() -> None:
    changed = with_value(MINE, "ladder", DEFAULTS.ladder)
    assert 'ladder = ["30@10", "40@20", "30@30"]\nstop_loss_pct = 10\n' in changed
    assert "half" not in changed


def test_a_new_value_goes_to_the_end() -> None:
    assert with_value(MINE, "trailing", True) == MINE + "trailing = true\n"
    assert with_value("", "mode", DEFAULTS.mode) == 'mode = "practice"\n'
    assert with_value("x = 1", "trailing", False) == "x = 1\ntrailing = false\n"


def test_taking_a_value_out_leaves_the_rest() -> None:
    assert without(MINE, "max_positions") == MINE.replace("max_positions = 4   # never more\n", "")
    assert without(MINE, "trailing") == MINE
    assert tomllib.loads(without(MINE, "ladder")) == {
        "max_positions": 4,
        "theme": "light#2",
        "stop_loss_pct": 10,
    }


@pytest.mark.parametrize(
    "text",
    [
        'theme = """\nmax_positions = 1\n"""\nmax_positions = 4\n',
        "[risk]\nx = 1\n",
        "max_positions = \n",
    ],
)
def test_a_file_in_which_the_place_is_not_sure_is_left_alone(text: str) -> None:
    with pytest.raises(Unreadable):
        with_value(text, "max_positions", 5)


@given(st.permutations(sorted(TABLE)), st.integers(0, 20), st.sampled_from(["\n", "\r\n"]))
def test_any_edit_changes_exactly_one_key(names: list[str], size: int, newline: str) -> None:
    text = newline.join(f"{name} = {toml_of(getattr(DEFAULTS, name))} # {name}" for name in names[:size])
    before = tomllib.loads(text)
    name = names[0]
    after = tomllib.loads(with_value(text, name, 'other "words" \\ # \u2028 é \x01'))
    assert after == before | {name: 'other "words" \\ # \u2028 é \x01'}
    assert tomllib.loads(without(text, name)) == {key: before[key] for key in before if key != name}
