-- Voices heard at a shared microphone that somebody gave a name to. No voice without a name is kept. `room` is where it was
-- named: it is looked for there and nowhere else. `print` is 256 numbers, float32, little-endian, of length one; `seconds` is
-- how much speech it was made of.
CREATE TABLE voiceprint (
    id TEXT PRIMARY KEY,
    room TEXT NOT NULL,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    print BLOB NOT NULL CHECK (length(print) = 1024),
    seconds REAL NOT NULL CHECK (seconds >= 0),
    named_by TEXT NOT NULL,
    named_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX voiceprint_room ON voiceprint (room);
