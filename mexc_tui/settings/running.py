"""Settings of the machine: requests, sockets, store, caches, process, screen."""

from mexc_tui.settings.row import Count, Group, Ratio, Switch, ThemeName, row


class Requests(Group):
    """How the exchange is asked."""

    title = "Requests"
    decides = False

    order_calls_per_s: Count = row(
        12, "Calls that place or cancel orders.", unit="1/s", low=1, high=12, restart=True
    )
    weight_per_10s: Count = row(
        300, "Weight of requests within ten seconds.", unit="1/10 s", low=50, high=500, restart=True
    )
    exit_reserve_pct: Count = row(
        20, "Part of each budget that only exits may use.", unit="%", low=10, high=80, restart=True
    )
    http_connect_s: Ratio = row(
        3.0, "Give up connecting after this time.", unit="s", low=0.5, high=30, restart=True
    )
    http_total_s: Ratio = row(
        10.0,
        "Give up a request after this time; a list of all pairs after three times as long.",
        unit="s",
        low=1,
        high=60,
        restart=True,
    )
    http_order_s: Ratio = row(
        5.0, "The same for orders; then ask what became of it.", unit="s", low=1, high=30, restart=True
    )
    http_retries: Count = row(3, "Tries of a request that only reads.", low=1, high=10, restart=True)
    http_retry_base_s: Ratio = row(
        0.5, "Pause before the second try; doubles.", unit="s", low=0.05, high=10, restart=True
    )
    http_retry_cap_s: Ratio = row(8.0, "Longest such pause.", unit="s", low=0.1, high=60, restart=True)
    breaker_failures: Count = row(
        5, "Failures in its window that open a breaker; exits pass.", low=1, high=100, restart=True
    )
    breaker_window_s: Ratio = row(60.0, "That window.", unit="s", low=1, high=600, restart=True)
    breaker_open_s: Ratio = row(30.0, "How long it stays open.", unit="s", low=1, high=600, restart=True)
    breaker_probes: Count = row(3, "Requests that try whether it may close.", low=1, high=3, restart=True)


class StreamSettings(Group):
    """How streams are kept."""

    title = "Streams"
    decides = False

    stream_ping_s: Ratio = row(
        5.0,
        "Ping so often; a connection without any answer is dead after 1.5 times that.",
        unit="s",
        low=2,
        high=25,
        restart=True,
    )
    stream_rotate_s: Count = row(
        82_800, "Replace a connection at this age; the exchange closes it at 24 h.",
        unit="s", low=600, high=86_000, restart=True,
    )  # fmt: skip
    stream_backoff_s: Ratio = row(
        1.0, "Pause before connecting again; doubles.", unit="s", low=0.1, high=30, restart=True
    )
    stream_backoff_cap_s: Ratio = row(30.0, "Longest such pause.", unit="s", low=1, high=300, restart=True)


class StoreSettings(Group):
    """The database and what is kept in it."""

    title = "Store"
    decides = False

    store_busy_s: Ratio = row(
        5.0, "Wait so long for a locked database.", unit="s", low=0.1, high=60, restart=True
    )
    store_readers: Count = row(4, "Connections that read.", low=1, high=16, restart=True)
    query_slow_ms: Count = row(100, "Warn of a slower query.", unit="ms", low=1, high=10_000, restart=True)
    query_error_ms: Count = row(
        1_000, "A slower query is an error.", unit="ms", low=1, high=10_000, restart=True
    )
    query_deadline_s: Ratio = row(
        10.0, "A query ends after this time.", unit="s", low=0.1, high=60, restart=True
    )
    keep_metrics_days: Count = row(
        7,
        "Keep detection passes, risk checks, clean reconciliations; minutes of equity at least 35 days.",
        unit="d",
        low=1,
        high=3_650,
    )
    keep_executions_days: Count = row(
        90,
        "Keep attempts of entries and what reconciliations found; orders, positions and the ledger stay.",
        unit="d",
        low=90,
        high=36_500,
    )
    keep_journal_days: Count = row(
        365,
        "Keep facts of the journal and closed alerts, longer while what they are about is open.",
        unit="d",
        low=30,
        high=36_500,
    )
    keep_copies_days: Count = row(
        30, "Keep databases that a restore replaced; the newest stays.", unit="d", low=1, high=3_650
    )


class Caches(Group):
    """How old a cached answer may be. Money is never decided from one."""

    title = "Caches"
    decides = False

    cache_memory_s: Ratio = row(5.0, "In memory.", unit="s", low=1, high=5, restart=True)
    cache_database_s: Ratio = row(
        300.0, "In the database, for the next start.", unit="s", low=300, high=2_592_000, restart=True
    )
    cache_promoted_memory_s: Ratio = row(
        5.0, "In memory, when it came from the database.", unit="s", low=1, high=5, restart=True
    )
    cache_memory_mb: Count = row(
        16, "Size of the cache in memory.", unit="MB", low=1, high=1_024, restart=True
    )


class Process(Group):
    """The engine's own health."""

    title = "Process"
    decides = False

    worker_failures: Count = row(
        3, "Failures of a worker that degrade trading.", low=1, high=100, restart=True
    )
    worker_window_s: Count = row(300, "Within this time.", unit="s", low=10, high=86_400, restart=True)
    stop_deadline_s: Ratio = row(
        5.0, "How long each worker may take to stop.", unit="s", low=1, high=60, restart=True
    )
    keep_log_mb: Count = row(
        8, "Size of engine.log with its older parts.", unit="MB", low=1, high=1_000, restart=True
    )


class Screen(Group):
    """The desk's face."""

    title = "Screen"
    decides = False

    theme: ThemeName = row("dark", "Colours.")
    economy: Switch = row(False, "Send less, for slow lines.")
    bell: Switch = row(True, "Ring for what is critical.")
    flash: Switch = row(False, "Flash for what is critical.")
