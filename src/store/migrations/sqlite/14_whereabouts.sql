-- Where a signing in was begun and with what, and where a key was last used: for the person to recognise.
ALTER TABLE sign_ins ADD COLUMN address TEXT;
ALTER TABLE sign_ins ADD COLUMN browser TEXT;
ALTER TABLE keys ADD COLUMN used_from TEXT;
-- One of a person's keys at most is asked for first.
ALTER TABLE keys ADD COLUMN preferred INTEGER NOT NULL DEFAULT 0 CHECK (preferred IN (0, 1));
