-- The last known pairs of the exchange. After a restart, new pairs are detected against these.

CREATE TABLE pairs (
    symbol  TEXT    PRIMARY KEY,
    seen_ms INTEGER NOT NULL,
    body    BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
