-- Facts that changed money or a decision, in the order in which the desk recorded them.
CREATE TABLE journal (
    sequence INTEGER PRIMARY KEY,
    at_ms    INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    version  INTEGER NOT NULL,
    about    TEXT    NOT NULL,
    payload  BLOB    NOT NULL,
    digest   BLOB    NOT NULL
) STRICT;

CREATE INDEX journal_by_about ON journal (about, sequence);
CREATE INDEX journal_by_kind ON journal (kind, sequence);

CREATE TRIGGER journal_never_changes BEFORE UPDATE ON journal
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;

CREATE TRIGGER journal_never_forgets BEFORE DELETE ON journal
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;

CREATE TRIGGER journal_has_no_gaps BEFORE INSERT ON journal
WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM journal)
BEGIN
    SELECT RAISE(ABORT, 'the journal has no gaps');
END;
