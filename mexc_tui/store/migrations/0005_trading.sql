-- Ledger tables by scope (account and exchange session). Columns are for lookup, the body contains the value,
-- the digest covers both. Foreign keys are checked at commit, so rows may be written in any order.

CREATE TABLE snipes (
    number    INTEGER PRIMARY KEY,
    scope     TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    symbol    TEXT    NOT NULL,
    signal_id TEXT    NOT NULL,
    state     TEXT    NOT NULL,
    is_over   INTEGER NOT NULL,
    armed_ms  INTEGER NOT NULL,
    body      BLOB    NOT NULL,
    digest    BLOB    NOT NULL,
    UNIQUE (scope, id),
    -- A signal never buys twice.
    UNIQUE (scope, symbol, signal_id),
    CHECK (state IN ('watching', 'armed', 'ready', 'firing', 'unknown',
                     'filled', 'partial', 'rejected', 'missed', 'disarmed')),
    CHECK (is_over = (state IN ('filled', 'partial', 'rejected', 'missed', 'disarmed')))
) STRICT;

CREATE INDEX snipes_by_time ON snipes (scope, armed_ms, id);
CREATE INDEX snipes_of_symbol ON snipes (scope, symbol, armed_ms);
CREATE INDEX snipes_open ON snipes (scope, armed_ms) WHERE is_over = 0;

