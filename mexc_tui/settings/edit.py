"""Change one setting in the text of a settings file, and leave everything else unchanged."""

import json
import re
import tomllib
from decimal import Decimal
from enum import StrEnum
from typing import cast

from mexc_tui.settings.declaration import text_of
from mexc_tui.settings.layers import UnreadableSettings, marked_mode
from mexc_tui.settings.sections import BASE, lines_of, section_text, with_section


def with_value(text: str, name: str, value: object, *, section: str = BASE) -> str:
    """Return the text with the setting at this value, in its old place or at the end of its section.

    `section`: the mode that the value is for, or BASE. The line keeps its comment.
    Raises UnreadableSettings if the text is not TOML, or the setting's lines are ambiguous.
    """
    _read(text)
    part = section_text(text, section)
    line = f"{name} = {toml_of(value)}"
    lines = lines_of(part) if part else []
    place = _place(part, name)
    if place is None:
        lines.insert(_end(lines), line)
    else:
        first, last = place
        comment = _comment(lines[first]) if first == last else ""
        lines[first : last + 1] = [line + comment]
    changed = with_section(text, section, "".join(f"{line}\n" for line in lines))
    if name not in _section(_read(changed), section):
        raise UnreadableSettings(f"{name} cannot be added after a [table]: settings belong at the top level.")
    return changed


def without(text: str, name: str, *, section: str = BASE) -> str:
    """Return the text without the setting, so that its default (or a lower layer) applies.

    Raises UnreadableSettings as `with_value` does.
    """
    if name not in _section(_read(text), section):
        return text
    part = section_text(text, section)
    place = _place(part, name)
    if place is None:
        raise UnreadableSettings(f"Cannot determine which lines set {name}. Edit the file manually.")
    lines = lines_of(part)
    kept = [*lines[: place[0]], *lines[place[1] + 1 :]]
    return with_section(text, section, "".join(f"{line}\n" for line in kept))


def migrated(text: str) -> str:
    """Return the text with each value that version 0.2 marked for a mode in the section of that mode."""
    for name in _read(text):
        mode = marked_mode(text, name)
        if mode is None:
            continue
        line = _line(text, name)
        text = without(text, name)
        part = section_text(text, mode.value)
        if _place(part, name) is None:
            lines = lines_of(part) if part else []
            lines.insert(_end(lines), line)
            text = with_section(text, mode.value, "".join(f"{line}\n" for line in lines))
    return text


def _line(text: str, name: str) -> str:
    """Return a marked setting's line without the mark."""
    part = section_text(text, BASE)
    place = _place(part, name)
    assert place is not None
    line = lines_of(part)[place[0]]
    return line[: line.rindex("# set in ")].rstrip()


def _end(lines: list[str]) -> int:
    """Return the index after the last line that is not empty."""
    return max((number for number, line in enumerate(lines, 1) if line.strip()), default=0)


def _section(table: dict[str, object], section: str) -> dict[str, object]:
    """Return the values of a section."""
    return table if section == BASE else cast("dict[str, object]", table.get(section, {}))


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
