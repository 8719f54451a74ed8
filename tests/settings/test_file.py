"""One setting changes in the file; every other line, and every comment, stays."""

import os
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.mode import Mode
from mexc_tui.settings.all_settings import TABLE, Settings
from mexc_tui.settings.edit import toml_of, with_value, without
from mexc_tui.settings.file import read_file, set_value
from mexc_tui.settings.layers import UnreadableSettings, environment_layer, flag_layer
from mexc_tui.settings.load import Layers, Loaded, SettingsError, load

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


def test_a_value_over_several_lines_is_replaced_completely() -> None:
    changed = with_value(MINE, "ladder", DEFAULTS.ladder)
    assert 'ladder = ["30@10", "40@20", "30@30"]\nstop_loss_pct = 10\n' in changed
    assert "half" not in changed


def test_a_new_value_goes_to_the_end() -> None:
    assert with_value(MINE, "trailing", True) == MINE + "trailing = true\n"
    assert with_value("", "mode", DEFAULTS.mode) == 'mode = "practice"\n'
    assert with_value("x = 1", "trailing", False) == "x = 1\ntrailing = false\n"


def test_removing_a_value_leaves_the_rest() -> None:
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
def test_a_file_with_an_ambiguous_setting_is_unchanged(text: str) -> None:
    with pytest.raises(UnreadableSettings):
        with_value(text, "max_positions", 5)


@given(st.permutations(sorted(TABLE)), st.integers(0, 20), st.sampled_from(["\n", "\r\n"]))
def test_any_edit_changes_exactly_one_key(names: list[str], size: int, newline: str) -> None:
    text = newline.join(f"{name} = {toml_of(getattr(DEFAULTS, name))} # {name}" for name in names[:size])
    before = tomllib.loads(text)
    name = names[0]
    after = tomllib.loads(with_value(text, name, 'other "words" \\ # \u2028 é \x01'))
    assert after == before | {name: 'other "words" \\ # \u2028 é \x01'}
    assert tomllib.loads(without(text, name)) == {key: before[key] for key in before if key != name}


