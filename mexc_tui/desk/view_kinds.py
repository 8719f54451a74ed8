"""Views of every engine: status, listings, signals."""

from mexc_tui.desk.api_types import ViewKind
from mexc_tui.model.view import ListingRow, SignalRow, StatusRow

STATUS = ViewKind("status", StatusRow)
LISTINGS = ViewKind("listings", ListingRow)
SIGNALS = ViewKind("signals", SignalRow)
