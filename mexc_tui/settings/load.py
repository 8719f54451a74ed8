"""Load all layers into one frozen value, or report all mistakes at once."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import pairwise
from typing import cast

from pydantic import ValidationError

from mexc_tui.model.errors import SettingsRefused
from mexc_tui.model.mode import Mode
from mexc_tui.model.text import clean
from mexc_tui.settings.all_settings import ASCENDING, TABLE, Settings
from mexc_tui.settings.declaration import text_of
from mexc_tui.settings.layers import Layer, SettingSource, SettingValue
from mexc_tui.settings.sections import BASE

VALUE_LIMIT = 80
REMOVED = frozenset(
    {
        *(
            "alert_concentration_pct",
            "alert_escalate_s",
            "alert_latency_ms",
            "alert_least",
            "alert_memory_pct",
        ),
        *("alert_queue_lag_ms", "alert_rule_hour", "alert_slippage_pct", "alert_success_pct"),
        *("alert_suppress_s", "keep_recordings_days", "keep_recordings_gb", "memory_limit_mb"),
        *("repaints_economy_per_s", "repaints_per_s", "rows_kept", "similarity", "similarity_threshold"),
        "stop_stale_s",
    }
)
"""Settings of older versions that had no effect: ignored in a file, refused elsewhere."""

_SECRET_NAME = re.compile(
    "secret|password|passphrase|passwd|credential|private_?key|access_?key|api_?key|listen_?key|signature|token"
)
_SECRET_VALUE = re.compile(r"mx0[A-Za-z0-9]{8,}|[0-9A-Fa-f]{32,}|[A-Za-z0-9_+/-]{40,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A mistake in a setting."""

    name: str
    value: str
    """The value as text; a placeholder in brackets for a secret."""
    allowed: str
    origin: str
    why: str

    def __str__(self) -> str:
        """Return the mistake as text."""
        allowed = f" Allowed: {self.allowed}." if self.allowed else ""
        return f"{self.name} = {self.value}: {self.why} (from {self.origin}).{allowed}"


