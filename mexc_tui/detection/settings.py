"""Settings of the detectors. Each signal records the hash of the settings in force when it was raised."""

import msgspec

from mexc_tui.model.listing import API_GRACE_MS, MATURITY_MS, Triple

HOUR_MS = 3_600_000


class PreReady(msgspec.Struct, frozen=True):
    """A combination of sts and st usually seen `lead_ms` before an opening (rules 1)."""

    status: int
    state: int
    lead_ms: int


class LabelRule(msgspec.Struct, frozen=True, kw_only=True):
    """Fixed rule for the value of a listing, reproducible by anyone (formulas E7).

    Buy at the first trade `delay_ms` after the opening, sell the ladder's shares at their gains, and the
    remainder at the stop or at the horizon. Ratios are fractions: 0.1 is ten per cent.
    """

    version: str = "1"
    horizon_ms: int = MATURITY_MS
    delay_ms: int = 500
    slippage: float = 0.005
    fee: float = 0.0005
    ladder: tuple[tuple[float, float], ...] = ((0.3, 0.1), (0.4, 0.2), (0.3, 0.3))
    """(share sold, gain over the entry price), lowest gain first."""
    stop: float = 0.1


class DetectionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Thresholds of all detectors. Times in milliseconds, ratios as fractions, values in quote units."""

    ready_triple: Triple = Triple(2, 2, 4)
    """sts, st and tt assumed to mean "about to open": a hypothesis tested against outcomes."""
    pre_ready: tuple[PreReady, ...] = (
        PreReady(1, 1, 6 * HOUR_MS),
        PreReady(2, 1, 2 * HOUR_MS),
        PreReady(2, 2, HOUR_MS // 2),
    )
    advance_ms: int = 12_600_000
    """Longest usual lead time of the ready triple: 3.5 hours."""
    tolerance_ms: int = 15 * 60_000
    """Latest opening after its planned time that still counts as announced."""
    overdue_ms: int = 120_000
    api_warning_ms: int = 600_000
    """Without API permission this close to the opening, the symbol is flagged as never-API."""
    api_lead_ms: int = HOUR_MS
    """A symbol with API permission and no opening time is expected to open within this time."""
    thin_value: float = 500.0
    """Minimum value within two per cent of the best price on each side; below it the book is thin."""
    wide_spread: float = 0.05
    stale_ms: int = 5_000
    """Maximum age of a usable quote."""
    hold_ms: int = 300_000
    """Minimum duration of a thin-book or wide-spread warning."""
    cluster_window_ms: int = 600_000
    maturity_ms: int = MATURITY_MS
    api_grace_ms: int = API_GRACE_MS
    kappa: float = 20.0
    """Weight of the prior, in cases (formulas E7)."""
    label: LabelRule = LabelRule()
    config_hash: str = ""
    """Name of all effective settings, these included: each signal records it."""
