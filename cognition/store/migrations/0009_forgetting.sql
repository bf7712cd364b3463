-- Whom to forget: there from the first words that go until the last, so that a process killed meanwhile finishes it.
CREATE TABLE forgetting (
    identity TEXT PRIMARY KEY,
    "by" TEXT NOT NULL CHECK ("by" <> ''),
    at INTEGER NOT NULL
) STRICT;
