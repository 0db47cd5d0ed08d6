-- Which version of the terms of use each person has accepted, and when: the latest of each version.
CREATE TABLE terms (
    user        BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    version     INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    PRIMARY KEY (user, version)
) STRICT, WITHOUT ROWID;
