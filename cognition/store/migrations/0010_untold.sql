-- What personas said in a room while nobody was there, and for whom it is to be written down there: the events hold the words.
-- `persona` and `line` are the participant and the id of the event; `identity` is that of who wanted it.
CREATE TABLE untold (
    room TEXT NOT NULL,
    persona TEXT NOT NULL,
    line TEXT NOT NULL,
    identity TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (room, line)
) STRICT, WITHOUT ROWID;
