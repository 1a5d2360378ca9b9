-- Times are milliseconds UTC. A number is never given twice.

CREATE TABLE domains (
    no          {number},
    mail_host   TEXT    NOT NULL UNIQUE,
    description TEXT    NOT NULL DEFAULT '',
    created_at  {int} NOT NULL
) {strict};

CREATE TABLE lists (
    no         {number},
    domain_no  {int} NOT NULL REFERENCES domains (no),
    local      TEXT    NOT NULL,
    style      TEXT    NOT NULL,
    settings   TEXT    NOT NULL, -- JSON, lists::model::ListSettings
    held_at    {int},            -- since then nothing of it is judged or sent
    created_at {int} NOT NULL,
    UNIQUE (domain_no, local)
) {strict};

-- Names the key files of a list; the secret halves are in the key directory, never here.
CREATE TABLE list_keys (
    no          {number},
    list_no     {int} NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    purpose     TEXT    NOT NULL CHECK (purpose IN ('posting', 'storage')),
    fingerprint TEXT    NOT NULL,
    certificate {octets}    NOT NULL,
    created_at  {int} NOT NULL,
    retired_at  {int},
    UNIQUE (list_no, purpose, fingerprint)
) {strict};

CREATE TABLE users (
    no           {number},
    display_name TEXT    NOT NULL DEFAULT '',
    created_at   {int} NOT NULL
) {strict};

CREATE TABLE addresses (
    no           {number},
    user_no      {int} REFERENCES users (no),
    email_key    TEXT    NOT NULL UNIQUE, -- lower case, for look-ups
    email        TEXT    NOT NULL,        -- as the person writes it
    display_name TEXT    NOT NULL DEFAULT '',
    preferred_language TEXT NOT NULL DEFAULT '', -- empty: that of the list
    verified_at  {int},
    keys_told_at {int} NOT NULL DEFAULT 0, -- up to when its owner has heard of the keys of members
    created_at   {int} NOT NULL
) {strict};

CREATE TABLE members (
    no                   {number},
    list_no              {int} NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    address_no           {int} NOT NULL REFERENCES addresses (no),
    role                 TEXT    NOT NULL CHECK (role IN ('member', 'owner', 'moderator', 'nonmember')),
    delivery_mode        TEXT    NOT NULL DEFAULT 'regular',
    delivery_status      TEXT    NOT NULL DEFAULT 'enabled',
    receive_own_postings {int} NOT NULL DEFAULT 1,
    receive_list_copy    {int} NOT NULL DEFAULT 1,
    allow_cleartext      {int} NOT NULL DEFAULT 0,
    moderation_action    TEXT,
    key_waits            {int} NOT NULL DEFAULT 0, -- whether the list has not approved the key that the address has
    bounce_score         {int} NOT NULL DEFAULT 0,
    last_bounce_at       {int} NOT NULL DEFAULT 0,
    created_at           {int} NOT NULL,
    UNIQUE (list_no, role, address_no)
) {strict};
CREATE INDEX members_by_address ON members (address_no);
CREATE INDEX members_by_list ON members (list_no, no);

-- One certificate an address. The card is what delivery needs of it (openpgp::SealingCard, with its MAC);
-- it is rewritten in the transaction that changes the certificate.
CREATE TABLE certificates (
    address_no   {int} PRIMARY KEY REFERENCES addresses (no) ON DELETE CASCADE,
    fingerprint  TEXT    NOT NULL,
    certificate  {octets}    NOT NULL,
    card         {octets},
    unusable     TEXT,             -- the reason, when there is no card
    generation   {int} NOT NULL, -- grows with every change
    confirmed_at {int},        -- NULL: it is in doubt, and has no card
    updated_at   {int} NOT NULL,
    checked_at   {int} NOT NULL DEFAULT 0,  -- when the daily check last judged it
    warned_of    TEXT    NOT NULL DEFAULT '', -- the fingerprint of which its holder was warned; '': of nothing
    warned_until {int},                     -- the end that it had then; NULL: it had become unusable without one
    warned_stage {int} NOT NULL DEFAULT 0,  -- days before that end; 0: it cannot be used any more
    warned_at    {int} NOT NULL DEFAULT 0,
    asked_at     {int} NOT NULL DEFAULT 0,  -- when WKD or a keyserver was last asked for it
    changes      TEXT    NOT NULL DEFAULT '', -- what came from there last
    changed_at   {int} NOT NULL DEFAULT 0,
    CHECK (confirmed_at IS NOT NULL OR card IS NULL)
) {strict};
CREATE INDEX certificates_by_fingerprint ON certificates (fingerprint);

-- The daily check of all certificates. A pass that made no progress for a while is taken over.
CREATE TABLE key_checks (
    no          {number},
    began_at    {int} NOT NULL,
    progress_at {int} NOT NULL,
    ended_at    {int},
    epoch       {int} NOT NULL -- openpgp::POLICY_EPOCH: under which rules cards were made
) {strict};

CREATE TABLE bans (
    no      {number},
    list_no {int} REFERENCES lists (no) ON DELETE CASCADE, -- NULL: the whole site
    pattern TEXT    NOT NULL,                                -- an address, or @domain
    created_at {int} NOT NULL
) {strict};

