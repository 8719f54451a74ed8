"""Colour themes as files: where they lie, and what one may say."""

import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec


class ThemeError(Exception):
    """A theme file that cannot be used; the text names the file and the field."""


class Theme(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One colour theme. Colours are `#rrggbb`."""

    name: str
    dark: bool
    background: str
    surface: str
    panel: str
    foreground: str
    primary: str
    secondary: str
    accent: str
    success: str
    warning: str
    error: str


def themes_folder() -> Traversable:
    """Return the folder of the themes that come with the desk: in the package, or beside it in a checkout."""
    packaged = resources.files("mexc_tui") / "themes"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "themes"


def shipped_themes() -> tuple[Theme, ...]:
    """Read the themes that come with the desk, by name. Raises ThemeError for a broken one."""
    files = [entry for entry in themes_folder().iterdir() if entry.name.endswith(".toml")]
    return tuple(sorted((_read(file) for file in files), key=lambda theme: theme.name))


def _read(file: Traversable) -> Theme:
    try:
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), Theme)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ThemeError(f"Theme file {file.name}: {error}") from error
