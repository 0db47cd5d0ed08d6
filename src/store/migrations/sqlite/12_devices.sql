-- Devices that many people use, marked by opening a one-time link on them.
CREATE TABLE devices (
    name            TEXT    NOT NULL PRIMARY KEY,
    code            BLOB             UNIQUE CHECK (length(code) = 32),
    code_expires_at INTEGER,
    token           BLOB             UNIQUE CHECK (length(token) = 32),
    marked_at       INTEGER,
    -- Who sits there now.
    sign_in         BLOB             CHECK (length(sign_in) = 16)
) STRICT, WITHOUT ROWID;

-- A signing in on such a device is shorter, and its pages are kept by no browser.
ALTER TABLE sign_ins ADD COLUMN shared INTEGER NOT NULL DEFAULT 0 CHECK (shared IN (0, 1));
