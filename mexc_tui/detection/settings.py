"""What detectors can be told. A signal keeps the hash of what held when it was raised."""

import msgspec

from mexc_tui.model.listing import API_GRACE_MS, MATURITY_MS, Triple

HOUR_MS = 3_600_000


class PreReady(msgspec.Struct, frozen=True):
    """A combination of sts and st that is said to come `lead_ms` before an opening (rules 1)."""

    status: int
    state: int
    lead_ms: int


class LabelRule(msgspec.Struct, frozen=True, kw_only=True):
    """How the value of a listing is labelled: a fixed rule that anybody could have followed (formulas E7).

    Buy the first trade seen `delay_ms` after the opening, sell the ladder's shares at their gains, and all
    that is left at the stop or at the horizon. Ratios are shares: 0.1 is ten per cent.
    """

    version: str = "1"
    horizon_ms: int = MATURITY_MS
    delay_ms: int = 500
    slippage: float = 0.005
    fee: float = 0.0005
    ladder: tuple[tuple[float, float], ...] = ((0.3, 0.1), (0.4, 0.2), (0.3, 0.3))
    """(share sold, gain over the price paid), lowest gain first."""
    stop: float = 0.1


class DetectionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Thresholds of all detectors. Times in milliseconds, ratios as shares, values in quote units."""

    ready_triple: Triple = Triple(2, 2, 4)
    """sts, st and tt that are said to mean "about to open": a hypothesis that outcomes judge."""
    pre_ready: tuple[PreReady, ...] = (
        PreReady(1, 1, 6 * HOUR_MS),
        PreReady(2, 1, 2 * HOUR_MS),
        PreReady(2, 2, HOUR_MS // 2),
    )
    advance_ms: int = 12_600_000
    """How long before an opening the ready triple is said to show: 3.5 hours."""
    tolerance_ms: int = 15 * 60_000
    """So late an opening still counts as announced."""
    overdue_ms: int = 120_000
    api_warning_ms: int = 600_000
    """Without the API's permission so short before the opening, never-API is suspected."""
    api_lead_ms: int = HOUR_MS
    """A pair that may be traded by API and has no time is expected to open within this."""
    thin_value: float = 500.0
    """Less than this within two per cent of the best price, on either side, is thin."""
    wide_spread: float = 0.05
    stale_ms: int = 5_000
    """Quotes older than this tell nothing about the present."""
    hold_ms: int = 300_000
    """A thin book or a wide spread ends at the earliest so long after it was reported."""
    cluster_window_ms: int = 600_000
    maturity_ms: int = MATURITY_MS
    api_grace_ms: int = API_GRACE_MS
    kappa: float = 20.0
    """How many cases the prior weighs (formulas E7)."""
    label: LabelRule = LabelRule()
    config_hash: str = ""
    """Name of all settings that decide, these among them: a signal keeps it."""
