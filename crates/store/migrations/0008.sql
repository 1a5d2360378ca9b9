-- What was put aside because it answers nobody's question: automatic answers, reports, loops. Counted for each list and day.
CREATE TABLE put_aside (
    list_no {int} NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    day     {int} NOT NULL, -- days since 1970-01-01, UTC
    reason  TEXT  NOT NULL,
    count   {int} NOT NULL,
    PRIMARY KEY (list_no, day, reason)
) {strict, by key};
