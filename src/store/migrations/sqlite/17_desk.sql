-- Why an account is locked, for whoever is asked about it; of an account that is disabled.
CREATE TABLE account_locks (
    user     BLOB    NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    reason   TEXT    NOT NULL,
    by_whom  TEXT    NOT NULL,
    at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The words people are looked for by. Triggers keep them, whoever writes to users. The numbers are there because
-- the index knows its rows by number alone.
CREATE TABLE people_numbers (
    number INTEGER PRIMARY KEY,
    user   BLOB    NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE
) STRICT;

CREATE VIRTUAL TABLE people USING fts5 (
    username, name, group_names, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);

INSERT INTO people_numbers (user) SELECT id FROM users;
INSERT INTO people (rowid, username, name, group_names)
    SELECT number, username, name, group_names FROM people_numbers JOIN users ON users.id = user;

CREATE TRIGGER people_added AFTER INSERT ON users BEGIN
    INSERT INTO people_numbers (user) VALUES (new.id);
    INSERT INTO people (rowid, username, name, group_names)
        SELECT number, new.username, new.name, new.group_names FROM people_numbers WHERE user = new.id;
END;

CREATE TRIGGER people_changed AFTER UPDATE ON users
WHEN old.username <> new.username OR old.name <> new.name OR old.group_names <> new.group_names
BEGIN
    UPDATE people SET username = new.username, name = new.name, group_names = new.group_names
    WHERE rowid = (SELECT number FROM people_numbers WHERE user = new.id);
END;

CREATE TRIGGER people_removed BEFORE DELETE ON users BEGIN
    DELETE FROM people WHERE rowid = (SELECT number FROM people_numbers WHERE user = old.id);
END;

-- Suspect ones first, then the newest.
CREATE INDEX keys_by_suspicion ON keys (suspect, registered_at);

-- What the audit is searched by.
CREATE INDEX audit_by_event ON audit (event, id);
CREATE INDEX audit_by_correlation ON audit (correlation, id);
CREATE INDEX audit_by_address ON audit (address, id) WHERE address IS NOT NULL;
CREATE INDEX audit_by_performer
    ON audit (coalesce(json_extract(detail, '$.by'), json_extract(detail, '$.operator')), id);
