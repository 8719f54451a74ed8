"""Sections of a settings file: the base for all modes, and one section per mode, such as `[live]`. Pure."""

import re
import tomllib
from dataclasses import dataclass

from mexc_tui.model.mode import Mode

BASE = ""
"""The part before the first section: values for all modes."""
_HEADER = re.compile(rf"""\s*\[\s*["']?({"|".join(Mode)})["']?\s*\]\s*(#.*)?$""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Lines of one section, without its header."""

    name: str
    """Mode, or BASE."""
    first: int
    """Index of its first line."""
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """Return the section as TOML of its own."""
        return "".join(f"{line}\n" for line in self.lines)


def lines_of(text: str) -> list[str]:
    """Return the lines as TOML counts them; str.splitlines splits at more characters."""
    lines = text.replace("\r\n", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def sections_of(text: str) -> tuple[Section, ...]:
    """Return the base and the sections, in the order of the file."""
    lines = lines_of(text)
    found: list[Section] = []
    name, first = BASE, 0
    for number, line in enumerate(lines):
        header = _HEADER.match(line)
        # Not a header: a line of a text or list over several lines.
        if header is None or not _is_toml(lines[first:number]):
            continue
        found.append(Section(name=name, first=first, lines=tuple(lines[first:number])))
        name, first = header[1], number + 1
    return (*found, Section(name=name, first=first, lines=tuple(lines[first:])))


def section_text(text: str, name: str) -> str:
    """Return one section as TOML of its own; empty: there is none."""
    return next((section.text for section in sections_of(text) if section.name == name), "")


def with_section(text: str, name: str, changed: str) -> str:
    """Return the text with one section replaced; a new one is added at the end."""
    lines = lines_of(text)
    for section in sections_of(text):
        if section.name == name:
            end = section.first + len(section.lines)
            new = lines_of(changed) if changed else []
            return _joined([*lines[: section.first], *new, *lines[end:]])
    gap = [""] if lines else []
    return _joined([*lines, *gap, f"[{name}]", *lines_of(changed)])


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _is_toml(lines: list[str]) -> bool:
    try:
        tomllib.loads("\n".join(lines))
    except (ValueError, RecursionError):
        return False
    return True
