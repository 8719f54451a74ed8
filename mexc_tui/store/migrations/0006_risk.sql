-- How far the limits of entries are lowered after warnings, and what each check of the risk monitor measured.

CREATE TABLE tightenings (
    number INTEGER PRIMARY KEY,
    scope  TEXT    NOT NULL UNIQUE,
    body   BLOB    NOT NULL,
    digest BLOB    NOT NULL
) STRICT;

CREATE TABLE risk_checks (
    number INTEGER PRIMARY KEY,
    scope  TEXT    NOT NULL,
    at_ms  INTEGER NOT NULL,
    body   BLOB    NOT NULL,
    digest BLOB    NOT NULL
) STRICT;

CREATE INDEX risk_checks_by_time ON risk_checks (scope, at_ms);
