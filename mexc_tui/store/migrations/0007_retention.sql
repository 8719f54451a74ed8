-- The oldest facts are deleted up to this number. Its seal verifies the facts after it.

CREATE TABLE journal_start (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    sequence INTEGER NOT NULL CHECK (sequence >= 0),
    digest   BLOB    NOT NULL
) STRICT;

INSERT INTO journal_start (id, sequence, digest) VALUES (1, 0, x'');

CREATE TRIGGER journal_start_never_falls BEFORE UPDATE ON journal_start
WHEN NEW.sequence < OLD.sequence
BEGIN
    SELECT RAISE(ABORT, 'what the journal forgot does not come back');
END;

CREATE TRIGGER journal_start_stays BEFORE DELETE ON journal_start
BEGIN
    SELECT RAISE(ABORT, 'the journal has a start');
END;

DROP TRIGGER journal_never_forgets;

CREATE TRIGGER journal_never_forgets BEFORE DELETE ON journal
WHEN OLD.sequence > (SELECT sequence FROM journal_start)
BEGIN
    SELECT RAISE(ABORT, 'the journal is append-only');
END;
