-- The exchange's pairs as read last: what is new after a restart is new against these.

CREATE TABLE pairs (
    symbol  TEXT    PRIMARY KEY,
    seen_ms INTEGER NOT NULL,
    body    BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
