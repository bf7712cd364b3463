-- What had its effect on the personas, by the event's room and id; with it, in one transaction, that effect.
CREATE TABLE lived (
    room TEXT NOT NULL,
    id TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (room, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX lived_at ON lived (at);

-- How many changes were saved: each is saved once, after the one before it.
CREATE TABLE life_saved (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    changes INTEGER NOT NULL
) STRICT;
INSERT INTO life_saved VALUES (1, 0);

-- How a persona is; true at `at`, in seconds since 1970.
CREATE TABLE persona_state (
    persona TEXT PRIMARY KEY,
    energy REAL NOT NULL CHECK (energy BETWEEN 0 AND 1),
    valence REAL NOT NULL CHECK (valence BETWEEN -1 AND 1),
    arousal REAL NOT NULL CHECK (arousal BETWEEN -1 AND 1),
    at REAL NOT NULL,
    resting INTEGER NOT NULL CHECK (resting IN (0, 1)),
    awake_until REAL,
    paused INTEGER NOT NULL CHECK (paused IN (0, 1)),
    serviced REAL
) STRICT, WITHOUT ROWID;

-- What it means to do and has not done; `line` is what it comes back to, as JSON.
CREATE TABLE intention (
    id TEXT PRIMARY KEY,
    persona TEXT NOT NULL,
    room TEXT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    "to" TEXT NOT NULL,
    created REAL NOT NULL,
    due REAL NOT NULL,
    expires REAL NOT NULL,
    priority REAL NOT NULL,
    line TEXT CHECK (line IS NULL OR json_valid(line)),
    step INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    refused TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How those ended that it no longer means to do.
CREATE TABLE intention_ended (
    id TEXT PRIMARY KEY,
    persona TEXT NOT NULL,
    room TEXT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    status TEXT NOT NULL,
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX intention_ended_at ON intention_ended (at);

-- What waits in its inbox.
CREATE TABLE inbox_message (
    persona TEXT NOT NULL,
    room TEXT NOT NULL,
    id TEXT NOT NULL,
    sender TEXT NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    at REAL NOT NULL,
    priority REAL NOT NULL,
    "to" TEXT CHECK ("to" IS NULL OR json_valid("to")),
    PRIMARY KEY (persona, room, id)
) STRICT, WITHOUT ROWID;

-- What it had to drop and has not said so.
CREATE TABLE inbox_dropped (
    persona TEXT NOT NULL,
    room TEXT NOT NULL,
    reason TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (persona, room, reason)
) STRICT, WITHOUT ROWID;

-- What it has lived through in a room and not written about, as JSON.
CREATE TABLE experience (
    persona TEXT NOT NULL,
    room TEXT NOT NULL,
    lived TEXT NOT NULL CHECK (json_valid(lived)),
    PRIMARY KEY (persona, room)
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
    id TEXT PRIMARY KEY,
    persona TEXT NOT NULL,
    author TEXT NOT NULL CHECK (author <> ''),
    room TEXT NOT NULL,
    text TEXT NOT NULL,
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX journal_of ON journal (persona, room, at);

-- What it thinks to itself; read for its own prompt alone.
CREATE TABLE inner_note (
    persona TEXT NOT NULL,
    room TEXT NOT NULL,
    at REAL NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (persona, room, at)
) STRICT, WITHOUT ROWID;

-- What operators ordered: who, when, why. Append-only.
CREATE TABLE persona_order (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    persona TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('keep-awake', 'pause', 'resume', 'add', 'edit', 'remove')),
    by TEXT NOT NULL CHECK (by <> ''),
    why TEXT NOT NULL,
    at REAL NOT NULL,
    until REAL
) STRICT;
CREATE TRIGGER persona_order_is_append_only BEFORE UPDATE ON persona_order
BEGIN
    SELECT raise(ABORT, 'what was ordered stays on record');
END;
CREATE TRIGGER persona_order_is_kept BEFORE DELETE ON persona_order
BEGIN
    SELECT raise(ABORT, 'what was ordered stays on record');
END;
