"""Settings of requests, streams, store, caches, process and screen."""

from mexc_tui.settings.declaration import Count, FileName, Group, Ratio, Switch, ThemeName, row


class Requests(Group):
    """Budgets, timeouts and retries of requests to the exchange."""

    title = "Requests"
    decides = False

    order_calls_per_s: Count = row(
        12,
        "Send at most this many calls that place or cancel orders.",
        unit="1/s",
        low=1,
        high=12,
        restart=True,
    )
    weight_per_10s: Count = row(
        300,
        "Spend at most this request weight in ten seconds.",
        unit="1/10 s",
        low=50,
        high=500,
        restart=True,
    )
    exit_reserve_pct: Count = row(
        20, "Reserve this share of each budget for exits.", unit="%", low=10, high=80, restart=True
    )
    http_connect_s: Ratio = row(
        3.0, "Time out a connection attempt after this time.", unit="s", low=0.5, high=30, restart=True
    )
    http_total_s: Ratio = row(
        10.0,
        "Time out a request after this time, a list of all pairs after three times this time.",
        unit="s",
        low=1,
        high=60,
        restart=True,
    )
    http_order_s: Ratio = row(
        5.0,
        "Time out an order after this time, then query its state.",
        unit="s",
        low=1,
        high=30,
        restart=True,
    )
    http_retries: Count = row(3, "Try a read request at most this many times.", low=1, high=10, restart=True)
    http_retry_base_s: Ratio = row(
        0.5,
        "Wait this long before the second try; doubles with each try.",
        unit="s",
        low=0.05,
        high=10,
        restart=True,
    )
    http_retry_cap_s: Ratio = row(
        8.0, "Wait at most this long between tries.", unit="s", low=0.1, high=60, restart=True
    )
    breaker_failures: Count = row(
        5,
        "Open a circuit breaker after this many failures in its window; exits still pass.",
        low=1,
        high=100,
        restart=True,
    )
    breaker_window_s: Ratio = row(
        60.0,
        "Count failures for the circuit breaker in this window.",
        unit="s",
        low=1,
        high=600,
        restart=True,
    )
    breaker_open_s: Ratio = row(
        30.0, "Keep a circuit breaker open for this time.", unit="s", low=1, high=600, restart=True
    )
    breaker_probes: Count = row(
        3, "Send this many probes before a circuit breaker closes.", low=1, high=3, restart=True
    )


class StreamSettings(Group):
    """Keep-alive and reconnection of streams."""

    title = "Streams"
    decides = False

    stream_ping_s: Ratio = row(
        5.0,
        "Ping at this interval; treat a connection as dead after 1.5 intervals without a message.",
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
        1.0,
        "Wait this long before reconnecting; doubles with each attempt.",
        unit="s",
        low=0.1,
        high=30,
        restart=True,
    )
    stream_backoff_cap_s: Ratio = row(
        30.0, "Wait at most this long before reconnecting.", unit="s", low=1, high=300, restart=True
    )


class StoreSettings(Group):
    """Database access and retention."""

    title = "Store"
    decides = False

    store_busy_s: Ratio = row(
        5.0, "Wait at most this long for a locked database.", unit="s", low=0.1, high=60, restart=True
    )
    store_readers: Count = row(4, "Open this many read connections.", low=1, high=16, restart=True)
    query_slow_ms: Count = row(
        100, "Log a slower query as a warning.", unit="ms", low=1, high=10_000, restart=True
    )
    query_error_ms: Count = row(
        1_000, "Log a slower query as an error.", unit="ms", low=1, high=10_000, restart=True
    )
    query_deadline_s: Ratio = row(
        10.0, "Abort a query after this time.", unit="s", low=0.1, high=60, restart=True
    )
    keep_metrics_days: Count = row(
        7,
        "Keep detection passes, risk checks, clean reconciliations; equity by minute at least 35 days.",
        unit="d",
        low=1,
        high=3_650,
    )
    keep_executions_days: Count = row(
        90,
        "Keep entry attempts and reconciliation differences; orders, positions and ledger are always kept.",
        unit="d",
        low=90,
        high=36_500,
    )
    keep_journal_days: Count = row(
        365,
        "Keep journal events and closed alerts, longer while their subject is open.",
        unit="d",
        low=30,
        high=36_500,
    )
    keep_copies_days: Count = row(
        30, "Keep databases replaced by a restore; the newest is always kept.", unit="d", low=1, high=3_650
    )


class Caches(Group):
    """Age limits of cached responses. No decision about money uses one."""

    title = "Caches"
    decides = False

    cache_memory_s: Ratio = row(
        5.0, "Serve a response from memory up to this age.", unit="s", low=1, high=5, restart=True
    )
    cache_database_s: Ratio = row(
        300.0,
        "Serve a response from the database up to this age, for the next start.",
        unit="s",
        low=300,
        high=2_592_000,
        restart=True,
    )
    cache_promoted_memory_s: Ratio = row(
        5.0,
        "Serve a response loaded from the database from memory for this time.",
        unit="s",
        low=1,
        high=5,
        restart=True,
    )
    cache_memory_mb: Count = row(
        16, "Limit the cache in memory to this size.", unit="MB", low=1, high=1_024, restart=True
    )


class Process(Group):
    """Health of the engine process."""

    title = "Process"
    decides = False

    worker_failures: Count = row(
        3, "Allow no entries after this many failures of a worker.", low=1, high=100, restart=True
    )
    worker_window_s: Count = row(
        300, "Count failures of a worker within this time.", unit="s", low=10, high=86_400, restart=True
    )
    stop_deadline_s: Ratio = row(
        5.0, "Wait at most this long for each worker to stop.", unit="s", low=1, high=60, restart=True
    )
    keep_log_mb: Count = row(
        8, "Limit engine.log and its rotated parts to this size.", unit="MB", low=1, high=1_000, restart=True
    )
    metrics_port: Count = row(
        0,
        "Serve metrics on this port of 127.0.0.1, open to all users of this machine; 0: on no port.",
        low=0,
        high=65_535,
        restart=True,
    )
    metrics_file: FileName = row(
        "", "Write metrics to this file, for a textfile collector; empty: to none.", restart=True
    )
    metrics_file_s: Ratio = row(
        15.0, "Write the metrics file at this interval.", unit="s", low=1, high=300, restart=True
    )


class Screen(Group):
    """Display of the desk."""

    title = "Screen"
    decides = False

    theme: ThemeName = row("dark", "Use this colour theme.")
    economy: Switch = row(False, "Repaint at most once a second, for slow connections.")
    bell: Switch = row(True, "Ring the terminal bell for critical alerts.")
    flash: Switch = row(False, "Flash the screen for critical alerts.")
