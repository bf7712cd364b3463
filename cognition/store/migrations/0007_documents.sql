-- Files and folders that a user gives. What is in one with a `room` is known in that room of this server, else in all of them.
CREATE TABLE document_folder (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL,
    room TEXT NOT NULL,
    UNIQUE (path, room)
) STRICT;

-- A file as it was when it was read last; `path` is below the folder's, empty where that is a file itself. `refused` says why
-- nothing is known of it. `modified` is in nanoseconds since 1970.
CREATE TABLE document (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    folder INTEGER NOT NULL REFERENCES document_folder (key) ON DELETE CASCADE,
    path TEXT NOT NULL,
    title TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    digest BLOB NOT NULL,
    refused TEXT NOT NULL,
    UNIQUE (folder, path)
) STRICT;

-- What can be found of it, in order. A key is never used again, so that an index cannot take one passage for another.
CREATE TABLE passage (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES document (key) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    heading TEXT NOT NULL,
    position TEXT NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (document, ordinal)
) STRICT;

-- By which an index learns what it has not seen: the last change of each passage, the removal of one too.
CREATE TABLE passage_change (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    passage INTEGER NOT NULL UNIQUE
) STRICT;
CREATE TRIGGER passage_came AFTER INSERT ON passage
BEGIN
    INSERT INTO passage_change (passage) VALUES (NEW.key);
END;
CREATE TRIGGER passage_went AFTER DELETE ON passage
BEGIN
    DELETE FROM passage_change WHERE passage = OLD.key;
    INSERT INTO passage_change (passage) VALUES (OLD.key);
END;