CREATE TABLE attempts (
    number          INTEGER PRIMARY KEY,
    scope           TEXT    NOT NULL,
    snipe_id        TEXT    NOT NULL,
    place           INTEGER NOT NULL CHECK (place > 0),
    client_order_id TEXT    NOT NULL,
    body            BLOB    NOT NULL,
    digest          BLOB    NOT NULL,
    UNIQUE (scope, snipe_id, place),
    FOREIGN KEY (scope, snipe_id) REFERENCES snipes (scope, id) DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE TABLE intents (
    number      INTEGER PRIMARY KEY,
    scope       TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    role        TEXT    NOT NULL CHECK (role IN ('entry', 'take_profit', 'stop', 'close', 'flatten')),
    symbol      TEXT    NOT NULL,
    snipe_id    TEXT,
    position_id TEXT,
    created_ms  INTEGER NOT NULL,
    ended_ms    INTEGER,
    body        BLOB    NOT NULL,
    digest      BLOB    NOT NULL,
    UNIQUE (scope, id),
    -- No foreign key to positions: an entry names the position that its first fill will open.
    FOREIGN KEY (scope, snipe_id) REFERENCES snipes (scope, id) DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE INDEX intents_open ON intents (scope, created_ms) WHERE ended_ms IS NULL;
-- One snipe per signal, so one open entry per signal.
CREATE UNIQUE INDEX intents_entering ON intents (scope, snipe_id) WHERE role = 'entry' AND ended_ms IS NULL;
CREATE INDEX intents_of_snipe ON intents (scope, snipe_id, created_ms);
CREATE INDEX intents_of_position ON intents (scope, position_id, created_ms);

CREATE TABLE intent_client_ids (
    scope           TEXT NOT NULL,
    client_order_id TEXT NOT NULL,
    intent_id       TEXT NOT NULL,
    PRIMARY KEY (scope, client_order_id),
    FOREIGN KEY (scope, intent_id) REFERENCES intents (scope, id) DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;

CREATE INDEX intent_client_ids_of_intent ON intent_client_ids (scope, intent_id);

CREATE TABLE orders (
    number          INTEGER PRIMARY KEY,
    scope           TEXT    NOT NULL,
    client_order_id TEXT    NOT NULL,
    order_id        TEXT,
    symbol          TEXT    NOT NULL,
    state           TEXT    NOT NULL,
    is_open         INTEGER NOT NULL,
    intent_id       TEXT,
    snipe_id        TEXT,
    position_id     TEXT,
    created_ms      INTEGER NOT NULL,
    body            BLOB    NOT NULL,
    digest          BLOB    NOT NULL,
    UNIQUE (scope, client_order_id),
    CHECK (state IN ('intent', 'sent', 'acknowledged', 'partial', 'cancelling', 'unknown', 'filled',
                     'cancelled', 'partially_cancelled', 'rejected', 'absent', 'foreign')),
    CHECK (is_open = (state IN ('intent', 'sent', 'acknowledged', 'partial', 'cancelling', 'unknown'))),
    -- Orders of the desk have an intent; unknown orders have none, even after they are closed.
    CHECK (intent_id IS NOT NULL OR is_open = 0),
    FOREIGN KEY (scope, intent_id) REFERENCES intents (scope, id) DEFERRABLE INITIALLY DEFERRED,
    FOREIGN KEY (scope, snipe_id) REFERENCES snipes (scope, id) DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE INDEX orders_by_time ON orders (scope, created_ms, client_order_id);
CREATE INDEX orders_of_symbol ON orders (scope, symbol, created_ms, client_order_id);
CREATE INDEX orders_by_order_id ON orders (scope, order_id) WHERE order_id IS NOT NULL;
CREATE INDEX orders_of_intent ON orders (scope, intent_id, created_ms);
CREATE INDEX orders_of_position ON orders (scope, position_id, created_ms);
CREATE INDEX orders_open ON orders (scope, created_ms) WHERE is_open = 1;

CREATE TABLE positions (
    number     INTEGER PRIMARY KEY,
    scope      TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    symbol     TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('opening', 'open', 'reducing', 'closed')),
    snipe_id   TEXT,
    opened_ms  INTEGER NOT NULL,
    closed_ms  INTEGER,
    -- Of a closed position: 1 gain, -1 loss, 0 neither.
    result     INTEGER CHECK (result IN (-1, 0, 1)),
    body       BLOB    NOT NULL,
    digest     BLOB    NOT NULL,
    UNIQUE (scope, id),
    CHECK ((state = 'closed') = (closed_ms IS NOT NULL) AND (state = 'closed') = (result IS NOT NULL)),
    FOREIGN KEY (scope, snipe_id) REFERENCES snipes (scope, id) DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE UNIQUE INDEX positions_open ON positions (scope, symbol, coalesce(snipe_id, '')) WHERE state <> 'closed';
CREATE INDEX positions_by_opening ON positions (scope, opened_ms, id);
CREATE INDEX positions_by_closing ON positions (scope, closed_ms);
CREATE INDEX positions_by_result ON positions (scope, result, closed_ms);
CREATE INDEX positions_of_symbol ON positions (scope, symbol, opened_ms);
CREATE INDEX positions_closed_of_symbol ON positions (scope, symbol, closed_ms, result);
CREATE INDEX positions_of_snipe ON positions (scope, snipe_id, opened_ms);

CREATE TABLE lots (
    number      INTEGER PRIMARY KEY,
    scope       TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    position_id TEXT    NOT NULL,
    asset       TEXT    NOT NULL,
    opened_ms   INTEGER NOT NULL,
    is_open     INTEGER NOT NULL CHECK (is_open IN (0, 1)),
    body        BLOB    NOT NULL,
    digest      BLOB    NOT NULL,
    UNIQUE (scope, id),
    FOREIGN KEY (scope, position_id) REFERENCES positions (scope, id) DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE INDEX lots_open ON lots (scope, asset, opened_ms) WHERE is_open = 1;
CREATE INDEX lots_of_position ON lots (scope, position_id, opened_ms);

-- An entry contains its postings and the digest of the previous entry in its scope (hash chain).
CREATE TABLE entries (
    number          INTEGER PRIMARY KEY,
    scope           TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    kind            TEXT    NOT NULL
                    CHECK (kind IN ('start', 'trade', 'fee', 'drift', 'correction', 'dust')),
    at_ms           INTEGER NOT NULL,
    client_order_id TEXT,
    position_id     TEXT,
    before          BLOB    NOT NULL,
    body            BLOB    NOT NULL,
    digest          BLOB    NOT NULL,
    -- No entry is booked twice.
    UNIQUE (scope, id)
) STRICT;

CREATE INDEX entries_by_scope ON entries (scope);
CREATE INDEX entries_of_order ON entries (scope, client_order_id) WHERE client_order_id IS NOT NULL;
CREATE INDEX entries_of_position ON entries (scope, position_id) WHERE position_id IS NOT NULL;

CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries
BEGIN
    SELECT RAISE(ABORT, 'the entries of the books are append-only');
END;

CREATE TRIGGER entries_never_go BEFORE DELETE ON entries
BEGIN
    SELECT RAISE(ABORT, 'the entries of the books are append-only');
END;

-- Sum of all postings per account, updated in the transaction of the entry.
CREATE TABLE balances (
    number  INTEGER PRIMARY KEY,
    scope   TEXT    NOT NULL,
    account TEXT    NOT NULL CHECK (account IN ('desk', 'own', 'exchange', 'fees', 'external')),
    asset   TEXT    NOT NULL,
    body    BLOB    NOT NULL,
    digest  BLOB    NOT NULL,
    UNIQUE (scope, account, asset)
) STRICT;

CREATE TABLE trading_days (
    number INTEGER PRIMARY KEY,
    scope  TEXT    NOT NULL,
    day    TEXT    NOT NULL,
    body   BLOB    NOT NULL,
    digest BLOB    NOT NULL,
    UNIQUE (scope, day)
) STRICT;

CREATE TABLE equity_points (
    number INTEGER PRIMARY KEY,
    scope  TEXT    NOT NULL,
    at_ms  INTEGER NOT NULL,
    body   BLOB    NOT NULL,
    digest BLOB    NOT NULL
) STRICT;

CREATE INDEX equity_points_by_time ON equity_points (scope, at_ms);

-- The last complete point of each UTC day.
CREATE TABLE equity_closes (
    number INTEGER PRIMARY KEY,
    scope  TEXT    NOT NULL,
    day    TEXT    NOT NULL,
    body   BLOB    NOT NULL,
    digest BLOB    NOT NULL,
    UNIQUE (scope, day)
) STRICT;

CREATE TABLE trading_states (
    number     INTEGER PRIMARY KEY,
    scope      TEXT    NOT NULL UNIQUE,
    state      TEXT    NOT NULL CHECK (state IN ('active', 'reduce_only', 'halted', 'flattening')),
    generation INTEGER NOT NULL,
    body       BLOB    NOT NULL,
    digest     BLOB    NOT NULL
) STRICT;

CREATE TRIGGER generations_never_fall BEFORE UPDATE ON trading_states
WHEN NEW.generation < OLD.generation
BEGIN
    SELECT RAISE(ABORT, 'the generation of the trading state never falls');
END;

CREATE TABLE reconciliations (
    number   INTEGER PRIMARY KEY,
    scope    TEXT    NOT NULL,
    at_ms    INTEGER NOT NULL,
    is_clean INTEGER NOT NULL CHECK (is_clean IN (0, 1)),
    body     BLOB    NOT NULL,
    digest   BLOB    NOT NULL
) STRICT;

CREATE INDEX reconciliations_by_scope ON reconciliations (scope);
CREATE INDEX reconciliations_clean ON reconciliations (scope, at_ms) WHERE is_clean = 1;
