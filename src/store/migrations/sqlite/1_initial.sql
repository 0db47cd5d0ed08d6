-- Times are milliseconds since the Unix epoch. Identifiers are the 16 bytes of a UUID; bearer values
-- (tokens, codes, ceremony and browser ids) are kept as their 32-byte BLAKE3 hash alone.

-- Tells this file from any other program's: "SLUS".
PRAGMA application_id = 0x534c5553;

CREATE TABLE users (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    username    TEXT    NOT NULL UNIQUE,
    name        TEXT    NOT NULL,
    group_names TEXT    NOT NULL CHECK (json_type(group_names) = 'array'),
    cpr         BLOB             CHECK (length(cpr) = 32),
    disabled    INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    expires_at  INTEGER,
    created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX users_by_cpr ON users (cpr) WHERE cpr IS NOT NULL;

CREATE TABLE passwords (
    user BLOB NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    phc  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE mitid_subjects (
    user     BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    issuer   TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    bound_at INTEGER NOT NULL,
    PRIMARY KEY (user, issuer),
    UNIQUE (issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
    credential      BLOB    NOT NULL PRIMARY KEY,
    user            BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name            TEXT    NOT NULL,
    passkey         TEXT    NOT NULL,
    registered_at   INTEGER NOT NULL,
    registered_with TEXT    NOT NULL
        CHECK (registered_with IN ('mitid-low', 'mitid-substantial', 'mitid-high', 'key', 'code')),
    used_at         INTEGER,
    suspect         INTEGER NOT NULL CHECK (suspect IN (0, 1))
) STRICT;

CREATE INDEX keys_by_user ON keys (user);

-- One a person: a new code replaces the last.
CREATE TABLE codes (
    user       BLOB    NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    code       BLOB    NOT NULL CHECK (length(code) = 32),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE ceremonies (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    kind       TEXT    NOT NULL,
    browser    BLOB    NOT NULL CHECK (length(browser) = 32),
    state      TEXT    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX ceremonies_by_expiry ON ceremonies (expires_at);

-- An ended one stays until it would have expired, so that no late write brings it back.
CREATE TABLE sign_ins (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user       BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    started_at INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    ended_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX sign_ins_by_user ON sign_ins (user);
CREATE INDEX sign_ins_by_end ON sign_ins (ends_at);

CREATE TABLE sessions (
    token             BLOB NOT NULL PRIMARY KEY CHECK (length(token) = 32),
    host              TEXT NOT NULL,
    sign_in           BLOB NOT NULL REFERENCES sign_ins (id) ON DELETE CASCADE,
    password_at       INTEGER,
    key_at            INTEGER,
    key_credential    BLOB,
    key_user_verified INTEGER CHECK (key_user_verified IN (0, 1)),
    mitid_at          INTEGER,
    mitid_issuer      TEXT,
    mitid_subject     TEXT,
    mitid_level       TEXT CHECK (mitid_level IN ('low', 'substantial', 'high')),
    CHECK ((key_at IS NULL) = (key_credential IS NULL)),
    CHECK ((key_at IS NULL) = (key_user_verified IS NULL)),
    CHECK ((mitid_at IS NULL) = (mitid_issuer IS NULL)),
    CHECK ((mitid_at IS NULL) = (mitid_subject IS NULL)),
    CHECK ((mitid_at IS NULL) = (mitid_level IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_sign_in ON sessions (sign_in);

-- AUTOINCREMENT: a position is never given twice, even when everything before it has been forgotten.
CREATE TABLE revocations (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    sign_in  BLOB    NOT NULL CHECK (length(sign_in) = 16),
    at       INTEGER NOT NULL
) STRICT;

-- No reference to users: what happened stays told when a person is gone.
CREATE TABLE audit (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          INTEGER NOT NULL,
    event       TEXT    NOT NULL,
    user        BLOB,
    username    TEXT,
    address     TEXT,
    correlation TEXT    NOT NULL,
    detail      TEXT    NOT NULL CHECK (json_valid(detail))
) STRICT;

CREATE INDEX audit_by_user ON audit (user, id) WHERE user IS NOT NULL;

-- Written to see whether writing works.
CREATE TABLE pulse (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    beat INTEGER NOT NULL
) STRICT;

INSERT INTO pulse (id, beat) VALUES (1, 0);
