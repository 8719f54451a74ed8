"""The screens, in the order of their number keys; one module each."""

from mexc_tui.tui.boards.desk import DESK
from mexc_tui.tui.boards.detectors import DETECTORS_BOARD
from mexc_tui.tui.boards.engine import ENGINE
from mexc_tui.tui.boards.journal import JOURNAL_BOARD
from mexc_tui.tui.boards.listings import LISTINGS
from mexc_tui.tui.boards.panes import Board
from mexc_tui.tui.boards.positions import POSITIONS
from mexc_tui.tui.boards.risk import RISK
from mexc_tui.tui.boards.settings import SETTINGS_BOARD
from mexc_tui.tui.boards.signals import SIGNALS

BOARDS: tuple[Board, ...] = (
    DESK,
    LISTINGS,
    SIGNALS,
    POSITIONS,
    RISK,
    DETECTORS_BOARD,
    ENGINE,
    JOURNAL_BOARD,
    SETTINGS_BOARD,
)
