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
from mexc_tui.settings.load import Layers, SettingsError, load

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
    assert file.read_text() == 'ladder = ["50@10", "50@20"]  # set in practice\n'
    assert file.stat().st_mode & 0o777 == 0o600
    assert loaded.origin("ladder") == f"{file}, line 1"
    assert [path.name for path in file.parent.iterdir()] == ["settings.toml"]
    set_value(file, "max_positions", "7", layers=Layers())
    assert set_value(file, "ladder", None, layers=Layers()).settings == DEFAULTS.model_copy(
        update={"max_positions": 7}
    )
    assert file.read_text() == "max_positions = 7  # set in practice\n"


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
    file.write_text("max_positions = 99\n")
    with pytest.raises(SettingsError, match="max_positions = 99"):
        set_value(file, "theme", "light", layers=Layers())
    assert set_value(file, "max_positions", "9", layers=Layers()).settings.max_positions == 9


def test_a_higher_layer_takes_precedence_after_a_change_of_the_file(tmp_path: Path) -> None:
    around = Layers(environment=environment_layer({"MEXC_TUI_MAX_POSITIONS": "5"}))
    loaded = set_value(tmp_path / "settings.toml", "max_positions", "7", layers=around)
    assert (loaded.settings.max_positions, loaded.origin("max_positions")) == (
        5,
        "the variable MEXC_TUI_MAX_POSITIONS",
    )
    assert read_file(tmp_path / "settings.toml").values["max_positions"].value == 7


def test_a_symbolic_link_is_preserved(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    link = tmp_path / "settings.toml"
    link.symlink_to(tmp_path / "dotfiles" / "desk.toml")
    set_value(link, "trailing", "true", layers=Layers())
    assert link.is_symlink()
    assert (tmp_path / "dotfiles" / "desk.toml").read_text() == "trailing = true  # set in practice\n"


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


@pytest.mark.parametrize(("layers", "mode"), [(Layers(), "practice"), (PAPER, "paper")])
def test_live_ignores_and_reports_a_value_set_without_real_money(
    tmp_path: Path, layers: Layers, mode: str
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("max_trades_day = 20  # mine\nposition_quote = 30\n")
    set_value(file, "max_positions", "7", layers=layers)
    set_value(file, "max_trades_day", "30", layers=layers)
    set_value(file, "theme", "sea", layers=layers)
    assert f"max_trades_day = 30  # mine  # set in {mode}\n" in file.read_text()
    for others in (Layers(), PAPER):
        assert load(replace(others, file=read_file(file))).settings.max_positions == 7
    live = load(replace(LIVE, file=read_file(file)))
    assert (live.settings.max_positions, live.settings.max_trades_day) == (
        Settings.of().max_positions,
        Settings.of().max_trades_day,
    )
    assert (live.settings.position_quote, live.settings.theme) == (30, "sea")
    assert live.ignored == (
        f"max_trades_day = 30 was set in {mode} ({file}, line 1)",
        f"max_positions = 7 was set in {mode} ({file}, line 3)",
    )
    assert live.origin("max_positions") == f"the default; ignored: {live.ignored[1]}"


def test_a_value_set_in_live_mode_applies_to_all_modes(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    set_value(file, "max_positions", "7", layers=Layers())
    loaded = set_value(file, "max_positions", "5", layers=LIVE)
    assert (loaded.settings.max_positions, loaded.ignored) == (5, ())
    assert file.read_text() == "max_positions = 5\n"
    assert load(Layers(file=read_file(file))).settings.max_positions == 5


def test_the_mode_itself_can_be_set_in_any_mode(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    assert set_value(file, "mode", "live", layers=Layers()).settings.mode is Mode.LIVE
