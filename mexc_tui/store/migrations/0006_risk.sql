-- Entry limits lowered after warnings, and the measurements of each risk check.

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
