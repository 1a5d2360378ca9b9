-- Lists whose copies share an envelope sender: a report that names a member and a message of ours has one copy to that
-- member carry a handle. Only what comes back of that copy counts.
ALTER TABLE members ADD COLUMN prove_post {int};                         -- 0: the next post; else: the post whose copy has the handle
ALTER TABLE members ADD COLUMN prove_asked_at {int} NOT NULL DEFAULT 0;

-- Which messages such lists sent of late: an HMAC of the Message-ID.
CREATE TABLE sent_ids (
    list_no {int}    NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    mark    {octets} NOT NULL,
    sent_at {int}    NOT NULL,
    PRIMARY KEY (list_no, mark)
) {strict, by key};
