-- Keys in a unit's drawer: nobody's own, each lent to one person at a time. Who had it before is in the audit.
CREATE TABLE spare_keys (
    credential    BLOB    NOT NULL PRIMARY KEY,
    -- What authenticators were told instead of a person.
    handle        BLOB    NOT NULL UNIQUE CHECK (length(handle) = 16),
    unit          TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    passkey       TEXT    NOT NULL,
    registered_at INTEGER NOT NULL,
    used_at       INTEGER,
    suspect       INTEGER NOT NULL CHECK (suspect IN (0, 1)),
    -- The latest loan. It is over at lent_until, whether or not anybody writes that down.
    holder        BLOB             REFERENCES users (id) ON DELETE SET NULL,
    lent_until    INTEGER,
    UNIQUE (unit, name)
) STRICT;

CREATE INDEX spare_keys_by_holder ON spare_keys (holder) WHERE holder IS NOT NULL;

-- What a lent key has proven ends with the loan.
ALTER TABLE sessions ADD COLUMN key_until INTEGER CHECK (key_until IS NULL OR key_at IS NOT NULL);