def test_a_set_value_is_in_a_file_private_to_the_user(tmp_path: Path) -> None:
    file = tmp_path / "mexc-tui" / "settings.toml"
    loaded = set_value(file, "ladder", "50@10, 50@20", layers=Layers())
    assert file.read_text() == '[practice]\nladder = ["50@10", "50@20"]\n'
    assert file.stat().st_mode & 0o777 == 0o600
    assert loaded.origin("ladder") == f"{file}, line 2, section [practice]"
    assert [path.name for path in file.parent.iterdir()] == ["settings.toml"]
    set_value(file, "max_positions", "7", layers=Layers())
    assert set_value(file, "ladder", None, layers=Layers()).settings == DEFAULTS.model_copy(
        update={"max_positions": 7}
    )
    assert file.read_text() == "[practice]\nmax_positions = 7\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("max_positions", "99"),
        ("nonsense", "1"),
        ("max_trades_hour", "11"),
        ("api_secret", "x"),
        ("theme", "A" * 40),
    ],
)
def test_a_refused_value_leaves_the_file_unchanged(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("# mine\nmax_positions = 4")
    with pytest.raises(SettingsError, match=name):
        set_value(file, name, text, layers=Layers())
    assert file.read_text() == "# mine\nmax_positions = 4"


@pytest.mark.parametrize(("name", "text"), [("max_positions", "99"), ("max_trades_hour", "11")])
def test_a_refusal_names_this_change_as_the_origin(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        set_value(tmp_path / "settings.toml", name, text, layers=Layers())
    assert f"{name} = {text}" in str(caught.value)
    assert "(from this change)" in str(caught.value)


def test_a_file_with_another_mistake_is_not_changed(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[practice]\nmax_positions = 99\n")
    with pytest.raises(SettingsError, match="max_positions = 99"):
        set_value(file, "theme", "light", layers=Layers())
    assert set_value(file, "max_positions", "9", layers=Layers()).settings.max_positions == 9


def test_a_mistake_at_the_top_level_is_not_corrected_for_one_mode(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("max_positions = 99\n")
    with pytest.raises(SettingsError, match=f"max_positions = 99.*{file}, line 1"):
        set_value(file, "max_positions", "9", layers=Layers())
    assert file.read_text() == "max_positions = 99\n"


def test_a_higher_layer_takes_precedence_after_a_change_of_the_file(tmp_path: Path) -> None:
    around = Layers(environment=environment_layer({"MEXC_TUI_MAX_POSITIONS": "5"}))
    loaded = set_value(tmp_path / "settings.toml", "max_positions", "7", layers=around)
    assert (loaded.settings.max_positions, loaded.origin("max_positions")) == (
        5,
        "the variable MEXC_TUI_MAX_POSITIONS",
    )
    assert read_file(tmp_path / "settings.toml").sections[Mode.PRACTICE]["max_positions"].value == 7


def test_a_symbolic_link_is_preserved(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    link = tmp_path / "settings.toml"
    link.symlink_to(tmp_path / "dotfiles" / "desk.toml")
    set_value(link, "trailing", "true", layers=Layers())
    assert link.is_symlink()
    assert (tmp_path / "dotfiles" / "desk.toml").read_text() == "[practice]\ntrailing = true\n"


def test_a_read_only_folder_is_reported_by_name(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("")
    with pytest.raises(SettingsError, match="Cannot"):
        set_value(tmp_path / "in the way" / "settings.toml", "trailing", "true", layers=Layers())


def test_a_pipe_or_folder_instead_of_the_file_is_refused_without_blocking(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "settings.toml")
    with pytest.raises(SettingsError, match="not a regular file"):
        read_file(tmp_path / "settings.toml")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(SettingsError, match=r"folder\.toml"):
        read_file(tmp_path / "folder.toml")


LIVE = Layers(flags=flag_layer({"mode": "live"}))
PAPER = Layers(flags=flag_layer({"mode": "paper"}))


def loaded_in(layers: Layers, file: Path) -> Loaded:
    return load(replace(layers, file=read_file(file)))


MODES = ((Layers(), Mode.PRACTICE), (PAPER, Mode.PAPER), (LIVE, Mode.LIVE))


@pytest.mark.parametrize(("layers", "mode"), MODES)
def test_a_value_set_in_one_mode_reaches_no_other(tmp_path: Path, layers: Layers, mode: Mode) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("max_trades_day = 20  # mine\nposition_quote = 30\n")
    set_value(file, "max_positions", "7", layers=layers)
    set_value(file, "max_trades_day", "30", layers=layers)
    set_value(file, "theme", "sea", layers=layers)
    assert file.read_text() == (
        'max_trades_day = 20  # mine\nposition_quote = 30\ntheme = "sea"\n'
        f"\n[{mode}]\nmax_positions = 7\nmax_trades_day = 30\n"
    )
    for others, other in MODES:
        now = loaded_in(others, file)
        expected = (7, 30) if other is mode else (DEFAULTS.max_positions, 20)
        assert (now.settings.max_positions, now.settings.max_trades_day) == expected
        assert (now.settings.position_quote, now.settings.theme) == (30, "sea")
    assert loaded_in(layers, file).origin("max_trades_day") == f"{file}, line 7, section [{mode}]"


def test_the_default_in_one_mode_leaves_the_value_of_the_others(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("max_positions = 2\n")
    set_value(file, "max_positions", "7", layers=Layers())
    set_value(file, "max_positions", None, layers=Layers())
    assert loaded_in(Layers(), file).settings.max_positions == DEFAULTS.max_positions
    assert loaded_in(LIVE, file).settings.max_positions == 2


def test_a_marked_line_is_a_value_of_its_mode_and_moves_there_at_the_next_change(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(
        "max_positions = 7  # mine  # set in practice\ntheme = 'sea'\nposition_quote = 30  # set in paper\n"
    )
    assert loaded_in(Layers(), file).settings.max_positions == 7
    assert loaded_in(PAPER, file).settings.position_quote == 30
    live = loaded_in(LIVE, file).settings
    assert (live.max_positions, live.position_quote) == (DEFAULTS.max_positions, DEFAULTS.position_quote)
    set_value(file, "trailing", "true", layers=LIVE)
    assert file.read_text() == (
        "theme = 'sea'\n\n[practice]\nmax_positions = 7  # mine\n"
        "\n[paper]\nposition_quote = 30\n\n[live]\ntrailing = true\n"
    )
    assert loaded_in(Layers(), file).settings.max_positions == 7
    assert loaded_in(PAPER, file).settings.position_quote == 30


def test_a_new_value_for_all_modes_goes_before_the_sections() -> None:
    text = "x = 1\n\n[live]\nmax_positions = 2\n"
    assert with_value(text, "theme", "sea") == 'x = 1\ntheme = "sea"\n\n[live]\nmax_positions = 2\n'
    assert without(text, "max_positions") == text
    assert without(text, "max_positions", section="live") == "x = 1\n\n[live]\n"


def test_a_header_inside_a_text_of_several_lines_starts_no_section() -> None:
    text = 'theme = """\n[live]\nmax_positions = 1\n"""\n'
    assert with_value(text, "max_positions", 2, section="live") == text + "\n[live]\nmax_positions = 2\n"


@pytest.mark.parametrize("text", ["practice = {max_positions = 7}\n", "practice.max_positions = 7\n"])
def test_a_section_in_another_notation_is_read_and_not_edited(tmp_path: Path, text: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    assert loaded_in(Layers(), file).settings.max_positions == 7
    with pytest.raises(SettingsError, match="not TOML"):
        set_value(file, "max_positions", "5", layers=Layers())
    with pytest.raises(SettingsError, match="Edit the file"):
        set_value(file, "max_positions", None, layers=Layers())
    assert file.read_text() == text


def test_a_mistake_in_the_section_of_another_mode_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[live]\nmax_positions = 99\nmode = 'live'\n")
    with pytest.raises(SettingsError) as caught:
        loaded_in(Layers(), file)
    assert "max_positions = 99" in str(caught.value)
    assert "a section cannot set it" in str(caught.value)


def test_the_mode_itself_can_be_set_in_any_mode(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    assert set_value(file, "mode", "live", layers=Layers()).settings.mode is Mode.LIVE
