-- Why copies failed: where many members fail alike, none of them is at fault, and what was counted is taken back.
CREATE TABLE bounce_causes (
    list_no   {int} NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    cause     TEXT  NOT NULL,           -- of which post or day, and the status or code of the refusal
    member_no {int} NOT NULL,
    noted_at  {int} NOT NULL,
    scored_at {int} NOT NULL DEFAULT 0, -- when it raised the score of the member
    PRIMARY KEY (list_no, cause, member_no)
) {strict, by key};
