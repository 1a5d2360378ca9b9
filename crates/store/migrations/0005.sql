-- The replay record: what became of a signed text at an address. A refusal by the machine leaves no row. The digest is an
-- HMAC under a key of the key directory, so that a dump of this table confirms no guess.
CREATE TABLE signed_texts (
    digest     {octets} NOT NULL,
    list_no    {int} NOT NULL,
    door       TEXT  NOT NULL,
    arrival    {octets} NOT NULL,              -- the transaction that brought the entry
    entry_no   {int} NOT NULL,                 -- the entry that was accepted, waits, or was refused
    outcome    TEXT  NOT NULL CHECK (outcome IN ('unknown', 'accepted', 'waits', 'refused')),
    refused_at {int},                          -- when a person refused it last
    refused_by TEXT  NOT NULL DEFAULT '',      -- the address of that person; empty: on the command line
    told       {int} NOT NULL DEFAULT 0,       -- whether the author heard that it was posted already
    seen_at    {int} NOT NULL,
    PRIMARY KEY (digest, list_no, door)
) {strict, by key};
CREATE INDEX signed_texts_by_entry ON signed_texts (entry_no);
CREATE INDEX signed_texts_by_age ON signed_texts (seen_at);

-- Nobody recorded what became of the older ones.
INSERT INTO signed_texts (digest, list_no, door, arrival, entry_no, outcome, seen_at)
    SELECT digest, list_no, door, arrival, entry_no, 'unknown', seen_at FROM signature_digests;
DROP TABLE signature_digests;
