-- Events: every change of the site, with who caused it. They take the place of the audit.

-- Whom events name. Deleting a person sets the address to NULL: all events of that person then name nobody.
CREATE TABLE event_people (
    no        {number},
    email_key TEXT UNIQUE
) {strict};

CREATE TABLE events (
    no           {number},
    position     {int} UNIQUE,               -- the order in which consumers read; NULL: not given yet (store/src/events/consumers.rs)
    list_no      {int},                      -- NULL: the whole site
    at           {int} NOT NULL,             -- of a row that counts, the last time
    actor_kind   TEXT  NOT NULL,             -- lists::events::StoredActor
    actor_detail TEXT  NOT NULL DEFAULT '',
    actor_no     {int},                      -- event_people, if an address names the actor
    subject_no   {int},                      -- event_people, if the event is about a person
    kind         TEXT  NOT NULL,             -- the name of a lists::events::EventKind
    data         TEXT  NOT NULL DEFAULT '{}', -- JSON, free of content and of names of people
    unproven     {int} NOT NULL DEFAULT 0,   -- whether anybody can cause it by forged mail
    times        {int} NOT NULL DEFAULT 1,
    day          {int}                       -- of a row that counts, in days since 1970-01-01, UTC
) {strict};
CREATE INDEX events_by_list ON events (list_no, no);
CREATE INDEX events_by_person ON events (subject_no, kind, at) WHERE subject_no IS NOT NULL;
CREATE INDEX events_by_actor ON events (actor_no) WHERE actor_no IS NOT NULL;
CREATE INDEX events_by_age ON events (at);
CREATE INDEX events_of_anybody ON events (list_no, kind, at) WHERE unproven = 1;
CREATE UNIQUE INDEX event_counts ON events (list_no, kind, data, day) WHERE day IS NOT NULL;
CREATE INDEX events_without_position ON events (no) WHERE position IS NULL AND day IS NULL;

-- The last position that was given. Whoever gives positions locks this row.
CREATE TABLE event_positions (
    no   {int} PRIMARY KEY CHECK (no = 1),
    last {int} NOT NULL
) {strict};
INSERT INTO event_positions (no, last) VALUES (1, 0);

-- Who follows the events from outside, and how far each has come.
CREATE TABLE event_consumers (
    no         {number},
    name       TEXT  NOT NULL UNIQUE,
    kind       TEXT  NOT NULL,
    position   {int} NOT NULL,
    created_at {int} NOT NULL
) {strict};

-- The audit named people, users of the system and the server in one column of words.
INSERT INTO event_people (email_key) SELECT DISTINCT email_key FROM audit WHERE email_key LIKE '%@%';
INSERT INTO events (list_no, at, actor_kind, actor_detail, actor_no, subject_no, kind, data, unproven, times, day)
    SELECT list_no, at,
        CASE WHEN day IS NOT NULL THEN 'anybody' WHEN unproven = 1 THEN 'mail' ELSE 'earlier' END,
        CASE WHEN unproven = 1 THEN 'nothing' WHEN email_key LIKE '%@%' THEN '' ELSE email_key END,
        (SELECT p.no FROM event_people p WHERE p.email_key = audit.email_key
            AND (audit.unproven = 1 OR audit.event IN ('hold-accepted', 'hold-rejected', 'hold-discarded'))),
        (SELECT p.no FROM event_people p WHERE p.email_key = audit.email_key
            AND audit.event NOT IN ('hold-accepted', 'hold-rejected', 'hold-discarded')),
        event,
        CASE WHEN detail = '' THEN '{}' ELSE {object of detail by event} END,
        unproven, times, day
    FROM audit ORDER BY audit.no;
DROP TABLE audit;
