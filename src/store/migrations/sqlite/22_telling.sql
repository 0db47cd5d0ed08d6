-- How far the audit has been told.
CREATE TABLE telling (
    id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL
) STRICT;

-- What is still to be told: an event of the audit, to one channel.
CREATE TABLE messages (
    position INTEGER NOT NULL,
    channel  TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    content  TEXT    NOT NULL,
    attempts INTEGER NOT NULL,
    due_at   INTEGER NOT NULL,
    PRIMARY KEY (position, channel)
) STRICT, WITHOUT ROWID;

CREATE INDEX messages_due ON messages (channel, due_at);
CREATE INDEX messages_at ON messages (at);

-- Whether the same happened in the last hour is asked of every alarm.
CREATE INDEX audit_by_event_in_time ON audit (event, at);