-- A body is plain, or sealed to the storage key of its list. Sealed: wrapped_key is a PKESK, outer the SEIPD
-- of the outer header block, data and the chunks behind it together the SEIPD of the payload.
CREATE TABLE bodies (
    no          {number},
    form        TEXT    NOT NULL CHECK (form IN ('plain', 'seipd1', 'seipd2')),
    wrapped_key {octets}    NOT NULL DEFAULT {no octets},
    outer_part  {octets}    NOT NULL DEFAULT {no octets},
    octets      {int} NOT NULL,
    data        {octets}    NOT NULL, -- the first 256 KiB: all of most
    coming_to   {int}                 -- the node that takes it in, until it is whole; nothing names it before
) {strict};
CREATE INDEX bodies_that_come ON bodies (coming_to) WHERE coming_to IS NOT NULL;

CREATE TABLE body_chunks (
    body_no {int} NOT NULL REFERENCES bodies (no) ON DELETE CASCADE,
    seq     {int} NOT NULL,
    data    {octets}    NOT NULL,
    PRIMARY KEY (body_no, seq)
) {strict, by key};

-- What came in and is not done: waiting (in), waiting until its list goes on (paused), held for a moderator (hold), or
-- set aside after it broke a runner three times (shunt).
CREATE TABLE queue (
    no          {number},
    queue       TEXT    NOT NULL CHECK (queue IN ('in', 'paused', 'hold', 'shunt')),
    list_no     {int} NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    door        TEXT    NOT NULL,
    detail      TEXT    NOT NULL DEFAULT '',
    body_no     {int} NOT NULL, -- its own: nothing else names that body
    arrival     {octets}    NOT NULL, -- the same for all rows of one LMTP transaction
    received_at {int} NOT NULL,
    attempts    {int} NOT NULL DEFAULT 0,
    next_at     {int} NOT NULL, -- not before
    claimed_by  {int},          -- the node that has it
    reasons     TEXT    NOT NULL DEFAULT '[]', -- JSON: rule names with their reasons, free of content
    approved    {int} NOT NULL DEFAULT 0     -- a moderator accepted these reasons
) {strict};
CREATE INDEX queue_due ON queue (queue, next_at);

-- Something accepted for delivery. The fan-out cursor walks the roster once.
CREATE TABLE posts (
    no             {number},
    list_no        {int} NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    kind           TEXT    NOT NULL CHECK (kind IN ('posting', 'notice', 'probe')),
    channel        TEXT    NOT NULL CHECK (channel IN ('sealed', 'open')), -- how it travels
    body_no        {int} NOT NULL REFERENCES bodies (no),
    second_body_no {int} REFERENCES bodies (no),          -- the same for readers of version 6, once there is one
    envelope_from  TEXT    NOT NULL,                        -- '' for the null sender
    recipients     TEXT    NOT NULL DEFAULT '{}',           -- JSON: whom the fan-out leaves out
    archived       {int} NOT NULL DEFAULT 0,
    accepted_at    {int} NOT NULL,
    fan_out_after  {int} NOT NULL DEFAULT 0,
    fan_out_done   {int} NOT NULL DEFAULT 0,
    faults         {int} NOT NULL DEFAULT 0                 -- how often copies could not be made
) {strict};
CREATE INDEX posts_by_body ON posts (body_no);
CREATE INDEX posts_by_second_body ON posts (second_body_no) WHERE second_body_no IS NOT NULL;
CREATE INDEX posts_to_fan_out ON posts (no) WHERE fan_out_done = 0;

CREATE TABLE deliveries (
    no         {number},
    post_no    {int} NOT NULL REFERENCES posts (no) ON DELETE CASCADE,
    address_no {int} REFERENCES addresses (no),
    member_no  {int},                      -- for VERP; NULL for notices
    email      TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('due', 'sent', 'failed', 'held_for_key', 'held')),
    attempts   {int} NOT NULL DEFAULT 0,
    next_at    {int} NOT NULL,             -- not before
    claimed_by {int},                      -- the node that has it
    reply      TEXT    NOT NULL DEFAULT '',  -- the next hop's last reply or our reason
    UNIQUE (post_no, email)
) {strict};
CREATE INDEX deliveries_due ON deliveries (next_at, post_no) WHERE state = 'due' AND claimed_by IS NULL;
CREATE INDEX deliveries_by_address ON deliveries (address_no) WHERE state = 'held_for_key';

-- The replay record: per site, every door, every verdict. The digest is an HMAC under a key of the key
-- directory, so that a dump of this table confirms no guess.
CREATE TABLE signature_digests (
    digest  {octets}    PRIMARY KEY,
    list_no {int} NOT NULL,
    door    TEXT    NOT NULL,
    arrival {octets}    NOT NULL,
    entry_no {int} NOT NULL,
    outcome TEXT    NOT NULL,
    seen_at {int} NOT NULL
) {strict, by key};

-- Which notices went to an address within a day (RFC 3834: answers are rare).
CREATE TABLE notices (
    list_no   {int} NOT NULL,
    email_key TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    sent_at   {int} NOT NULL,           -- the first of its day
    sent      {int} NOT NULL DEFAULT 1, -- how many since
    stranger  {int} NOT NULL DEFAULT 0, -- whether the reader had proved nothing
    PRIMARY KEY (list_no, email_key, kind)
) {strict, by key};
CREATE INDEX notices_to_strangers ON notices (email_key) WHERE stranger = 1;

-- The processes that serve this database. One that has not been seen for a while is dead, and what it had
-- claimed is free. seen_at is by the database's own clock.
CREATE TABLE nodes (
    no      {number},
    seen_at {int} NOT NULL
) {strict};
