-- One table for each thing that is known of a certificate: the certificate itself, what the daily check found, and what key servers
-- said. Each certificate has one row in all three.

CREATE TABLE certificate_checks (
    address_no   {int} PRIMARY KEY REFERENCES certificates (address_no) ON DELETE CASCADE,
    checked_at   {int} NOT NULL DEFAULT 0,  -- when the daily check last judged it
    warned_of    TEXT  NOT NULL DEFAULT '', -- the fingerprint of which its holder was warned; '': of nothing
    warned_until {int},                     -- the end that the key had then; NULL: it had become unusable without one
    warned_stage {int} NOT NULL DEFAULT 0,  -- days before that end; 0: it cannot be used any more
    warned_at    {int} NOT NULL DEFAULT 0
) {strict};
CREATE TABLE certificate_refreshes (
    address_no {int} PRIMARY KEY REFERENCES certificates (address_no) ON DELETE CASCADE,
    asked_at   {int} NOT NULL DEFAULT 0,  -- when WKD or a keyserver was last asked for it
    changes    TEXT  NOT NULL DEFAULT '', -- what came from there last
    changed_at {int} NOT NULL DEFAULT 0
) {strict};
INSERT INTO certificate_checks SELECT address_no, checked_at, warned_of, warned_until, warned_stage, warned_at FROM certificates;
INSERT INTO certificate_refreshes SELECT address_no, asked_at, changes, changed_at FROM certificates;
ALTER TABLE certificates DROP COLUMN checked_at;
ALTER TABLE certificates DROP COLUMN warned_of;
ALTER TABLE certificates DROP COLUMN warned_until;
ALTER TABLE certificates DROP COLUMN warned_stage;
ALTER TABLE certificates DROP COLUMN warned_at;
ALTER TABLE certificates DROP COLUMN asked_at;
ALTER TABLE certificates DROP COLUMN changes;
ALTER TABLE certificates DROP COLUMN changed_at;

-- Grows with every change of a request: a change names the generation that it was decided from.
ALTER TABLE requests ADD COLUMN generation {int} NOT NULL DEFAULT 1;
