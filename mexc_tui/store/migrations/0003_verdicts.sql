-- Verdicts on past claims, one per listing and case, and running counts of them.
-- The base case of all listings has no detector and the kind of claim as its stratum.

CREATE TABLE verdicts (
    label_version TEXT    NOT NULL,
    detector      TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    stratum       TEXT    NOT NULL,
    listing_id    TEXT    NOT NULL,
    hit           INTEGER NOT NULL CHECK (hit IN (0, 1)),
    PRIMARY KEY (label_version, detector, version, stratum, listing_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX verdicts_by_listing ON verdicts (listing_id, label_version);

CREATE TABLE tallies (
    label_version TEXT    NOT NULL,
    detector      TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    stratum       TEXT    NOT NULL,
    n             INTEGER NOT NULL,
    hits          INTEGER NOT NULL CHECK (hits BETWEEN 0 AND n),
    PRIMARY KEY (label_version, detector, version, stratum)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER verdict_counts AFTER INSERT ON verdicts
BEGIN
    INSERT INTO tallies (label_version, detector, version, stratum, n, hits)
    VALUES (NEW.label_version, NEW.detector, NEW.version, NEW.stratum, 1, NEW.hit)
    ON CONFLICT (label_version, detector, version, stratum) DO UPDATE SET n = n + 1, hits = hits + NEW.hit;
END;

CREATE TRIGGER verdict_counts_no_more AFTER DELETE ON verdicts
BEGIN
    UPDATE tallies SET n = n - 1, hits = hits - OLD.hit
    WHERE label_version = OLD.label_version AND detector = OLD.detector
        AND version = OLD.version AND stratum = OLD.stratum;
END;
