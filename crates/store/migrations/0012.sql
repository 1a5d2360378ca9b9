-- What notices to strangers count against (lists/src/budgets.rs): for each address a pool that all lists share, and for the
-- site one count for the hour, which begins with its first notice.
DROP INDEX notices_to_strangers;
ALTER TABLE notices ADD COLUMN pool TEXT NOT NULL DEFAULT ''; -- '': none
UPDATE notices SET pool = 'answers' WHERE stranger = 1;
ALTER TABLE notices DROP COLUMN stranger;
CREATE INDEX notices_of_pools ON notices (email_key) WHERE pool <> '';
CREATE TABLE stranger_notices (
    no       {int} PRIMARY KEY CHECK (no = 1),
    began_at {int} NOT NULL,
    sent     {int} NOT NULL
) {strict};

-- Requests of people who proved nothing give way to others.
ALTER TABLE requests ADD COLUMN proven {int} NOT NULL DEFAULT 0;
CREATE INDEX requests_that_give_way ON requests (no) WHERE proven = 0;

-- What anybody can cause by forged mail: the first entries of a day are rows like others, those beyond are counted in one
-- row for each list, event and day.
ALTER TABLE audit ADD COLUMN unproven {int} NOT NULL DEFAULT 0;
ALTER TABLE audit ADD COLUMN times {int} NOT NULL DEFAULT 1;
ALTER TABLE audit ADD COLUMN day {int};                       -- of a row that counts, in days since 1970-01-01, UTC
CREATE INDEX audit_of_anybody ON audit (list_no, event, at) WHERE unproven = 1;
CREATE UNIQUE INDEX audit_counts ON audit (list_no, event, detail, day) WHERE day IS NOT NULL;
