-- The passwords a person had before, so that none comes back too soon.
CREATE TABLE password_history (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    user BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    phc  TEXT    NOT NULL
) STRICT;

CREATE INDEX password_history_by_user ON password_history (user, id);

-- When the person chose it; none where somebody else did.
ALTER TABLE passwords ADD COLUMN chosen_at INTEGER;
