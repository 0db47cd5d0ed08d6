-- The audit's rows, chained: each holds a hash of itself and of the row before it. Rows from before this are
-- given theirs when the store is next opened, in the same transaction as this.
ALTER TABLE audit ADD COLUMN hash BLOB CHECK (length(hash) = 32);

-- Where the chain begins and ends: after the last row that was forgotten (position 0 if none was), and at the
-- newest. What is missing at either end is missed by these.
CREATE TABLE audit_chain (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    anchor      INTEGER NOT NULL,
    anchor_hash BLOB    NOT NULL CHECK (length(anchor_hash) = 32),
    head        INTEGER NOT NULL CHECK (head >= anchor),
    head_hash   BLOB    NOT NULL CHECK (length(head_hash) = 32)
) STRICT;
