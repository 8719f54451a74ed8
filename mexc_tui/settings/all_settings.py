"""The table of all settings, and the groups joined into one frozen value."""

import hashlib
from collections.abc import Hashable
from functools import lru_cache
from operator import attrgetter
from typing import Any

from pydantic_settings import PydanticBaseSettingsSource, SettingsConfigDict

from mexc_tui.settings.declaration import Group, Setting, describe, text_of
from mexc_tui.settings.monitoring import AlertSettings, Clocks, DetectionGroup, PollSettings, Staleness
from mexc_tui.settings.running import Caches, Process, Requests, Screen, StoreSettings, StreamSettings
from mexc_tui.settings.trading import (
    ArmingSettings,
    EntrySettings,
    Exit,
    LedgerSettings,
    LiveCaps,
    RiskSettings,
    Size,
    Start,
)

GROUPS: tuple[type[Group], ...] = (
    *(Start, ArmingSettings, Size, RiskSettings, LiveCaps, EntrySettings, Exit, LedgerSettings),
    *(PollSettings, DetectionGroup, Clocks, Staleness, AlertSettings),
    *(Requests, StreamSettings, StoreSettings, Caches, Process, Screen),
)
"""Groups in display order."""

ASCENDING = (
    ("max_trades_hour", "max_trades_day"),
    ("order_min_quote", "position_quote", "position_cap_quote"),
    ("position_cap_pct", "exposure_cap_pct"),
    ("live_position_cap_quote", "live_exposure_cap_quote"),
    ("losses_pause", "losses_halt"),
    ("guard_medium_pct", "guard_high_pct"),
    ("symbols_poll_opening_s", "symbols_poll_near_s", "symbols_poll_s"),
    ("opening_before_s", "near_before_s"),
    ("clock_resync_opening_s", "clock_resync_s"),
    ("http_connect_s", "http_total_s"),
    ("http_order_s", "http_total_s"),
    ("http_retry_base_s", "http_retry_cap_s"),
    ("stream_backoff_s", "stream_backoff_cap_s"),
    ("query_slow_ms", "query_error_ms"),
)
"""Settings in ascending order: none may exceed the next one."""


class Settings(
    Start,
    ArmingSettings,
    Size,
    RiskSettings,
    LiveCaps,
    EntrySettings,
    Exit,
    LedgerSettings,
    PollSettings,
    DetectionGroup,
    Clocks,
    Staleness,
    AlertSettings,
    Requests,
    StreamSettings,
    StoreSettings,
    Caches,
    Process,
    Screen,
):
    """All settings. `load` creates it; the constructor reads no source by itself."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @classmethod
    def of(cls, *sources: PydanticBaseSettingsSource) -> "Settings":
        """Return the defaults with these sources on top, the first one highest. Raises ValidationError."""
        # The only way to exclude the environment and files of the process.
        arguments: dict[str, Any] = {"_build_sources": (sources, {})}
        return cls(**arguments)

    def text(self, name: str) -> str:
        """Return one setting's value as text."""
        return text_of(getattr(self, name))

    @property
    def config_hash(self) -> str:
        """Return the hash of all deciding values: equal values, equal hash on every machine."""
        return _hash(_deciding_values(self))


@lru_cache(maxsize=8)  # read at every pass, changed rarely
def _hash(values: tuple[Hashable, ...]) -> str:
    lines = [f"{name}={text_of(value)}\n" for name, value in zip(_DECIDING, values, strict=True)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


TABLE: dict[str, Setting] = {
    name: describe(name, group, group.model_fields[name]) for group in GROUPS for name in group.model_fields
}
"""Description of each setting by name, in the order of the groups."""

_DECIDING = tuple(name for name, setting in TABLE.items() if setting.decides)
_deciding_values = attrgetter(*_DECIDING)
