-- Who took part, people and personas alike. `id` is a participant's in a room, `identity` who it is in all of them: a person
-- has another id with each visit.
CREATE TABLE participant (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    identity TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('person', 'persona')),
    name TEXT NOT NULL
) STRICT;
CREATE INDEX participant_identity ON participant (identity);

-- Where: a room of this server (host 'continuum'), a channel of another host. What is said in an 'open' place may be told
-- to anybody; of a 'present' one only to those who were there.
CREATE TABLE place (
    key INTEGER PRIMARY KEY,
    host TEXT NOT NULL,
    channel TEXT NOT NULL,
    room TEXT NOT NULL,
    openness TEXT NOT NULL DEFAULT 'present' CHECK (openness IN ('present', 'open')),
    UNIQUE (host, channel, room)
) STRICT;

-- A set of participants, stored once: `members` are their keys in order, with commas.
CREATE TABLE circle (
    key INTEGER PRIMARY KEY,
    members TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE circle_member (
    participant INTEGER NOT NULL REFERENCES participant (key),
    circle INTEGER NOT NULL REFERENCES circle (key) ON DELETE CASCADE,
    PRIMARY KEY (participant, circle)
) STRICT, WITHOUT ROWID;
CREATE INDEX circle_member_of ON circle_member (circle, participant);

-- Circles by what was last told of their members (a digest of ids, identities, kinds and names): whoever is told the same
-- again need not look at each of them.
CREATE TABLE gathering (
    digest BLOB PRIMARY KEY,
    circle INTEGER NOT NULL REFERENCES circle (key) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX gathering_circle ON gathering (circle);

-- What happened. `at` is UTC in microseconds since 1970, `media` counts 48 kHz samples since the room opened.
-- `present` is who was there, `audience` who perceived it; `whispered`: it was for these alone. `id` is its origin's and unique
-- among what the participant did there, so that what is told twice is kept once.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    place INTEGER NOT NULL REFERENCES place (key),
    id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('heard', 'saw', 'read', 'said', 'did', 'declined', 'arrived', 'left')),
    participant INTEGER NOT NULL REFERENCES participant (key),
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(detail)),
    at INTEGER NOT NULL,
    media INTEGER,
    present INTEGER NOT NULL REFERENCES circle (key),
    audience INTEGER NOT NULL REFERENCES circle (key),
    whispered INTEGER NOT NULL CHECK (whispered IN (0, 1)),
    UNIQUE (place, participant, id)
) STRICT;
CREATE INDEX event_at ON event (at, seq);
CREATE INDEX event_place ON event (place, at, seq);
CREATE INDEX event_participant ON event (participant, at, seq);
CREATE INDEX event_audience ON event (audience, at, seq);
CREATE INDEX event_presence ON event (place, participant, at, seq) WHERE kind IN ('arrived', 'left');

CREATE TRIGGER event_is_append_only BEFORE UPDATE ON event
BEGIN
    SELECT raise(ABORT, 'the timeline is append-only');
END;
