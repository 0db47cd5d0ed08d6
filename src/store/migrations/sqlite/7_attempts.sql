-- Attempts at passwords, by name, whether or not anybody has it. A device is a browser that the person has
-- logged in with, and counts by itself; the empty one stands for all others.
CREATE TABLE attempts (
    username     TEXT    NOT NULL,
    device       BLOB    NOT NULL CHECK (length(device) IN (0, 32)),
    run          INTEGER NOT NULL CHECK (run >= 0),
    total        INTEGER NOT NULL CHECK (total >= 0),
    locked_until INTEGER,
    seen_at      INTEGER NOT NULL,
    PRIMARY KEY (username, device)
) STRICT, WITHOUT ROWID;
