from pathlib import Path

import pytest

from mexc_tui.tui.contrast import contrast
from mexc_tui.tui.themes import Theme, all_themes, chosen, shipped_themes, themes_folder

SHIPPED = shipped_themes()


def _own(folder: Path, file: str, **changes: str) -> None:
    text = (themes_folder() / "dark.toml").read_text("utf-8")
    for field, value in changes.items():
        lines = [
            f'{field} = "{value}"' if line.startswith(f"{field} =") else line for line in text.split("\n")
        ]
        text = "\n".join(lines)
    (folder / file).write_text(text)


def test_contrast_equals_that_of_the_standard() -> None:
    assert round(contrast("#000000", "#ffffff"), 6) == 21
    assert contrast("#777777", "#777777") == 1
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54


def test_six_themes_are_bundled() -> None:
    names = {theme.name for theme in SHIPPED}
    assert names == {"dark", "light", "high-contrast", "colour-blind", "monochrome", "amber"}


@pytest.mark.parametrize("theme", SHIPPED, ids=lambda theme: theme.name)
def test_every_text_colour_of_a_theme_is_readable_on_every_background(theme: Theme) -> None:
    assert theme.unreadable() == ()


@pytest.mark.parametrize("theme", SHIPPED, ids=lambda theme: theme.name)
def test_the_row_under_the_cursor_is_readable(theme: Theme) -> None:
    assert contrast(theme.background, theme.primary) >= 4.5


def test_the_high_contrast_theme_has_a_ratio_of_seven_to_one() -> None:
    theme = next(theme for theme in SHIPPED if theme.name == "high-contrast")
    texts = (theme.foreground, theme.muted, theme.success, theme.warning, theme.error, theme.primary)
    assert min(contrast(text, theme.panel) for text in texts) >= 7


def test_the_monochrome_theme_consists_of_greys() -> None:
    theme = next(theme for theme in SHIPPED if theme.name == "monochrome")
    colours = [theme.background, theme.panel, theme.foreground, theme.muted, theme.success, theme.error]
    assert all(colour[1:3] == colour[3:5] == colour[5:7] for colour in colours)


def test_user_themes_are_read_with_the_bundled_ones(tmp_path: Path) -> None:
    _own(tmp_path, "mine.toml", name="mine", accent="#ffffff")
    themes = all_themes(tmp_path)
    assert themes.problems == ()
    assert themes.by_name["mine"].accent == "#ffffff"
    assert set(themes.by_name) == {theme.name for theme in SHIPPED} | {"mine"}


def test_a_user_theme_replaces_the_bundled_one_of_its_name(tmp_path: Path) -> None:
    _own(tmp_path, "dark.toml", accent="#ffffff")
    assert all_themes(tmp_path).by_name["dark"].accent == "#ffffff"


def test_a_missing_folder_of_user_themes_is_no_error(tmp_path: Path) -> None:
    assert all_themes(tmp_path / "none").problems == ()


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"name = ", "mine.toml"),
        (b"\xff\xfe", "mine.toml"),
        (b'name = "mine"', "missing"),
        (b"# " + b"x" * 70_000, "larger"),
    ],
)
def test_an_invalid_file_is_reported_and_skipped(tmp_path: Path, body: bytes, word: str) -> None:
    (tmp_path / "mine.toml").write_bytes(body)
    _own(tmp_path, "other.toml", name="other")
    themes = all_themes(tmp_path)
    assert "other" in themes.by_name
    assert "mine" not in themes.by_name
    assert len(themes.problems) == 1
    assert word in themes.problems[0]
    assert "Skipped" in themes.problems[0]


@pytest.mark.parametrize("colour", ["red", "#12345", "#gggggg", "#12345678", "$primary", "#123456; x"])
def test_an_invalid_colour_is_reported_with_its_field(tmp_path: Path, colour: str) -> None:
    _own(tmp_path, "mine.toml", name="mine", accent=colour)
    assert "accent" in all_themes(tmp_path).problems[0]


def test_a_file_that_cannot_be_opened_is_reported(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    assert "cannot be read" in all_themes(tmp_path).problems[0]


def test_a_file_name_cannot_control_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[2J.toml").write_text("name = ")
    assert "\x1b" not in all_themes(tmp_path).problems[0]


def test_a_theme_with_low_contrast_is_used_and_reported(tmp_path: Path) -> None:
    _own(tmp_path, "mine.toml", name="mine", error="#20262e")
    themes = all_themes(tmp_path)
    assert "mine" in themes.by_name
    assert "error on background" in themes.problems[0]


def test_without_colour_the_monochrome_theme_is_used(tmp_path: Path) -> None:
    themes = all_themes(tmp_path)
    assert chosen(themes, "amber", {"NO_COLOR": ""})[0].name == "monochrome"
    assert chosen(themes, "amber", {"TERM": "dumb"})[0].name == "monochrome"
    assert chosen(themes, "amber", {"TERM": "xterm"})[0].name == "amber"


def test_an_unknown_theme_is_reported_and_the_default_used(tmp_path: Path) -> None:
    theme, words = chosen(all_themes(tmp_path), "none", {})
    assert theme.name == "dark"
    assert "amber" in words
