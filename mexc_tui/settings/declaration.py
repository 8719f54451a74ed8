"""Declaration of a setting, and the types of values."""

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias, TypeVar, cast

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode

from mexc_tui.model.listing import ListingCategory
from mexc_tui.model.notification import ChannelName
from mexc_tui.model.policy import Rung
from mexc_tui.model.signal import DetectorName

if TYPE_CHECKING:
    from pydantic.config import JsonDict

T = TypeVar("T")

MAX_RUNGS = 6
MAX_TEXTS = 100
MAX_PATTERN = 100
LONGEST = 40
"""Largest number of digits before or after the decimal point."""

_RUNG = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)@(\d{1,4}(?:\.\d{1,4})?)")
_TRIPLE = re.compile(r"\d{1,3}/\d{1,3}/\d{1,3}")


class Group(BaseSettings):
    """A group of settings. A setting's group is the class that declares it."""

    title: ClassVar[str]
    decides: ClassVar[bool] = True
    """Whether they affect decisions, and so the config hash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Description of one setting."""

    name: str
    group: str
    decides: bool
    default: str
    unit: str
    allowed: str
    """Range or choices as text."""
    bounds: tuple[Decimal, Decimal] | None
    """Inclusive bounds; None: not a number with bounds."""
    needs_restart: bool
    help: str


def row(
    default: T,
    help: str,  # noqa: A002 - the usual term
    *,
    unit: str = "",
    low: float | Decimal | None = None,
    high: float | Decimal | None = None,
    restart: bool = False,
) -> T:
    """Declare one setting: default, meaning, unit and inclusive bounds."""
    facts: JsonDict = {"unit": unit, "restart": restart}
    if low is None or high is None:
        return Field(default=default, description=help, json_schema_extra=facts)
    facts["range"] = f"{low} to {high}"
    facts["bounds"] = [str(low), str(high)]
    if isinstance(default, Decimal):  # 0.1 as a float is above 0.1
        low, high = Decimal(str(low)), Decimal(str(high))
    return Field(default=default, description=help, ge=low, le=high, json_schema_extra=facts)


def plain(number: Decimal | float) -> str:
    """Format a number without exponent and trailing zeros."""
    exact = Decimal(str(number))
    if not exact.is_finite() or abs(exact.adjusted()) > LONGEST:
        return str(number)  # written in full it could be a gigabyte of zeros
    text = format(exact, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def text_of(value: object) -> str:
    """Return a setting's value as the text of a variable or flag."""
    match value:
        case bool():
            return "true" if value else "false"
        case StrEnum():
            return value.value
        case Decimal() | float():
            return plain(value)
        case tuple():
            texts = [str(part) for part in cast("tuple[object, ...]", value)]
            is_plain = all(text and text == text.strip() and "," not in text for text in texts)
            is_plain = is_plain and not "".join(texts).startswith("[")
            return ", ".join(texts) if is_plain else json.dumps(texts, ensure_ascii=False)
        case _:
            return str(value)


def describe(name: str, group: type[Group], field: FieldInfo) -> Setting:
    """Return the description of a setting."""
    extra = field.json_schema_extra
    facts = cast("JsonDict", extra) if isinstance(extra, dict) else {}
    low_high = cast("list[str]", facts.get("bounds", []))
    return Setting(
        name=name,
        group=group.title,
        decides=group.decides,
        default=text_of(field.default),
        unit=str(facts.get("unit", "")),
        allowed=str(facts["range"]) if "range" in facts else _kind(field),
        bounds=(Decimal(low_high[0]), Decimal(low_high[1])) if low_high else None,
        needs_restart=bool(facts.get("restart", False)),
        help=field.description or "",
    )


def _kind(field: FieldInfo) -> str:
    for note in field.metadata:
        if isinstance(note, AllowedValues):
            return note.text
    if isinstance(field.annotation, type) and issubclass(field.annotation, StrEnum):
        return ", ".join(member.value for member in field.annotation)
    return "true, false"


@dataclass(frozen=True, slots=True)
class AllowedValues:
    """Describe the allowed values of a type."""

    text: str


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("expected a number, not true or false")
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) > LONGEST and value:
        raise ValueError("the number has too many digits")
    return value


