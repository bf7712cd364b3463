-- What people said of personas, what personas did for them, and the levels of trust that came of it. Nothing is ever changed:
-- of the rows of one giver on one subject the last one counts. `at` is UTC in microseconds since 1970.
-- `giver` is empty in rows of kind 'level'; `name` is the giver's where they let others see it, else NULL.
CREATE TABLE reputation (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    persona TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('feedback', 'task', 'level')),
    giver TEXT NOT NULL CHECK ((giver = '') = (kind = 'level')),
    subject TEXT NOT NULL,
    value INTEGER NOT NULL CHECK (value BETWEEN -1 AND 1),
    domain TEXT NOT NULL DEFAULT '',
    level TEXT CHECK ((level IS NULL) = (kind <> 'level')),
    name TEXT,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX reputation_of ON reputation (persona, giver, subject, seq);

CREATE TRIGGER reputation_is_append_only BEFORE UPDATE ON reputation
BEGIN
    SELECT raise(ABORT, 'the ledger is append-only');
END;

-- On how many days somebody gave a voice: derived from the ledger, kept so that no voice needs all of it read.
CREATE TABLE giver (
    id TEXT PRIMARY KEY,
    days INTEGER NOT NULL,
    last_day INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
