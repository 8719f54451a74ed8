"""Details of a row, as drawn lines."""

from collections.abc import Sequence
from datetime import UTC

import msgspec

from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens.details import details, position_or_order
from mexc_tui.tui.screens.registry import all_boards
from mexc_tui.tui.widgets.styled_text import Drawn
from tests.support.tui.frozen_desk import NOW_MS, FrozenDesk
from tests.support.tui.sample_rows import order

WIDTH = 60


def _look(frozen: FrozenDesk, pane: str, key: str | None) -> RenderContext:
    return RenderContext(frozen.source(), NOW_MS, 0.0, UTC, key, "", pane)


def _text(lines: Sequence[Drawn]) -> str:
    return "\n".join("".join(span.text for span in line) for line in lines)


async def test_position_details_show_exits_protection_amounts_and_orders() -> None:
    frozen = FrozenDesk()
    frozen.orders.put("O1", order("OPENUSDT", "a-1"))
    text = _text(details(_look(frozen, "Positions", "P-OPENUSDT"), WIDTH))
    for words in (
        "OPENUSDT  open",
        "TP 2",
        "stop",
        "ends with this engine",
        "cost 72.40 USDT",
        "value 99.97",
    ):
        assert words in text
    assert "Orders\nsell take profit at 0.04" in text


async def test_position_details_show_a_trapped_position_and_missing_orders() -> None:
    frozen = FrozenDesk()
    row = frozen.positions.rows["P-LOSTUSDT"]
    frozen.positions.put("P-LOSTUSDT", msgspec.structs.replace(row, trapped="nobody bids"))
    text = _text(details(_look(frozen, "Positions", "P-LOSTUSDT"), WIDTH))
    assert "nobody bids" in text
    assert text.endswith("Orders\nnone")


async def test_order_details_show_its_figures() -> None:
    frozen = FrozenDesk()
    frozen.orders.put("O1", order("OPENUSDT", "a-1"))
    text = _text(position_or_order(_look(frozen, "Orders", "O1"), WIDTH))
    assert "client order id " in text
    assert "14:13:20Z" in text
    assert "ends with this engine" in _text(
        position_or_order(_look(frozen, "Positions", "P-OPENUSDT"), WIDTH)
    )


async def test_details_of_a_removed_row_ask_for_a_selection() -> None:
    for pane in ("Positions", "Snipes", "Active signals", "Next openings", "Nearest limits"):
        assert _text(details(_look(FrozenDesk(), pane, None), WIDTH))


def test_screens_whose_drawn_panes_do_not_fit_a_small_terminal_have_details() -> None:
    assert {board.name for board in all_boards() if board.details is not None} >= {
        "desk",
        "listings",
        "signals",
        "positions",
    }
