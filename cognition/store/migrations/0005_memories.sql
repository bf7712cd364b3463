-- Who may know what follows from an event: who perceived it, where it was said, and whether it was for them alone.
CREATE TABLE scope (
    key INTEGER PRIMARY KEY,
    audience INTEGER NOT NULL REFERENCES circle (key),
    place INTEGER NOT NULL REFERENCES place (key),
    whispered INTEGER NOT NULL CHECK (whispered IN (0, 1)),
    UNIQUE (audience, place, whispered)
) STRICT;

-- What is remembered. `persona` is empty where it is everybody's who was there; `subject` is the identity of whom it is about,
-- of somebody who is only spoken of the teller's with their name behind a slash; `fact` is the same for the same thing said of the
-- same subject. Times are UTC in microseconds since 1970: `at` when it was said last, `told` when first; `valid_from`, `valid_to`
-- and `due` as the words say it, NULL where they do not. What other words have made of it since is decided among what the
-- asker may know, and never stored here. `single`: of several values the newest holds.
CREATE TABLE memory (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    scope INTEGER NOT NULL REFERENCES scope (key),
    persona TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (
        kind IN ('turn', 'episode', 'fact', 'preference', 'relation', 'event', 'commitment', 'thread')
    ),
    subject TEXT NOT NULL,
    subject_name TEXT NOT NULL,
    teller TEXT NOT NULL,
    attribute TEXT NOT NULL,
    value TEXT NOT NULL,
    fact TEXT NOT NULL,
    single INTEGER NOT NULL CHECK (single IN (0, 1)),
    text TEXT NOT NULL,
    quote TEXT NOT NULL,
    at INTEGER NOT NULL,
    told INTEGER NOT NULL,
    valid_from INTEGER,
    valid_to INTEGER,
    due INTEGER,
    importance REAL NOT NULL CHECK (importance BETWEEN 0 AND 1),
    strength INTEGER NOT NULL CHECK (strength >= 1),
    used INTEGER NOT NULL CHECK (used >= 0),
    used_at INTEGER,
    corrected INTEGER NOT NULL CHECK (corrected IN (0, 1))
) STRICT;
CREATE INDEX memory_fact ON memory (scope, fact) WHERE fact <> '';
CREATE INDEX memory_subject ON memory (subject, attribute, at);
CREATE INDEX memory_teller ON memory (teller);
CREATE INDEX memory_at ON memory (at, key);
CREATE INDEX memory_scope ON memory (scope);

-- The events it comes from. What has lost the last of them is forgotten.
CREATE TABLE memory_source (
    memory INTEGER NOT NULL REFERENCES memory (key) ON DELETE CASCADE,
    event INTEGER NOT NULL REFERENCES event (seq) ON DELETE CASCADE,
    PRIMARY KEY (memory, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX memory_source_event ON memory_source (event);
CREATE TRIGGER memory_without_source AFTER DELETE ON memory_source
WHEN NOT EXISTS (SELECT 1 FROM memory_source WHERE memory = OLD.memory)
BEGIN
    DELETE FROM memory WHERE key = OLD.memory;
END;

-- By which what is derived from memories, an index for one, learns what it has not seen: each memory's last change, the
-- removal of one too. `number` only grows.
CREATE TABLE memory_change (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    memory TEXT NOT NULL UNIQUE
) STRICT;
CREATE TRIGGER memory_came AFTER INSERT ON memory
BEGIN
    DELETE FROM memory_change WHERE memory = NEW.id;
    INSERT INTO memory_change (memory) VALUES (NEW.id);
END;
CREATE TRIGGER memory_changed AFTER UPDATE OF scope, kind, subject, text, at, importance ON memory
BEGIN
    DELETE FROM memory_change WHERE memory = NEW.id;
    INSERT INTO memory_change (memory) VALUES (NEW.id);
END;
CREATE TRIGGER memory_went AFTER DELETE ON memory
BEGIN
    DELETE FROM memory_change WHERE memory = OLD.id;
    INSERT INTO memory_change (memory) VALUES (OLD.id);
END;

-- Up to which event each part of the work on the timeline is done.
CREATE TABLE consolidation (
    part TEXT PRIMARY KEY,
    event INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What idle time made of memories, and why; as confidential as what it is about.
CREATE TABLE dream (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    scope INTEGER NOT NULL REFERENCES scope (key),
    subject TEXT NOT NULL,
    memory TEXT NOT NULL,
    change TEXT NOT NULL CHECK (change IN ('kept', 'merged', 'closed', 'changed', 'forgotten')),
    text TEXT NOT NULL,
    why TEXT NOT NULL
) STRICT;
CREATE INDEX dream_memory ON dream (memory);
CREATE INDEX dream_subject ON dream (subject);
