"""The settings page matches the table."""

from pathlib import Path

from mexc_tui.settings.all_settings import TABLE
from mexc_tui.settings.document import document
from mexc_tui.settings.layers import file_layer
from mexc_tui.settings.load import Layers, load

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text("utf-8")


def test_the_page_is_generated_from_the_table() -> None:
    assert document() == PAGE, "run: python -m mexc_tui.settings.document > docs/settings.md"


def test_every_setting_is_on_the_page_once() -> None:
    assert [name for name in TABLE if PAGE.count(f"| `{name}` |") != 1] == []


def test_the_example_on_the_page_works() -> None:
    assert "max_positions = 5" in PAGE
    assert load(Layers(file=file_layer("max_positions = 5", "page"))).settings.max_positions == 5
