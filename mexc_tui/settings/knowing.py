"""Settings of knowing: polls, listings, detection, the clock, alerts."""

from mexc_tui.settings.row import Count, Group, Ratio, Triple, row


class PollSettings(Group):
    """How often sources are asked; faster towards an opening."""

    title = "Polls"

    calendar_poll_s: Ratio = row(300.0, "Ask for the calendar so often.", unit="s", low=1, high=86_400)
    announcements_poll_s: Ratio = row(300.0, "Ask for announcements so often.", unit="s", low=10, high=86_400)
    symbols_poll_s: Ratio = row(30.0, "Ask for symbols so often.", unit="s", low=1, high=3_600)
    symbols_poll_near_s: Ratio = row(5.0, "The same when an opening is near.", unit="s", low=1, high=3_600)
    symbols_poll_opening_s: Ratio = row(1.0, "The same around an opening.", unit="s", low=0.5, high=60)
    near_before_s: Count = row(
        3_600, "An opening is near from here on; streams begin.", unit="s", low=60, high=86_400
    )
    opening_before_s: Count = row(120, "Around an opening begins here.", unit="s", low=5, high=3_600)
    exchange_info_least_s: Ratio = row(
        3.0, "Never ask for exchangeInfo more often: it weighs 25.", unit="s", low=3, high=300
    )


class DetectionGroup(Group):
    """What detectors look for."""

    title = "Detection"

    detection_pass_s: Ratio = row(5.0, "Run the detectors so often.", unit="s", low=0.5, high=300)
    ready_triple: Triple = row(
        "2/2/4", "States sts/st/tt that are said to mean ready; a hypothesis.", restart=True
    )
    opening_late_s: Count = row(
        900, "So late an opening still counts as announced.", unit="s", low=0, high=86_400
    )
    opening_overdue_s: Count = row(
        120,
        "Without a trade so long after the announced time an opening is late.",
        unit="s",
        low=1,
        high=3_600,
    )
    api_warning_s: Count = row(
        600, "Without permission for the API so short before, never-API is suspected.",
        unit="s", low=0, high=86_400,
    )  # fmt: skip
    api_lead_s: Count = row(
        3_600, "A pair open to the API without a time is expected within this.", unit="s", low=60, high=86_400
    )
    maturity_s: Count = row(
        3_600,
        "An open listing is watched so long; then its outcome is known.",
        unit="s",
        low=10,
        high=604_800,
        restart=True,
    )
    api_grace_s: Count = row(
        3_600,
        "A pair still closed to the API so long after it opened counts as never tradable.",
        unit="s",
        low=10,
        high=604_800,
        restart=True,
    )
    cluster_window_s: Count = row(
        600, "Listings that open within this time are a cluster.", unit="s", low=1, high=86_400
    )
    thin_book_quote: Ratio = row(
        500.0, "Less than this within 2 % of the best price is thin.", unit="USDT", low=0, high=1_000_000
    )
    wide_spread_pct: Ratio = row(5.0, "A wider spread is a risk.", unit="%", low=0.01, high=100)
    book_risk_hold_s: Count = row(
        300, "Report a thin book or a wide spread for at least so long.", unit="s", low=0, high=86_400
    )
    prior_weight: Ratio = row(
        20.0, "Past cases that the base rate weighs in a probability.", low=0.1, high=1_000
    )


class Clocks(Group):
    """How far this machine's clock may be off the exchange's."""

    title = "Clock"

    clock_resync_s: Count = row(60, "Measure the offset so often.", unit="s", low=5, high=3_600)
    clock_resync_opening_s: Count = row(10, "The same around an opening.", unit="s", low=1, high=600)
    clock_warn_error_ms: Count = row(
        250, "Warn when the offset is known no better than this.", unit="ms", low=1, high=5_000
    )
    clock_refuse_ahead_ms: Count = row(
        900, "Send nothing signed when more than this ahead.", unit="ms", low=1, high=900
    )


class Staleness(Group):
    """When a price is too old."""

    title = "Staleness"

    price_stale_s: Ratio = row(5.0, "Alarm when a price is older.", unit="s", low=0.5, high=60)
    stop_stale_s: Ratio = row(2.0, "A stop's price is stale when older.", unit="s", low=0.5, high=60)


class AlertSettings(Group):
    """When to speak up."""

    title = "Alerts"
    decides = False

    alert_evaluate_s: Count = row(30, "Look at the rules so often.", unit="s", low=1, high=3_600)
