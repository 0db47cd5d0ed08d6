-- A code that was given on identity papers, and the key it registered, have the level of the papers.
ALTER TABLE codes ADD COLUMN papers TEXT CHECK (papers IN ('low', 'substantial', 'high'));
ALTER TABLE keys ADD COLUMN papers TEXT CHECK (papers IN ('low', 'substantial', 'high'));
