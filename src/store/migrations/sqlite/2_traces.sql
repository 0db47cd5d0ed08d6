-- Why a request was not let through, for whoever is asked about the code it showed.
CREATE TABLE traces (
    code       TEXT    NOT NULL PRIMARY KEY,
    at         INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    trace      TEXT    NOT NULL CHECK (json_valid(trace))
) STRICT;

CREATE INDEX traces_by_expiry ON traces (expires_at);
