-- Listings, signals about them, and their outcomes.

CREATE TABLE listings (
    id            TEXT    PRIMARY KEY,
    symbol        TEXT    NOT NULL,
    first_seen_ms INTEGER NOT NULL,
    opens_ms      INTEGER,
    stage         TEXT    NOT NULL,
    is_over       INTEGER NOT NULL CHECK (is_over IN (0, 1)),
    body          BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX listings_by_first_seen ON listings (first_seen_ms);
CREATE INDEX listings_ahead ON listings (opens_ms) WHERE is_over = 0;

CREATE TABLE listing_names (
    name       TEXT NOT NULL,
    listing_id TEXT NOT NULL REFERENCES listings ON DELETE CASCADE,
    PRIMARY KEY (name, listing_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX listing_names_by_listing ON listing_names (listing_id);

CREATE TABLE listing_sightings (
    listing_id TEXT    NOT NULL REFERENCES listings ON DELETE CASCADE,
    place      INTEGER NOT NULL,
    at_ms      INTEGER NOT NULL,
    body       BLOB    NOT NULL,
    PRIMARY KEY (listing_id, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE listing_changes (
    listing_id TEXT    NOT NULL REFERENCES listings ON DELETE CASCADE,
    place      INTEGER NOT NULL,
    at_ms      INTEGER NOT NULL,
    body       BLOB    NOT NULL,
    PRIMARY KEY (listing_id, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX listing_changes_by_time ON listing_changes (at_ms);

CREATE TABLE signals (
    id             INTEGER PRIMARY KEY,
    detector       TEXT    NOT NULL,
    version        INTEGER NOT NULL,
    subject        TEXT    NOT NULL,
    topic          TEXT    NOT NULL,
    state          TEXT    NOT NULL,
    symbol         TEXT    NOT NULL,
    detected_at_ms INTEGER NOT NULL,
    ended_at_ms    INTEGER,
    body           BLOB    NOT NULL
) STRICT;

CREATE INDEX signals_by_symbol ON signals (symbol, detected_at_ms);
CREATE INDEX signals_by_subject ON signals (subject, detected_at_ms);
CREATE INDEX signals_by_time ON signals (detected_at_ms);
CREATE INDEX signals_by_detector ON signals (detector, version, detected_at_ms);
-- At most one active signal per key.
CREATE UNIQUE INDEX signals_standing ON signals (detector, subject, topic) WHERE ended_at_ms IS NULL;

CREATE TABLE listing_outcomes (
    listing_id    TEXT    NOT NULL,
    label_version TEXT    NOT NULL,
    symbol        TEXT    NOT NULL,
    labelled_ms   INTEGER NOT NULL,
    body          BLOB    NOT NULL,
    PRIMARY KEY (listing_id, label_version)
) STRICT, WITHOUT ROWID;

CREATE INDEX listing_outcomes_by_time ON listing_outcomes (label_version, labelled_ms);

CREATE TABLE alerts (
    id          INTEGER PRIMARY KEY,
    rule        TEXT    NOT NULL,
    about       TEXT    NOT NULL,
    severity    TEXT    NOT NULL,
    first_ms    INTEGER NOT NULL,
    last_ms     INTEGER NOT NULL,
    times       INTEGER NOT NULL,
    closed_ms   INTEGER,
    body        BLOB    NOT NULL
) STRICT;

CREATE INDEX alerts_by_time ON alerts (last_ms);
-- Rule and subject identify one alert until it is closed.
CREATE UNIQUE INDEX alerts_open ON alerts (rule, about) WHERE closed_ms IS NULL;

CREATE TABLE detection_passes (
    id    INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    body  BLOB    NOT NULL
) STRICT;

CREATE INDEX detection_passes_by_time ON detection_passes (at_ms);

CREATE TABLE settings_changes (
    id    INTEGER PRIMARY KEY,
    name  TEXT    NOT NULL,
    at_ms INTEGER NOT NULL,
    body  BLOB    NOT NULL
) STRICT;

CREATE INDEX settings_changes_by_name ON settings_changes (name, at_ms);

CREATE TABLE cache_entries (
    key        TEXT    PRIMARY KEY,
    made_ms    INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    body       BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX cache_entries_by_expiry ON cache_entries (expires_ms);
