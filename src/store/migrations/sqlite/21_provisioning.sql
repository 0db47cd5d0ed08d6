-- What a provisioner knows of a person beside our own record of them.
CREATE TABLE provisioned (
    user        BLOB NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    external_id TEXT UNIQUE,
    given_name  TEXT,
    family_name TEXT
) STRICT, WITHOUT ROWID;

-- Groups a provisioner knows by an id. Who is in them is said by users.group_names, and nowhere else.
CREATE TABLE provisioned_groups (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name        TEXT    NOT NULL UNIQUE,
    external_id TEXT             UNIQUE,
    created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
