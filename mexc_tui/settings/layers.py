"""Layers of settings: scenario < file < section of the mode < environment < flags. Pure.

A layer contains values and their origins. `load` validates them.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import cast

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from mexc_tui.model.errors import DeskError
from mexc_tui.model.mode import Mode
from mexc_tui.settings.sections import BASE, lines_of, section_text, sections_of

PREFIX = "MEXC_TUI_"
_MARK = re.compile(r" *# set in (practice|paper)$")
"""Mark of version 0.2 at the end of a line: the mode it was set in, now a section."""


@dataclass(frozen=True, slots=True)
class SettingValue:
    """A value and its origin."""

    value: object
    origin: str
    """Description of the origin: file and line, variable, flag or scenario."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Values of one source, by setting name."""

    values: Mapping[str, SettingValue]
    sections: Mapping[Mode, Mapping[str, SettingValue]] = field(
        default_factory=dict[Mode, Mapping[str, SettingValue]]
    )
    """Values of one mode only; above `values` in that mode."""

    @classmethod
    def empty(cls) -> "Layer":
        """Return an empty layer."""
        return cls({})


class UnreadableSettings(DeskError):
    """A source is not readable as settings.

    Raised while the file, variables and flags are read. Correct the source named in the text.
    """


class SettingSource(PydanticBaseSettingsSource):
    """A layer as a source of pydantic-settings: the first source with a value wins."""

    def __init__(self, settings: type[BaseSettings], layer: Layer) -> None:
        """Return all values of the layer."""
        super().__init__(settings)
        self._values = {name: given.value for name, given in layer.values.items()}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[object, str, bool]:
        """Return the raw value, its name, and that it needs no decoding."""
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, object]:
        """Return all values."""
        return dict(self._values)


def file_layer(text: str, file: str) -> Layer:
    """Read TOML text. Raises UnreadableSettings with the line."""
    try:
        table = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:  # including oversized numbers and deeply nested lists
        raise UnreadableSettings(f"{file} is not TOML: {error}.") from None
    base: dict[str, SettingValue] = {}
    sections: dict[Mode, dict[str, SettingValue]] = {}
    for name, value in table.items():
        mode = marked_mode(text, name)
        if name in list(Mode) and isinstance(value, dict):
            own = sections.setdefault(Mode(name), {})
            for key, of_mode in cast("dict[str, object]", value).items():
                own[key] = SettingValue(of_mode, _place(text, file, key, section=name))
        elif mode is not None:
            sections.setdefault(mode, {}).setdefault(name, SettingValue(value, _place(text, file, name)))
        else:
            base[name] = SettingValue(value, _place(text, file, name))
    return Layer(base, sections)


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """Return every variable with the prefix."""
    return Layer(
        {
            variable.removeprefix(PREFIX).lower(): SettingValue(value, f"the variable {variable}")
            for variable, value in sorted(environ.items())
            if variable.startswith(PREFIX)
        }
    )


def flag_layer(flags: Mapping[str, object], assignments: Iterable[str] = ()) -> Layer:
    """Return the layer of flags (None: not set) and `NAME=VALUE` texts. Raises UnreadableSettings."""
    values = {
        name: SettingValue(value, f"the flag --{name.replace('_', '-')}")
        for name, value in flags.items()
        if value is not None
    }
    for assignment in assignments:
        name, is_one, value = assignment.partition("=")
        name = name.strip().replace("-", "_")
        if not is_one:
            # The text could be a misplaced secret.
            raise UnreadableSettings("--set takes NAME=VALUE.")
        values[name] = SettingValue(value.strip(), f"the flag --set {name}")
    return Layer(values)


def scenario_layer(values: Mapping[str, object], scenario: str) -> Layer:
    """Return the overrides of a scenario; `load` uses them in practice mode only."""
    given: dict[str, SettingValue] = {}
    for name, value in values.items():
        exact = Decimal(str(value)) if isinstance(value, float) else value
        given[name] = SettingValue(exact, f"the scenario {scenario}")
    return Layer(given)


def marked_mode(text: str, name: str) -> Mode | None:
    """Return the mode that version 0.2 marked at the only line of a setting; None: no mark."""
    lines = _lines_with(section_text(text, BASE), name)
    found = _MARK.search(lines[0][1]) if len(lines) == 1 else None
    return Mode(found[1]) if found is not None else None


def _place(text: str, file: str, name: str, *, section: str = BASE) -> str:
    """Return the line if exactly one matches: a multi-line text could contain the same text."""
    suffix = f", section [{section}]" if section else ""
    for part in sections_of(text):
        lines = _lines_with(part.text, name) if part.name == section else []
        if len(lines) == 1:
            return f"{file}, line {part.first + lines[0][0]}{suffix}"
    return f"{file}, key {name}{suffix}"


def _lines_with(text: str, name: str) -> list[tuple[int, str]]:
    """Return the lines that start with a setting's name, with their numbers."""
    begins = re.compile(rf"""\s*["']?{re.escape(name)}["']?\s*=""")
    return [(number, line) for number, line in enumerate(lines_of(text), 1) if begins.match(line)]
