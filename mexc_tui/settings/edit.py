"""Change one setting in the text of a settings file, and leave everything else unchanged."""

import json
import re
import tomllib
from decimal import Decimal
from enum import StrEnum
from typing import cast

from mexc_tui.settings.declaration import text_of
from mexc_tui.settings.layers import UnreadableSettings, lines_of, marked


def with_value(text: str, name: str, value: object, *, set_in: str = "") -> str:
    """Return the text with the setting at this value, in its old place or at the end, with its comment.

    `set_in`: the mode that it is set in, if not for all.
    Raises UnreadableSettings if the text is not TOML, or the setting's lines are ambiguous.
    """
    line = f"{name} = {toml_of(value)}"
    lines = lines_of(text)
    place = _place(text, name)
    if place is None:
        lines.append(line + marked("", set_in))
    else:
        first, last = place
        comment = _comment(lines[first]) if first == last else ""
        lines[first : last + 1] = [line + marked(comment, set_in)]
    changed = "".join(f"{line}\n" for line in lines)
    if name not in _read(changed):
        raise UnreadableSettings(f"{name} cannot be added after a [table]: settings belong at the top level.")
    return changed


def without(text: str, name: str) -> str:
    """Return the text without the setting, so that its default (or a lower layer) applies.

    Raises UnreadableSettings as `with_value` does.
    """
    place = _place(text, name)
    if place is None:
        return text
    lines = lines_of(text)
    return "".join(f"{line}\n" for line in [*lines[: place[0]], *lines[place[1] + 1 :]])


def toml_of(value: object) -> str:
    """Return a setting's value as TOML."""
    match value:
        case bool() | int() | float() | Decimal():
            return text_of(value)
        case StrEnum():
            return json.dumps(value.value)
        case tuple():
            return "[" + ", ".join(toml_of(str(part)) for part in cast("tuple[object, ...]", value)) + "]"
        case _:
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _place(text: str, name: str) -> tuple[int, int] | None:
    """Return the first and last line of a setting; None if it is not in the text."""
    if name not in _read(text):
        return None
    lines = lines_of(text)
    begins = re.compile(rf"""\s*["']?{re.escape(name)}["']?\s*=""")
    found = [number for number, line in enumerate(lines) if begins.match(line)]
    if len(found) == 1:
        first = found[0]
        for last in range(first, len(lines)):
            if _is_toml("\n".join(lines[first : last + 1])):
                return first, last
    raise UnreadableSettings(f"Cannot determine which lines set {name}. Edit the file manually.")


def _comment(line: str) -> str:
    """Return the comment that ends the line, with the spaces before it."""
    value = _read(line)
    for found in re.finditer(r"\s*#", line):
        before = line[: found.start()]
        if _is_toml(before) and _read(before) == value:
            return line[found.start() :]
    return ""


def _read(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise UnreadableSettings(
            f"The settings file is not TOML: {error}. Correct it manually first."
        ) from None


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
