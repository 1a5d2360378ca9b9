-- What people have not heard yet: each fact is a row until a notice has told it. A limit on notices delays the notice and
-- loses no fact.
CREATE TABLE pending_facts (
    no        {number},
    list_no   {int} NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    email_key TEXT  NOT NULL,           -- who hears it; '': those in charge of the list
    kind      TEXT  NOT NULL,           -- the name of the notice's text
    subject   TEXT  NOT NULL,           -- what it is about: a later fact about the same takes the place of an earlier one
    fact      TEXT  NOT NULL,           -- JSON, free of content
    times     {int} NOT NULL DEFAULT 1, -- how often it came
    at        {int} NOT NULL,           -- when it came last
    UNIQUE (list_no, email_key, kind, subject)
) {strict};

-- When the next notice of a kind is due, and how many went on its day.
CREATE TABLE pending_notices (
    list_no   {int} NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    email_key TEXT  NOT NULL,
    kind      TEXT  NOT NULL,
    email     TEXT  NOT NULL,           -- as the person writes it; '': those in charge
    due_at    {int},                    -- NULL: nothing waits to be told
    day_at    {int} NOT NULL DEFAULT 0, -- when the first of a day went
    sent      {int} NOT NULL DEFAULT 0, -- how many since
    more      {int} NOT NULL DEFAULT 0, -- facts beyond the rows that are kept
    PRIMARY KEY (list_no, email_key, kind)
) {strict, by key};
CREATE INDEX pending_notices_due ON pending_notices (due_at) WHERE due_at IS NOT NULL;

ALTER TABLE queue ADD COLUMN sender TEXT NOT NULL DEFAULT ''; -- the envelope sender
ALTER TABLE queue ADD COLUMN held_at {int};                   -- since when it waits for a person
ALTER TABLE queue ADD COLUMN held_for {int};                  -- the address of the member whose message it is; NULL: a stranger's
ALTER TABLE queue ADD COLUMN told_at {int} NOT NULL DEFAULT 0; -- when those in charge last heard that it waits
ALTER TABLE queue ADD COLUMN author_told {int} NOT NULL DEFAULT 0; -- whether its author heard that it waits
ALTER TABLE queue ADD COLUMN seen_at {int};                   -- when an owner saw its content
CREATE INDEX queue_held ON queue (list_no, held_for, no) WHERE queue = 'hold';

-- What was decided with a token, for whoever comes second with another one.
ALTER TABLE tokens ADD COLUMN decision TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN decided_by TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN decided_at {int} NOT NULL DEFAULT 0;
CREATE INDEX tokens_by_end ON tokens (expires_at);
