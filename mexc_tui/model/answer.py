"""Base of all exchange responses: text is cleaned and numbers are checked once, while decoding."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec

from mexc_tui.model.number import NUMBER, is_signed_number
from mexc_tui.model.text import NAME_LIMIT, TEXT_LIMIT, are_clean, clean, clean_all

MAX_MONEY = Decimal("1e30")
MAX_DECIMALS = 40

LongText = Annotated[str, TEXT_LIMIT]
"""Text of up to 500 characters; every other text field is a name of up to 64 (reliability 4.5)."""

Ms = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]
"""Unix milliseconds, up to the year 9999."""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]

Precision = Annotated[int, msgspec.Meta(ge=0, le=MAX_DECIMALS)]
"""Number of allowed decimals."""

NumberText = Annotated[str, msgspec.Meta(pattern=rf"\A{NUMBER}\Z")]
"""A non-negative number as printed by the exchange, for order books; converted only when read."""


class _Fields(NamedTuple):
    """Fields of one response type that need checks."""

    names: Callable[[object], tuple[str, ...]] | None
    name_fields: tuple[str, ...]
    other_texts: tuple[tuple[str, int], ...]
    text_tuples: tuple[str, ...]
    money: tuple[str, ...]


class EndpointResponse(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A decoded response. An absurd number raises ValueError while decoding, which the decoder reports."""

    def __post_init__(self) -> None:
        fields = _FIELDS.get(type(self)) or _learn(type(self))
        if fields.names is not None and not are_clean(fields.names(self)):
            for name in fields.name_fields:
                msgspec.structs.force_setattr(self, name, clean(getattr(self, name), NAME_LIMIT))
        for name, limit in fields.other_texts:
            text: object = getattr(self, name)
            if isinstance(text, str) and (cleaned := clean(text, limit)) is not text:
                msgspec.structs.force_setattr(self, name, cleaned)
        for name in fields.text_tuples:
            texts: tuple[str, ...] | None = getattr(self, name)
            if texts:
                msgspec.structs.force_setattr(self, name, clean_all(texts))
        for name in fields.money:
            _check_money(name, getattr(self, name))


@lru_cache(maxsize=8_192)
def money(text: str) -> Decimal:
    """Return the amount in a text. Raises ValueError if it is not a plausible plain number."""
    if not is_signed_number(text):
        raise ValueError("not a number")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError("not a number") from None
    _check_money("a number", value)
    return value


_FIELDS: dict[type, _Fields] = {}


def _check_money(name: str, value: Decimal | None) -> None:
    """Raise ValueError for NaN, infinity and implausible sizes; `name` is the field's."""
    if value is None:
        return
    try:
        sane = -MAX_MONEY < value < MAX_MONEY and value.adjusted() > -MAX_DECIMALS
    except InvalidOperation:  # every comparison with NaN is false
        sane = False
    if not sane:
        raise ValueError(f"`{name}` is not a sane number")


def _learn(kind: type[EndpointResponse]) -> _Fields:
    """Find the fields by their types, once per response type, so that no new field is missed."""
    names: list[str] = []
    others: list[tuple[str, int]] = []
    tuples: list[str] = []
    decimals: list[str] = []
    hints = get_type_hints(kind, include_extras=True)
    for name in kind.__struct_fields__:
        hint = hints[name]
        if hint is str:
            names.append(name)
        elif (limit := _text_limit(hint)) is not None:
            others.append((name, limit))
        elif tuple[str, ...] in _members(hint):
            tuples.append(name)
        elif Decimal in _members(hint):
            decimals.append(name)
    getter: Callable[[object], Any] | None = None
    if len(names) == 1:
        only = attrgetter(names[0])
        getter = lambda answer: (only(answer),)  # noqa: E731
    elif names:
        getter = attrgetter(*names)
    fields = _Fields(getter, tuple(names), tuple(others), tuple(tuples), tuple(decimals))
    _FIELDS[kind] = fields
    return fields


def _members(hint: object) -> tuple[object, ...]:
    """Return the types that a field may have, except None."""
    if get_origin(hint) in (Union, UnionType):
        return tuple(member for member in get_args(hint) if member is not NoneType)
    return (hint,)


def _text_limit(hint: object) -> int | None:
    for member in _members(hint):
        if member is str:
            return NAME_LIMIT
        if get_origin(member) is Annotated and get_args(member)[0] is str:
            limits = [extra for extra in get_args(member)[1:] if isinstance(extra, int)]
            return limits[0] if limits else None
    return None
