-- Counts what changes who may know which scope: whatever was worked out before its last change is out of date.
CREATE TABLE visibility (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    changes INTEGER NOT NULL
) STRICT;
INSERT INTO visibility VALUES (1, 0);

CREATE TRIGGER visibility_scope_came AFTER INSERT ON scope
BEGIN
    UPDATE visibility SET changes = changes + 1;
END;
CREATE TRIGGER visibility_scope_went AFTER DELETE ON scope
BEGIN
    UPDATE visibility SET changes = changes + 1;
END;
CREATE TRIGGER visibility_openness AFTER UPDATE OF openness ON place WHEN OLD.openness <> NEW.openness
BEGIN
    UPDATE visibility SET changes = changes + 1;
END;
CREATE TRIGGER visibility_identity AFTER UPDATE OF identity ON participant WHEN OLD.identity <> NEW.identity
BEGIN
    UPDATE visibility SET changes = changes + 1;
END;
CREATE TRIGGER visibility_member_went AFTER DELETE ON circle_member
BEGIN
    UPDATE visibility SET changes = changes + 1;
END;

-- What somebody had forgotten: when, at whose word, and how much it was. Append-only, and it names nobody who was forgotten.
CREATE TABLE erasure (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    "by" TEXT NOT NULL CHECK ("by" <> ''),
    what TEXT NOT NULL CHECK (what IN ('person', 'memories')),
    events INTEGER NOT NULL,
    memories INTEGER NOT NULL
) STRICT;
CREATE TRIGGER erasure_is_append_only BEFORE UPDATE ON erasure
BEGIN
    SELECT raise(ABORT, 'what was erased stays on record');
END;
CREATE TRIGGER erasure_is_kept BEFORE DELETE ON erasure
BEGIN
    SELECT raise(ABORT, 'what was erased stays on record');
END;

-- Erasures of which the file's free pages, its log and the index may still hold something.
CREATE TABLE unscrubbed (
    erasure INTEGER PRIMARY KEY REFERENCES erasure (number)
) STRICT;

-- The events from which words were taken. That they happened, when, where and before whom stays as it is.
CREATE TABLE erased (
    event INTEGER PRIMARY KEY REFERENCES event (seq) ON DELETE CASCADE,
    erasure INTEGER NOT NULL REFERENCES erasure (number)
) STRICT;

DROP TRIGGER event_is_append_only;
CREATE TRIGGER event_is_append_only BEFORE UPDATE ON event
WHEN NOT EXISTS (SELECT 1 FROM erased WHERE event = OLD.seq)
    OR (NEW.seq, NEW.place, NEW.id, NEW.kind, NEW.participant, NEW.at, NEW.present, NEW.audience, NEW.whispered)
        <> (OLD.seq, OLD.place, OLD.id, OLD.kind, OLD.participant, OLD.at, OLD.present, OLD.audience, OLD.whispered)
    OR NEW.media IS NOT OLD.media
    OR NEW.name NOT IN ('', OLD.name)
    OR NEW.detail NOT IN ('{}', OLD.detail)
    OR length(NEW.text) > length(OLD.text)
BEGIN
    SELECT raise(ABORT, 'the timeline is append-only');
END;

-- Of the ledger only the name of who gave a voice may go.
DROP TRIGGER reputation_is_append_only;
CREATE TRIGGER reputation_is_append_only BEFORE UPDATE ON reputation
WHEN NEW.name IS NOT NULL
    OR (NEW.seq, NEW.id, NEW.persona, NEW.kind, NEW.giver, NEW.subject, NEW.value, NEW.domain, NEW.at)
        <> (OLD.seq, OLD.id, OLD.persona, OLD.kind, OLD.giver, OLD.subject, OLD.value, OLD.domain, OLD.at)
    OR NEW.level IS NOT OLD.level
BEGIN
    SELECT raise(ABORT, 'the ledger is append-only');
END;
