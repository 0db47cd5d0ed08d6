-- What one person has asked for and a second one must confirm. Taken out once, by whichever answers first.
CREATE TABLE requests (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    action     TEXT    NOT NULL,
    target     TEXT    NOT NULL,
    user       BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    asked_by   BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    asked_at   INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    UNIQUE (user, action, target)
) STRICT;
