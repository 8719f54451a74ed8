"""Colour themes: files, format and search path."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import msgspec

from mexc_tui.model.errors import DeskError
from mexc_tui.model.text import clean
from mexc_tui.tui.contrast import contrast

DEFAULT = "dark"
WITHOUT_COLOUR = "monochrome"
MAX_BYTES = 64 * 1024

READABLE = 4.5
"""Minimum contrast of text, WCAG 2.1, 1.4.3, level AA."""

Colour = Annotated[str, msgspec.Meta(pattern=r"^#[0-9a-fA-F]{6}$")]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]


class ThemeError(DeskError):
    """A theme file cannot be used.

    Raised while themes are read. Skip the theme and show the text, which names the file and the field.
    """


class Theme(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One colour theme. Colours are `#rrggbb`."""

    name: Name
    dark: bool
    background: Colour
    surface: Colour
    panel: Colour
    foreground: Colour
    muted: Colour
    """Secondary or stale text."""
    primary: Colour
    """Column heads and the selected row."""
    secondary: Colour
    accent: Colour
    success: Colour
    """Gain, good state."""
    warning: Colour
    error: Colour
    """Loss, error."""

    def unreadable(self) -> tuple[str, ...]:
        """Return the colour pairs whose contrast is below `READABLE`, as text."""
        texts = ("foreground", "muted", "primary", "secondary", "accent", "success", "warning", "error")
        pairs = [(text, ground) for ground in ("background", "surface", "panel") for text in texts]
        ratios = [
            (text, ground, contrast(getattr(self, text), getattr(self, ground))) for text, ground in pairs
        ]
        return tuple(
            f"{text} on {ground} {ratio:.1f}:1" for text, ground, ratio in ratios if ratio < READABLE
        )


@dataclass(frozen=True, slots=True)
class Themes:
    """Usable themes, and problems of the others."""

    by_name: Mapping[str, Theme]
    problems: tuple[str, ...]


def themes_folder() -> Traversable:
    """Return the folder of the bundled themes: in the package, or next to it in a checkout."""
    packaged = resources.files("mexc_tui") / "themes"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "themes"


def shipped_themes() -> tuple[Theme, ...]:
    """Read the bundled themes by name. Raises ThemeError for an invalid one."""
    files = [entry for entry in themes_folder().iterdir() if entry.name.endswith(".toml")]
    return tuple(sorted((_read(file) for file in files), key=lambda theme: theme.name))


def all_themes(own: Path) -> Themes:
    """Read the bundled themes and the user's own, which take precedence.

    An invalid user file is skipped and reported; one with low contrast is used and reported.
    """
    found = {theme.name: theme for theme in shipped_themes()}
    problems: list[str] = []
    try:
        files = sorted(entry for entry in own.iterdir() if entry.suffix == ".toml")
    except FileNotFoundError:
        files = []
    except OSError as error:
        files, problems = [], [f"The folder of your themes cannot be read: {error}"]
    for file in files:
        try:
            theme = _read(file)
        except ThemeError as error:
            problems.append(f"{error} Skipped.")
            continue
        found[theme.name] = theme
        weak = theme.unreadable()
        if weak:
            problems.append(f"Theme file {clean(file.name)}: low contrast: {', '.join(weak)}.")
    return Themes(found, tuple(problems))


def chosen(themes: Themes, wanted: str, environ: Mapping[str, str]) -> tuple[Theme, str]:
    """Return the initial theme, and a message if it is not the requested one."""
    if "NO_COLOR" in environ or environ.get("TERM") == "dumb":
        return themes.by_name[WITHOUT_COLOUR], ""
    theme = themes.by_name.get(wanted)
    if theme is not None:
        return theme, ""
    names = ", ".join(sorted(themes.by_name))
    return themes.by_name[DEFAULT], f"Unknown theme {clean(wanted, 40)!r}. Available: {names}."


def _read(file: Traversable) -> Theme:
    name = clean(file.name)
    try:
        with file.open("rb") as opened:
            body = opened.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise ThemeError(f"Theme file {name}: larger than {MAX_BYTES // 1024} kB.")
        return msgspec.convert(tomllib.loads(body.decode()), Theme)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ThemeError(f"Theme file {name}: {clean(str(error))}.") from error
    except OSError as error:
        raise ThemeError(f"Theme file {name}: cannot be read: {clean(str(error.strerror))}.") from error
