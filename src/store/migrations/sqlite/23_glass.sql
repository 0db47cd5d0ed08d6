-- Glass that people broke (break-glass): at one host, in one signing in, for one rule of its app. Over at `until`,
-- gone when it is closed before, and with its signing in.
CREATE TABLE glass (
    id        BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    sign_in   BLOB    NOT NULL REFERENCES sign_ins (id) ON DELETE CASCADE,
    host      TEXT    NOT NULL,
    app       TEXT    NOT NULL,
    rule      TEXT    NOT NULL,
    broken_at INTEGER NOT NULL,
    until     INTEGER NOT NULL CHECK (until > broken_at),
    -- Whether a request has been let in by it.
    used      INTEGER NOT NULL DEFAULT 0 CHECK (used IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE INDEX glass_by_sign_in ON glass (sign_in);