def _split(value: object) -> object:
    """Parse a TOML list, JSON text, or comma-separated text."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            pass  # a pattern may also start with a bracket
    return [part.strip() for part in value.split(",")] if value.strip() else []


def _patterns(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        try:
            re.compile(value)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"{value!r} is not a regular expression: {error}") from None
    return values


def _rungs(value: object) -> object:
    parts = _split(value)
    return tuple(map(_rung, cast("list[object]", parts))) if isinstance(parts, list | tuple) else parts


def _rung(value: object) -> Rung:
    if isinstance(value, Rung):
        return value
    found = _RUNG.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
    if found is None:
        raise ValueError("expected SHARE@GAIN, such as 30@10")
    share, gain = (Decimal(plain(Decimal(text))) for text in found.groups())
    return Rung(share, gain)


def _ladder(rungs: tuple[Rung, ...]) -> tuple[Rung, ...]:
    gains = [rung.gain_pct for rung in rungs]
    if sorted(set(gains)) != gains:
        raise ValueError("each rung needs a higher gain than the one before")
    if sum(rung.share_pct for rung in rungs) > 100 or any(rung.share_pct <= 0 for rung in rungs):
        raise ValueError("shares must be above 0 and at most 100 in total")
    if any(not Decimal("0.1") <= gain <= 1000 for gain in gains):
        raise ValueError("gains must be between 0.1 and 1000 %")
    return rungs


def _ascending(values: tuple[Decimal, ...]) -> tuple[Decimal, ...]:
    if sorted(set(values)) != list(values) or any(value <= 0 for value in values):
        raise ValueError("the steps must be above 0 and ascending")
    return values


def _triple(value: str) -> str:
    if not _TRIPLE.fullmatch(value):
        raise ValueError("three numbers, such as 2/2/4")
    return value


Count: TypeAlias = Annotated[int, BeforeValidator(_number)]
Amount: TypeAlias = Annotated[Decimal, BeforeValidator(_number), Field(allow_inf_nan=False)]
"""Exact money and percentages."""
Ratio: TypeAlias = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
"""Times and statistics, where floating point is exact enough."""
Switch: TypeAlias = bool
Detectors: TypeAlias = Annotated[
    tuple[DetectorName, ...],
    NoDecode,
    BeforeValidator(_split),
    AllowedValues("a list of " + ", ".join(DetectorName)),
]
Categories: TypeAlias = Annotated[
    tuple[ListingCategory, ...],
    NoDecode,
    BeforeValidator(_split),
    AllowedValues("a list of " + ", ".join(ListingCategory)),
]
Channels: TypeAlias = Annotated[
    tuple[ChannelName, ...],
    NoDecode,
    BeforeValidator(_split),
    AllowedValues("a list of " + ", ".join(ChannelName)),
]
Patterns: TypeAlias = Annotated[
    tuple[Annotated[str, Field(max_length=MAX_PATTERN)], ...],
    NoDecode,
    BeforeValidator(_split),
    AfterValidator(_patterns),
    Field(max_length=MAX_TEXTS),
    AllowedValues("a list of regular expressions, each matching a whole symbol"),
]
Ladder: TypeAlias = Annotated[
    tuple[Rung, ...],
    NoDecode,
    BeforeValidator(_rungs),
    AfterValidator(_ladder),
    Field(max_length=MAX_RUNGS),
    AllowedValues("at most 6 rungs SHARE@GAIN in %, ascending gains, shares at most 100 in total"),
]
Steps: TypeAlias = Annotated[
    tuple[Amount, Amount, Amount],
    NoDecode,
    BeforeValidator(_split),
    AfterValidator(_ascending),
    AllowedValues("three ascending amounts above 0"),
]
Triple: TypeAlias = Annotated[str, AfterValidator(_triple), AllowedValues("three numbers, such as 2/2/4")]
ThemeName: TypeAlias = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$"), AllowedValues("the name of a theme file")
]
ChannelUrl: TypeAlias = Annotated[
    str,
    Field(pattern=r"^(https://[^\s@]{1,300}|http://(127\.0\.0\.1|\[::1\])(:\d{1,5})?(/[^\s@]{0,300})?)?$"),
    AllowedValues("an address with https://, http:// on this machine, or empty"),
]
HostName: TypeAlias = Annotated[
    str,
    Field(pattern=r"^([A-Za-z0-9.-]{1,253}|::1)?$"),
    AllowedValues("the name or address of a host, or empty"),
]
MailAddress: TypeAlias = Annotated[
    str,
    Field(pattern=r"^([A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190})?$"),
    AllowedValues("an e-mail address, or empty"),
]
HoursOfDay: TypeAlias = Annotated[
    str,
    Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?$"),
    AllowedValues("hours such as 22:00-07:00, or empty"),
]
FileName: TypeAlias = Annotated[
    str,
    Field(pattern=r"^(/[^\x00-\x1f]{0,399}[^\x00-\x20])?$"),
    AllowedValues("the absolute path of a file, or empty"),
]