class SettingsError(SettingsRefused):
    """Settings are invalid, and none was applied.

    Raised by loading, checking and writing settings. Show the text; `problems` contains each mistake.
    """

    def __init__(self, problems: Iterable[Problem] = (), text: str = "") -> None:
        """List all problems, one line each."""
        self.problems = tuple(problems)
        super().__init__(text or "\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """All layers of settings, highest priority first."""

    flags: Layer = field(default_factory=Layer.empty)
    environment: Layer = field(default_factory=Layer.empty)
    file: Layer = field(default_factory=Layer.empty)
    scenario: Layer = field(default_factory=Layer.empty)
    """Overrides of a scenario: lowest priority, in practice mode only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Valid settings, and the origin of each that is not a default."""

    settings: Settings
    origins: Mapping[str, str]
    overrides: tuple[str, ...]
    """Names of the settings overridden by a scenario."""
    removed: tuple[str, ...] = ()
    """Settings of older versions in the file, which are ignored: each as text, with its origin."""

    def origin(self, name: str) -> str:
        """Return a description of a value's origin."""
        return self.origins.get(name, "the default")


def load(layers: Layers) -> Loaded:
    """Join the layers. Raises SettingsError with every mistake of every layer, even in overridden values."""
    mode = _mode(layers)
    scenario = layers.scenario if mode is Mode.PRACTICE else Layer.empty()
    parts = {name: Layer(values) for name, values in layers.file.sections.items()}
    removed = {
        name: value
        for part in (layers.file, *parts.values())
        for name, value in part.values.items()
        if name in REMOVED
    }
    own = Layer.empty() if mode is None else _without_removed(parts.get(mode, Layer.empty()))
    strongest_first = (layers.flags, layers.environment, own, _without_removed(layers.file), scenario)
    others = [_without_removed(part) for name, part in parts.items() if name is not mode]
    problems = [problem for layer in (*strongest_first, *others) for problem in problems_of(layer)]
    problems += [
        _problem("mode", part.values["mode"], "a section cannot set it")
        for part in parts.values()
        if "mode" in part.values
    ]
    if "mode" in scenario.values:
        problems.append(_problem("mode", scenario.values["mode"], "a scenario cannot override it"))
    if problems:
        raise SettingsError(problems)
    settings = Settings.of(*(SettingSource(Settings, layer) for layer in strongest_first))
    origins: dict[str, str] = {}
    for layer in reversed(strongest_first):
        origins.update({name: value.origin for name, value in layer.values.items()})
    overrides = tuple(name for name, value in scenario.values.items() if origins[name] == value.origin)
    loaded = Loaded(
        settings=settings,
        origins=origins,
        overrides=overrides,
        removed=tuple(f"{name}, removed in 0.2 ({value.origin})" for name, value in removed.items()),
    )
    contradictions = tuple(_contradictions(loaded))
    if contradictions:
        raise SettingsError(contradictions)
    return loaded


def section_of(name: str, layers: Layers) -> str:
    """Return the section of the file for a value set now: the mode, or BASE for all modes.

    A value that decides about trading belongs to the mode in which it was set.
    """
    mode = _mode(layers)
    if mode is None or name == "mode" or name not in TABLE:
        return BASE
    is_own = TABLE[name].decides or name in layers.file.sections.get(mode, {})
    return mode.value if is_own else BASE


def _without_removed(layer: Layer) -> Layer:
    return Layer({name: value for name, value in layer.values.items() if name not in REMOVED})


def _mode(layers: Layers) -> Mode | None:
    """Return the mode without validation; None if it is invalid, which `load` reports."""
    for layer in (layers.flags, layers.environment, layers.file):
        if "mode" in layer.values:
            named = layer.values["mode"].value
            return Mode(named) if named in list(Mode) else None
    return Mode.PRACTICE


def problems_of(layer: Layer) -> list[Problem]:
    """Return the problems of a layer's values, each checked alone."""
    problems: list[Problem] = []
    known: dict[str, SettingValue] = {}
    for name, value in layer.values.items():
        if name not in TABLE:
            problems.append(_unknown_setting(name, value))
        elif _looks_secret(value.value):
            problems.append(_problem(name, value, "it looks like a secret; secrets are never settings"))
        else:
            known[name] = value
    try:
        Settings.of(SettingSource(Settings, Layer(known)))
    except ValidationError as error:
        wrong: dict[str, str] = {}
        for detail in error.errors(include_url=False, include_input=False, include_context=False):
            wrong.setdefault(str(detail["loc"][0]), _reason(detail["type"], detail["msg"]))
        problems.extend(_problem(name, known[name], why) for name, why in wrong.items())
    return problems


def _reason(kind: str, message: str) -> str:
    return message.removeprefix("Value error, ") if kind == "value_error" else "not allowed"


def _problem(name: str, value: SettingValue, why: str) -> Problem:
    setting = TABLE[name]
    allowed = f"{setting.allowed} {setting.unit}".rstrip() if " to " in setting.allowed else setting.allowed
    return Problem(name=name, value=_display_text(value.value), allowed=allowed, origin=value.origin, why=why)


def _unknown_setting(name: str, value: SettingValue) -> Problem:
    display_name = clean(name, VALUE_LIMIT)
    if _SECRET_NAME.search(name.lower().replace("-", "_")) or _looks_secret(value.value):
        why = (
            "secrets are never settings. Remove it and treat it as compromised: "
            "create a new key and store it with `mexc-tui keys set`"
        )
        return Problem(name=display_name, value="(hidden)", allowed="", origin=value.origin, why=why)
    if isinstance(value.value, dict):
        return Problem(
            name=display_name,
            value="(a table)",
            allowed="",
            origin=value.origin,
            why="settings belong at the top level or in [practice], [paper] or [live], not in a table",
        )
    if name in REMOVED:
        return Problem(
            name=display_name,
            value=_display_text(value.value),
            allowed="",
            origin=value.origin,
            why="removed in 0.2, it had no effect: delete it",
        )
    close = get_close_matches(name, TABLE, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return Problem(
        name=display_name,
        value=_display_text(value.value),
        allowed="",
        origin=value.origin,
        why=f"unknown setting{hint}",
    )


def _contradictions(loaded: Loaded) -> Iterable[Problem]:
    settings = loaded.settings
    for names in ASCENDING:
        for lower, upper in pairwise(names):
            if getattr(settings, lower) > getattr(settings, upper):
                yield _contradiction(loaded, lower, upper, allowed=f"at most {upper}")
    if settings.break_even_rung > len(settings.ladder):
        yield _contradiction(loaded, "break_even_rung", "ladder", allowed="at most the number of rungs")


def _contradiction(loaded: Loaded, name: str, other: str, *, allowed: str) -> Problem:
    return Problem(
        name=name,
        value=loaded.settings.text(name),
        allowed=allowed,
        origin=loaded.origin(name),
        why=f"it conflicts with {other} = {loaded.settings.text(other)} from {loaded.origin(other)}",
    )


def _looks_secret(value: object) -> bool:
    if not isinstance(value, str | list | tuple | dict):
        return False
    text = str(cast("object", value))
    # A long path is no secret, one of its folders may be.
    parts = text.split("/") if text.startswith("/") else (text,)
    return any(_SECRET_VALUE.search(part) for part in parts)


def _display_text(value: object) -> str:
    if _looks_secret(value):
        return "(hidden)"
    if isinstance(value, int) and value.bit_length() > 4 * VALUE_LIMIT:
        return "(number too long)"
    return clean(
        text_of(tuple(cast("list[object]", value)) if isinstance(value, list) else value), VALUE_LIMIT
    )
