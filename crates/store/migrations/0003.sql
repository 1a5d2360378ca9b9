-- Workflows that wait for an answer. Of each goal, and of each offered key, an address has one on a list.
CREATE TABLE requests (
    no          {number},
    list_no     {int} NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    email_key   TEXT  NOT NULL,             -- whom it is about
    email       TEXT  NOT NULL,
    goal        TEXT  NOT NULL,             -- subscribe, unsubscribe, key change, key reset, or a command
    fingerprint TEXT  NOT NULL DEFAULT '',  -- of the key that is offered
    certificate {octets},                   -- that key
    run         TEXT  NOT NULL,             -- JSON, lists::workflows::Run
    question    TEXT  NOT NULL,             -- what it waits for
    begun_at    {int} NOT NULL,
    expires_at  {int} NOT NULL,
    UNIQUE (list_no, email_key, goal, fingerprint)
) {strict};
CREATE INDEX requests_by_end ON requests (expires_at);

-- What answers a question. Only an HMAC of a token is kept: who reads this table answers nothing.
CREATE TABLE tokens (
    mark       {octets} PRIMARY KEY,
    request_no {int} REFERENCES requests (no) ON DELETE CASCADE,
    entry_no   {int} REFERENCES queue (no) ON DELETE CASCADE, -- of a message that waits for a moderator
    email_key  TEXT  NOT NULL,                               -- who may use it
    expires_at {int} NOT NULL
) {strict, by key};
CREATE INDEX tokens_by_request ON tokens (request_no) WHERE request_no IS NOT NULL;
CREATE INDEX tokens_by_entry ON tokens (entry_no) WHERE entry_no IS NOT NULL;

-- By whose word an address has its key. What a key authorised that is found to be compromised is void, and waits for
-- an owner.
CREATE TABLE key_changes (
    no              {number},
    address_no      {int} NOT NULL REFERENCES addresses (no) ON DELETE CASCADE,
    old_fingerprint TEXT  NOT NULL DEFAULT '',
    old_certificate {octets},                   -- so that a revocation that comes later can be verified
    new_fingerprint TEXT  NOT NULL DEFAULT '',  -- '': it has none any more
    authority       TEXT  NOT NULL,             -- old-key, moderator, admin, possession, update, revocation
    list_no         {int},                      -- where it was asked for
    changed_at      {int} NOT NULL,
    void_since      {int}
) {strict};
CREATE INDEX key_changes_by_address ON key_changes (address_no);

-- Who did or tried what, free of content. Only added to.
CREATE TABLE audit (
    no        {number},
    list_no   {int},                      -- NULL: the whole site
    at        {int} NOT NULL,
    email_key TEXT  NOT NULL DEFAULT '',  -- whom it is about, as far as mail tells
    event     TEXT  NOT NULL,
    detail    TEXT  NOT NULL DEFAULT ''
) {strict};
CREATE INDEX audit_by_list ON audit (list_no, no);
