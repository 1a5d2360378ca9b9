-- Times are INTEGER milliseconds UTC. AUTOINCREMENT, so that a number is never given twice.

CREATE TABLE domains (
    no          INTEGER PRIMARY KEY AUTOINCREMENT,
    mail_host   TEXT    NOT NULL UNIQUE,
    description TEXT    NOT NULL DEFAULT '',
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE lists (
    no         INTEGER PRIMARY KEY AUTOINCREMENT,
    domain_no  INTEGER NOT NULL REFERENCES domains (no),
    local      TEXT    NOT NULL,
    style      TEXT    NOT NULL,
    settings   TEXT    NOT NULL, -- JSON, lists::model::ListSettings
    created_at INTEGER NOT NULL,
    UNIQUE (domain_no, local)
) STRICT;

-- Names the key files of a list; the secret halves are in the key directory, never here.
CREATE TABLE list_keys (
    no          INTEGER PRIMARY KEY AUTOINCREMENT,
    list_no     INTEGER NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    purpose     TEXT    NOT NULL CHECK (purpose IN ('posting', 'storage')),
    fingerprint TEXT    NOT NULL,
    certificate BLOB    NOT NULL,
    created_at  INTEGER NOT NULL,
    retired_at  INTEGER,
    UNIQUE (list_no, purpose, fingerprint)
) STRICT;

CREATE TABLE users (
    no           INTEGER PRIMARY KEY AUTOINCREMENT,
    display_name TEXT    NOT NULL DEFAULT '',
    created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE addresses (
    no           INTEGER PRIMARY KEY AUTOINCREMENT,
    user_no      INTEGER REFERENCES users (no),
    email_key    TEXT    NOT NULL UNIQUE, -- lower case, for look-ups
    email        TEXT    NOT NULL,        -- as the person writes it
    display_name TEXT    NOT NULL DEFAULT '',
    verified_at  INTEGER,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
    no                   INTEGER PRIMARY KEY AUTOINCREMENT,
    list_no              INTEGER NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    address_no           INTEGER NOT NULL REFERENCES addresses (no),
    role                 TEXT    NOT NULL CHECK (role IN ('member', 'owner', 'moderator', 'nonmember')),
    delivery_mode        TEXT    NOT NULL DEFAULT 'regular',
    delivery_status      TEXT    NOT NULL DEFAULT 'enabled',
    receive_own_postings INTEGER NOT NULL DEFAULT 1,
    receive_list_copy    INTEGER NOT NULL DEFAULT 1,
    allow_cleartext      INTEGER NOT NULL DEFAULT 0,
    moderation_action    TEXT,
    created_at           INTEGER NOT NULL,
    UNIQUE (list_no, role, address_no)
) STRICT;
CREATE INDEX members_by_address ON members (address_no);

-- One certificate an address. The card is what delivery needs of it (openpgp::SealingCard, with its MAC);
-- it is rewritten in the transaction that changes the certificate.
CREATE TABLE certificates (
    address_no   INTEGER PRIMARY KEY REFERENCES addresses (no) ON DELETE CASCADE,
    fingerprint  TEXT    NOT NULL,
    certificate  BLOB    NOT NULL,
    card         BLOB,
    unusable     TEXT,             -- the reason, when there is no card
    generation   INTEGER NOT NULL, -- grows with every change
    confirmed_at INTEGER,
    updated_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX certificates_by_fingerprint ON certificates (fingerprint);

CREATE TABLE bans (
    no      INTEGER PRIMARY KEY AUTOINCREMENT,
    list_no INTEGER REFERENCES lists (no) ON DELETE CASCADE, -- NULL: the whole site
    pattern TEXT    NOT NULL,                                -- an address, or @domain
    created_at INTEGER NOT NULL
) STRICT;

-- A body is plain, or sealed to the storage key of its list. Sealed: wrapped_key is a PKESK, outer the SEIPD
-- of the outer header block, the chunks together the SEIPD of the payload.
CREATE TABLE bodies (
    no          INTEGER PRIMARY KEY AUTOINCREMENT,
    form        TEXT    NOT NULL CHECK (form IN ('plain', 'seipd1', 'seipd2')),
    wrapped_key BLOB    NOT NULL DEFAULT x'',
    outer_part  BLOB    NOT NULL DEFAULT x'',
    octets      INTEGER NOT NULL
) STRICT;

CREATE TABLE body_chunks (
    body_no INTEGER NOT NULL REFERENCES bodies (no) ON DELETE CASCADE,
    seq     INTEGER NOT NULL,
    data    BLOB    NOT NULL,
    PRIMARY KEY (body_no, seq)
) STRICT, WITHOUT ROWID;

-- What came in and is not done: waiting (in), held for a moderator (hold), or set aside after it broke a
-- runner three times (shunt).
CREATE TABLE queue (
    no          INTEGER PRIMARY KEY AUTOINCREMENT,
    queue       TEXT    NOT NULL CHECK (queue IN ('in', 'hold', 'shunt')),
    list_no     INTEGER NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    door        TEXT    NOT NULL,
    detail      TEXT    NOT NULL DEFAULT '',
    body_no     INTEGER NOT NULL REFERENCES bodies (no),
    arrival     BLOB    NOT NULL, -- the same for all rows of one LMTP transaction
    received_at INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    next_at     INTEGER NOT NULL, -- not before; also the end of a lease
    reasons     TEXT    NOT NULL DEFAULT '[]', -- JSON: rule names with their reasons, free of content
    approved    INTEGER NOT NULL DEFAULT 0     -- a moderator accepted these reasons
) STRICT;
CREATE INDEX queue_due ON queue (queue, next_at);
CREATE INDEX queue_by_list ON queue (list_no, queue);

-- Something accepted for delivery. The fan-out cursor walks the roster once.
CREATE TABLE posts (
    no             INTEGER PRIMARY KEY AUTOINCREMENT,
    list_no        INTEGER NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    kind           TEXT    NOT NULL CHECK (kind IN ('posting', 'notice')),
    channel        TEXT    NOT NULL CHECK (channel IN ('sealed', 'open')), -- how it travels
    body_no        INTEGER NOT NULL REFERENCES bodies (no),
    second_body_no INTEGER REFERENCES bodies (no),          -- the same for readers of version 6, once there is one
    envelope_from  TEXT    NOT NULL,                        -- '' for the null sender
    recipients     TEXT    NOT NULL DEFAULT '{}',           -- JSON: whom the fan-out leaves out
    archived       INTEGER NOT NULL DEFAULT 0,
    accepted_at    INTEGER NOT NULL,
    fan_out_after  INTEGER NOT NULL DEFAULT 0,
    fan_out_done   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX posts_by_body ON posts (body_no);
CREATE INDEX posts_by_second_body ON posts (second_body_no) WHERE second_body_no IS NOT NULL;
CREATE INDEX posts_to_fan_out ON posts (no) WHERE fan_out_done = 0;

CREATE TABLE deliveries (
    no         INTEGER PRIMARY KEY AUTOINCREMENT,
    post_no    INTEGER NOT NULL REFERENCES posts (no) ON DELETE CASCADE,
    address_no INTEGER REFERENCES addresses (no),
    member_no  INTEGER,                      -- for VERP; NULL for notices to strangers
    email      TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('due', 'sent', 'failed', 'held_for_key')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    next_at    INTEGER NOT NULL,             -- not before; also the end of a lease
    reply      TEXT    NOT NULL DEFAULT '',  -- the next hop's last reply or our reason
    UNIQUE (post_no, email)
) STRICT;
CREATE INDEX deliveries_due ON deliveries (next_at, post_no) WHERE state = 'due';
CREATE INDEX deliveries_by_address ON deliveries (address_no) WHERE state = 'held_for_key';

-- The replay record: per site, every door, every verdict. The digest is an HMAC under a key of the key
-- directory, so that a dump of this table confirms no guess.
CREATE TABLE signature_digests (
    digest  BLOB    PRIMARY KEY,
    list_no INTEGER NOT NULL,
    door    TEXT    NOT NULL,
    arrival BLOB    NOT NULL,
    outcome TEXT    NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- When a notice of a kind last went to an address (RFC 3834: answers are rare).
CREATE TABLE notices (
    list_no   INTEGER NOT NULL,
    email_key TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    sent_at   INTEGER NOT NULL,
    PRIMARY KEY (list_no, email_key, kind)
) STRICT, WITHOUT ROWID;
