-- Outbox of notifications. A key is stored once, so that a repeated fact is not sent twice.
CREATE TABLE notifications (
    id    INTEGER PRIMARY KEY,
    key   TEXT    NOT NULL UNIQUE,
    rule  TEXT    NOT NULL,
    about TEXT    NOT NULL,
    at_ms INTEGER NOT NULL,
    body  BLOB    NOT NULL
) STRICT;

CREATE INDEX notifications_by_rule ON notifications (rule, about, at_ms);

-- One row per notification and channel. done_ms: when it was sent or given up.
CREATE TABLE deliveries (
    id              INTEGER PRIMARY KEY,
    notification_id INTEGER NOT NULL REFERENCES notifications (id) ON DELETE CASCADE,
    channel         TEXT    NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_ms         INTEGER NOT NULL,
    done_ms         INTEGER,
    is_sent         INTEGER NOT NULL DEFAULT 0 CHECK (is_sent IN (0, 1)),
    error           TEXT    NOT NULL DEFAULT '',
    UNIQUE (notification_id, channel)
) STRICT;

CREATE INDEX deliveries_pending ON deliveries (channel, next_ms) WHERE done_ms IS NULL;
CREATE INDEX deliveries_sent ON deliveries (channel, done_ms) WHERE is_sent = 1;

-- Newest fact that was considered; no row while there is no channel.
CREATE TABLE notify_position (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    sequence INTEGER NOT NULL
) STRICT;
