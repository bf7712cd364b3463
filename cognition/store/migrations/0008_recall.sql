-- Recall reads in the order in which it wants to have things, and stops when it has enough.
CREATE INDEX memory_known ON memory (subject, at) WHERE kind NOT IN ('turn', 'episode');
CREATE INDEX memory_worth ON memory ((kind = 'turn'), importance DESC, at DESC);
CREATE INDEX memory_due ON memory (due) WHERE due IS NOT NULL;
CREATE INDEX memory_valid_from ON memory (valid_from) WHERE valid_from IS NOT NULL;
