"""Settings of polls, detection, the clock, stale prices and alerts."""

from mexc_tui.model.severity import Severity
from mexc_tui.settings.declaration import (
    Channels,
    ChannelUrl,
    Count,
    Group,
    HostName,
    HoursOfDay,
    MailAddress,
    Ratio,
    Triple,
    row,
)


class PollSettings(Group):
    """Poll intervals of the sources, shorter near an opening."""

    title = "Polls"

    calendar_poll_s: Ratio = row(300.0, "Poll the calendar at this interval.", unit="s", low=1, high=86_400)
    announcements_poll_s: Ratio = row(
        300.0, "Poll announcements at this interval.", unit="s", low=10, high=86_400
    )
    symbols_poll_s: Ratio = row(30.0, "Poll symbols at this interval.", unit="s", low=1, high=3_600)
    symbols_poll_near_s: Ratio = row(
        5.0, "Poll symbols at this interval when an opening is near.", unit="s", low=1, high=3_600
    )
    symbols_poll_opening_s: Ratio = row(
        1.0, "Poll symbols at this interval around an opening.", unit="s", low=0.5, high=60
    )
    near_before_s: Count = row(
        3_600,
        "Treat an opening as near, and start its streams, from this long before it.",
        unit="s",
        low=60,
        high=86_400,
    )
    opening_before_s: Count = row(
        120, "Use the intervals around an opening from this long before it.", unit="s", low=5, high=3_600
    )
    exchange_info_least_s: Ratio = row(
        3.0, "Query exchangeInfo (request weight 25) at most once in this time.", unit="s", low=3, high=300
    )


class DetectionGroup(Group):
    """Thresholds of the detectors."""

    title = "Detection"

    detection_pass_s: Ratio = row(5.0, "Run the detectors at this interval.", unit="s", low=0.5, high=300)
    ready_triple: Triple = row("2/2/4", "Treat these states sts/st/tt as ready (undocumented).", restart=True)
    opening_late_s: Count = row(
        900, "Count an opening as announced up to this delay.", unit="s", low=0, high=86_400
    )
    opening_overdue_s: Count = row(
        120,
        "Report an opening as late without a trade for this time after the announced one.",
        unit="s",
        low=1,
        high=3_600,
    )
    api_warning_s: Count = row(
        600, "Suspect never_api while API trading is disabled from this long before the opening.",
        unit="s", low=0, high=86_400,
    )  # fmt: skip
    api_lead_s: Count = row(
        3_600,
        "Expect a pair that is open to the API, but has no opening time, to open within this time.",
        unit="s",
        low=60,
        high=86_400,
    )
    maturity_s: Count = row(
        3_600,
        "Observe an open listing for this time, then record its outcome.",
        unit="s",
        low=10,
        high=604_800,
        restart=True,
    )
    api_grace_s: Count = row(
        3_600,
        "Record never_api for a pair still closed to the API this long after its opening.",
        unit="s",
        low=10,
        high=604_800,
        restart=True,
    )
    cluster_window_s: Count = row(
        600, "Group listings that open within this time as a cluster.", unit="s", low=1, high=86_400
    )
    thin_book_quote: Ratio = row(
        500.0,
        "Report an order book with less than this within 2 % of the best price as thin.",
        unit="USDT",
        low=0,
        high=1_000_000,
    )
    wide_spread_pct: Ratio = row(5.0, "Report a wider spread as a risk.", unit="%", low=0.01, high=100)
    book_risk_hold_s: Count = row(
        300,
        "Keep a reported thin book or wide spread active for at least this time.",
        unit="s",
        low=0,
        high=86_400,
    )
    prior_weight: Ratio = row(20.0, "Weight the base rate like this many past cases.", low=0.1, high=1_000)


class Clocks(Group):
    """Measurement and limits of the clock offset."""

    title = "Clock"

    clock_resync_s: Count = row(60, "Measure the clock offset at this interval.", unit="s", low=5, high=3_600)
    clock_resync_opening_s: Count = row(
        10, "Measure the clock offset at this interval around an opening.", unit="s", low=1, high=600
    )
    clock_warn_error_ms: Count = row(
        250, "Warn when the error bound of the clock offset reaches this.", unit="ms", low=1, high=5_000
    )
    clock_refuse_ahead_ms: Count = row(
        900,
        "Refuse signed requests when the clock may be further ahead than this.",
        unit="ms",
        low=1,
        high=900,
    )


class Staleness(Group):
    """Age limits of prices."""

    title = "Staleness"

    price_stale_s: Ratio = row(
        5.0,
        "Treat an older price as stale: raise an alert, and evaluate no stop-loss with it.",
        unit="s",
        low=0.5,
        high=60,
    )


class AlertSettings(Group):
    """Evaluation of alerts, and notifications to channels."""

    title = "Alerts"
    decides = False

    alert_evaluate_s: Count = row(
        5, "Evaluate the alert rules at this interval.", unit="s", low=1, high=3_600
    )
    notify_channels: Channels = row((), "Send notifications to these channels; empty: to none.", restart=True)
    notify_from: Severity = row(Severity.INFO, "Send notifications of this severity and above.", restart=True)
    notify_suppress_s: Count = row(
        300,
        "Send no alert of the same rule and subject again within this time, unless it is more severe.",
        unit="s",
        low=0,
        high=86_400,
        restart=True,
    )
    notify_per_hour: Count = row(
        60,
        "Send at most this many notifications per hour and channel, and all critical ones.",
        low=1,
        high=1_000,
        restart=True,
    )
    notify_quiet_utc: HoursOfDay = row(
        "", "Send only critical notifications in these hours (UTC), the others after them.", restart=True
    )
    notify_ntfy_url: ChannelUrl = row(
        "https://ntfy.sh", "Send ntfy notifications to this server.", restart=True
    )
    notify_webhook_url: ChannelUrl = row(
        "", "Send signed notifications to this address, which must contain no secret.", restart=True
    )
    notify_smtp_host: HostName = row("", "Send e-mails through this server.", restart=True)
    notify_smtp_port: Count = row(
        587, "Port of the e-mail server: 465 for TLS at once, others with STARTTLS.", low=1, high=65_535,
        restart=True,
    )  # fmt: skip
    notify_smtp_from: MailAddress = row("", "Send e-mails from this address.", restart=True)
    notify_smtp_to: MailAddress = row("", "Send e-mails to this address.", restart=True)
    dead_man_s: Count = row(
        0, "Ping the dead man's check at this interval while the engine works; 0: never.", unit="s", low=0,
        high=3_600, restart=True,
    )  # fmt: skip
