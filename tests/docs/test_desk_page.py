from pathlib import Path

from mexc_tui.tui.keys_page import keys_page

PAGE = Path(__file__).parents[2] / "docs/desk.md"


def test_the_desk_page_lists_every_screen_and_key() -> None:
    assert PAGE.read_text().endswith(keys_page()), "python -m mexc_tui.tui.keys_page regenerates the tables"
