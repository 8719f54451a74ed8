"""A desk in which every text contains terminal control sequences."""

import types
import typing
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from itertools import cycle
from typing import Any, TypeVar, cast

import msgspec

from mexc_tui.desk.api_types import CommandKind, CommandOutcome, Reply
from mexc_tui.model import event
from mexc_tui.model.event import Alert
from mexc_tui.model.severity import Severity
from mexc_tui.model.view import FactRow
from tests.support.tui.frozen_desk import NOW_MS, FrozenDesk, View

T = TypeVar("T")

TEXTS = (
    "\x1b[777mcolour\x1b[?25l",
    "\x1b]52;c;ZXZpbA==\x07copied",
    "\x1b]0;title\x1b\\",
    "\x9b777mshort",
    "\x90q\x9c",
    "nul\x00del\x7fbell\x07back\x08",
    "return\r\nline\u2028feed\x0b",
    "bidi\u202edrow\u2066x",
    "zero\u200bwidth\ufeff\u00ad",
    "[@click=app.halt_now]press[/] [/foo] [bold",
    "日本語テキスト" * 40,
    "a" + "\u0301" * 200,
    "🚀👩\u200d👩\u200d👧 \U000e0041",
    "x" * 10_000,
    "\ud800 alone",
    "\x1bP1;1|17/ab\x1b\\",
)


def hostile(kind: type[T], texts: Iterator[str]) -> T:
    """Return a struct with a hostile text in every string and an item in every list."""
    return cast("T", _hostile_value(kind, texts))


def _hostile_value(hint: Any, texts: Iterator[str]) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _hostile_value(next(arg for arg in args if arg is not type(None)), texts)
    if origin in (tuple, list):
        inner = args[:1] if len(args) < 2 or args[1] is ... else args
        items = [_hostile_value(item, texts) for item in inner]
        return tuple(items) if origin is tuple else items
    if origin is dict:
        return {next(texts): _hostile_value(args[1], texts)}
    return _hostile_leaf(hint, texts)


def _hostile_leaf(hint: Any, texts: Iterator[str]) -> Any:
    if hint is FactRow:
        return _fact(texts)
    if issubclass(hint, msgspec.Struct):
        hints = typing.get_type_hints(hint)
        return hint(**{name: _hostile_value(hints[name], texts) for name in hint.__struct_fields__})
    if issubclass(hint, Enum):
        return next(iter(hint))
    plain: dict[Any, Any] = {bool: True, int: 3, float: 0.5, Decimal: Decimal("1.5"), bytes: b"x"}
    if hint in plain:
        return plain[hint]
    assert hint is str, hint
    return next(texts)


def _fact(texts: Iterator[str]) -> FactRow:
    text = next(texts).encode("utf-8", "replace").decode()
    body = event.encode(Alert(at_ms=NOW_MS, about=text, severity=Severity.ERROR, rule="r", text=text))
    return FactRow(sequence=1, at_ms=NOW_MS, kind=next(texts), version=1, about=text, body=msgspec.Raw(body))


class HostileDesk(FrozenDesk):
    """All views and replies, with hostile texts everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.texts = cycle(TEXTS)
        for name in ("listings", "signals", "snipes", "orders", "positions", "risk"):
            view = cast("View[Any]", getattr(self, name))
            kind = _kind_of(name)
            for key in tuple(view.rows):
                view.put(key, None)
            for number in range(1 if name == "risk" else 4):
                view.put(f"{number}\x1b[777m", _opened(hostile(kind, self.texts)))
        row = hostile(type(next(iter(self.status.rows.values()))), self.texts)
        self.status.put("engine", row)

    async def send(
        self, kind: CommandKind[Any, Any], args: Any, *, deadline_s: float, command_id: str | None = None
    ) -> Reply[Any]:
        """Return hostile replies to everything."""
        del args, deadline_s, command_id
        outcome = CommandOutcome.PARTLY if kind.changes_state else CommandOutcome.DONE
        return Reply(outcome, next(self.texts), hostile(kind.result, self.texts), is_repeated=False)


def _kind_of(name: str) -> type[msgspec.Struct]:
    from mexc_tui.model.trading_view import OrderRow, PositionRow, RiskRow, SnipeRow
    from mexc_tui.model.view import ListingRow, SignalRow

    kinds: dict[str, type[msgspec.Struct]] = {
        "listings": ListingRow,
        "signals": SignalRow,
        "snipes": SnipeRow,
        "orders": OrderRow,
        "positions": PositionRow,
        "risk": RiskRow,
    }
    return kinds[name]


def _opened(row: msgspec.Struct) -> msgspec.Struct:
    """Return a row whose position is open and whose signal is active."""
    fields = {name: None for name in ("closed_ms", "ended_ms") if name in row.__struct_fields__}
    fields |= {name: NOW_MS for name in ("opens_ms", "at_ms") if name in row.__struct_fields__}
    return msgspec.structs.replace(row, **fields)
