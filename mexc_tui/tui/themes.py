"""Colour themes as files: where they lie, what one may say, and which ones there are."""

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
MOST_BYTES = 64 * 1024

READABLE = 4.5
"""WCAG 2.1, 1.4.3, level AA: the least contrast of a text with what is behind it."""

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
    """What is less important, or old."""
    primary: Colour
    """Heads and the row under the cursor."""
    secondary: Colour
    accent: Colour
    success: Colour
    """Up, gained, in order."""
    warning: Colour
    error: Colour
    """Down, lost, broken."""

    def unreadable(self) -> tuple[str, ...]:
        """Return the pairs of a text and its ground whose contrast is under `READABLE`, in words."""
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
    """The themes that can be used, and in `problems` what is wrong with those that cannot or should not."""

    by_name: Mapping[str, Theme]
    problems: tuple[str, ...]


def themes_folder() -> Traversable:
    """Return the folder of the themes that come with the desk: in the package, or beside it in a checkout."""
    packaged = resources.files("mexc_tui") / "themes"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "themes"


def shipped_themes() -> tuple[Theme, ...]:
    """Read the themes that come with the desk, by name. Raises ThemeError for a broken one."""
    files = [entry for entry in themes_folder().iterdir() if entry.name.endswith(".toml")]
    return tuple(sorted((_read(file) for file in files), key=lambda theme: theme.name))


def all_themes(own: Path) -> Themes:
    """Read the desk's themes and a person's own, which win over those of the same name.

    A broken file of theirs is left out and named; one that is hard to read is taken and named.
    """
    found = {theme.name: theme for theme in shipped_themes()}
    problems: list[str] = []
    try:
        files = sorted(entry for entry in own.iterdir() if entry.suffix == ".toml")
    except FileNotFoundError:
        files = []
    except OSError as error:
        files, problems = [], [f"The folder of your own themes cannot be read: {error}"]
    for file in files:
        try:
            theme = _read(file)
        except ThemeError as error:
            problems.append(f"{error} It is left out.")
            continue
        found[theme.name] = theme
        weak = theme.unreadable()
        if weak:
            problems.append(f"Theme file {clean(file.name)}: hard to read: {', '.join(weak)}.")
    return Themes(found, tuple(problems))


def chosen(themes: Themes, wanted: str, environ: Mapping[str, str]) -> tuple[Theme, str]:
    """Return the theme to begin with, and a word about it if it is not the one that was wanted."""
    if "NO_COLOR" in environ or environ.get("TERM") == "dumb":
        return themes.by_name[WITHOUT_COLOUR], ""
    theme = themes.by_name.get(wanted)
    if theme is not None:
        return theme, ""
    names = ", ".join(sorted(themes.by_name))
    return themes.by_name[DEFAULT], f"There is no theme {clean(wanted, 40)!r}. There are: {names}."


def _read(file: Traversable) -> Theme:
    name = clean(file.name)
    try:
        with file.open("rb") as opened:
            body = opened.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise ThemeError(f"Theme file {name}: larger than {MOST_BYTES // 1024} kB.")
        return msgspec.convert(tomllib.loads(body.decode()), Theme)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ThemeError(f"Theme file {name}: {clean(str(error))}.") from error
    except OSError as error:
        raise ThemeError(f"Theme file {name}: cannot be read: {clean(str(error.strerror))}.") from error
