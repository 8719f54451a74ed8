"""Commands entered as a typed line: a setting, exits of a position, a listing.

A form supplies the initial text and parses the line into the arguments of a command and a description of
its effect. The engine validates it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from mexc_tui.desk.api_types import CommandKind
from mexc_tui.desk.engine_requests import (
    CHECK_SETTING,
    AddListing,
    CheckPassed,
    DropListing,
    FactPage,
    JournalQuery,
    SettingChange,
    SettingUndo,
)
from mexc_tui.desk.trading_requests import CHECK_EXITS, ExitsEdit, RungEdit
from mexc_tui.model.errors import DeskError
from mexc_tui.model.event import SettingChanged
from mexc_tui.model.text import clean
from mexc_tui.model.trading_view import PositionRow
from mexc_tui.tui.actions.effects import Target
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens import settings
from mexc_tui.tui.widgets.text import price, utc
from mexc_tui.wording.times import moment_ms

EXITS_HINT = "stop PRICE trail PCT@GAIN|off tp SHARE@GAIN,..|none even RUNG time S"
"""Fits 80 columns after a symbol."""


class InvalidLine(DeskError, ValueError):
    """A line typed into a form cannot be used.

    Raised by forms. Show the text, which names what is expected, and keep the form open.
    """


@dataclass(frozen=True, slots=True)
class Form:
    """One input line. `begin` returns its initial text; None if no suitable row is selected."""

    id: str
    """Id of its action and its key."""
    title: str
    """Shown before the subject of the line."""
    hint: str
    begin: Callable[[RenderContext, str], str | None]
    """Takes the render context and the symbol under the cursor."""
    read: Callable[[str, RenderContext, str], Target]
    """Raises InvalidLine."""
    missing: str
    """Shown if no suitable row is selected."""
    about: Callable[[RenderContext, str], str]
    """Returns the subject of the line; empty if there is none."""
    check: CommandKind[Any, CheckPassed] | None = None
    """A query that validates the same arguments first."""


def _setting(context: RenderContext, _: str) -> str | None:
    row = settings.chosen(context)
    return None if row is None else row.pending or row.value


def _read_setting(text: str, context: RenderContext, _: str) -> Target:
    row = settings.chosen(context)
    if row is None:
        raise InvalidLine("Select a setting first.")
    wanted = text.strip()
    if wanted == row.value and not row.pending:
        raise InvalidLine(f"{row.name} is already {row.value}.")
    later = "after restart" if row.needs_restart else "immediately"
    after = f"{wanted or row.default} {row.unit}".rstrip()
    message = f"{row.name}: {row.value} → {after}, {later}. Allowed: {row.allowed}."
    return Target(request=SettingChange(name=row.name, text=wanted or None), effect=message)


LAST_CHANGE = JournalQuery(kind="setting_changed", limit=1)
"""Journal query for the last change of a setting."""


def undoing(page: FactPage) -> Target:
    """Describe the undo of the last setting change. Raises InvalidLine if there was none."""
    if not page.rows:
        raise InvalidLine("No setting has been changed yet.")
    change = msgspec.json.decode(page.rows[0].body, type=SettingChanged)
    later = "after restart" if change.needs_restart else "immediately"
    text = f"{change.about}: {change.new or 'empty'} → {change.old or 'empty'}, {later}."
    return Target(request=SettingUndo(name=change.about), effect=text)


def _open_position(context: RenderContext, symbol: str) -> PositionRow | None:
    rows = context.source.positions.rows.values()
    return next((row for row in rows if row.symbol == symbol and row.closed_ms is None), None)


def _exits(context: RenderContext, symbol: str) -> str | None:
    row = _open_position(context, symbol)
    return None if row is None else ""


def _read_exits(text: str, context: RenderContext, symbol: str) -> Target:
    row = _open_position(context, symbol)
    if row is None:
        raise InvalidLine("Select an open position first.")
    edit = parse_exits(symbol, text)
    parts = [_stop_text(row, edit.stop_price)] if edit.stop_price is not None else []
    parts += [f"{name} {value}" for name, value in _pairs(text) if name != "stop"]
    return Target(symbol, request=edit, effect=f"{symbol}: {'; '.join(parts)}. Other exits stay unchanged.")


def _stop_text(row: PositionRow, stop: Decimal) -> str:
    places = row.price_decimals
    away = "" if not row.entry_price else f" ({(stop / row.entry_price - 1) * 100:+.1f}% from entry)"
    return f"stop {price(row.stop_price, places).text} → {price(stop, places).text}{away}"


def parse_exits(symbol: str, text: str) -> ExitsEdit:
    """Parse new exits: `stop 0.031 trail 15@20 tp 30@10,30@25 even 1 time 600`. Raises InvalidLine."""
    pairs = dict(_pairs(text))
    unknown = pairs.keys() - {"stop", "trail", "tp", "even", "time"}
    if unknown or not pairs:
        raise InvalidLine(
            f"{' '.join(sorted(unknown)) or 'An empty line'} is not valid. Format: {EXITS_HINT}"
        )
    trailing = _trailing(pairs["trail"]) if "trail" in pairs else (None, None, None)
    return ExitsEdit(
        symbol=symbol,
        stop_price=_number(pairs["stop"]) if "stop" in pairs else None,
        trailing=trailing[0],
        trailing_distance_pct=trailing[1],
        trailing_after_pct=trailing[2],
        ladder=_ladder(pairs["tp"]) if "tp" in pairs else None,
        break_even_rung=_integer(pairs["even"]) if "even" in pairs else None,
        time_stop_s=_integer(pairs["time"]) if "time" in pairs else None,
    )


def _pairs(text: str) -> list[tuple[str, str]]:
    words = text.split()
    if len(words) % 2:
        raise InvalidLine(f"{words[-1]} has no value. Format: {EXITS_HINT}")
    return [(name.casefold(), value.casefold()) for name, value in zip(words[::2], words[1::2], strict=True)]


def _trailing(value: str) -> tuple[bool, Decimal | None, Decimal | None]:
    if value == "off":
        return False, None, None
    distance, _, after = value.partition("@")
    return True, _number(distance), _number(after) if after else None


def _ladder(value: str) -> tuple[RungEdit, ...]:
    if value == "none":
        return ()
    rungs = [rung.partition("@") for rung in value.split(",")]
    return tuple(RungEdit(share_pct=_number(share), gain_pct=_number(gain)) for share, _, gain in rungs)


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise InvalidLine(f"{clean(text, 40)!r} is not a number.")
    return number


def _integer(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise InvalidLine(f"{clean(text, 40)!r} is not an integer.")
    return int(text[:12])


def _read_listing(text: str, context: RenderContext, _: str) -> Target:
    symbol, *when = text.split(maxsplit=1)
    if not symbol:
        raise InvalidLine("Enter symbol and opening time: NEWUSDT +15m")
    try:
        opens_ms = moment_ms(when[0], context.now_ms) if when else None
    except ValueError as error:
        raise InvalidLine(str(error)) from None
    opens = "at an unknown time" if opens_ms is None else f"at {utc(opens_ms)}"
    made = AddListing(symbol=symbol.upper()[:60], opens_ms=opens_ms)
    return Target(request=made, effect=f"Add {made.symbol}, opening {opens}.")


def _read_drop(text: str, _: RenderContext, symbol: str) -> Target:
    note = text.strip()[:100]
    return Target(symbol, request=DropListing(symbol=symbol, note=note), effect=f"Drop {symbol}.")


def _nothing(*_: object) -> str:
    return ""


def _pair(_: RenderContext, symbol: str) -> str:
    return symbol


def _of_pair(_: RenderContext, symbol: str) -> str | None:
    return "" if symbol else None


FORMS = (
    Form(
        "edit_setting",
        "",
        "new value; empty: default",
        _setting,
        _read_setting,
        "Select a setting first.",
        lambda context, _: context.key or "",
        CHECK_SETTING,
    ),
    Form(
        "edit_exits",
        "",
        EXITS_HINT,
        _exits,
        _read_exits,
        "Select an open position first.",
        _pair,
        CHECK_EXITS,
    ),
    Form(
        "add_listing", "Listing", "NEWUSDT +15m, or 2026-01-31T14:00Z", _nothing, _read_listing, "", _nothing
    ),
    Form("drop_listing", "Drop", "reason (optional)", _of_pair, _read_drop, "Select a listing first.", _pair),
)
BY_ID = {form.id: form for form in FORMS}
