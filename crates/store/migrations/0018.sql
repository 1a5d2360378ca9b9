-- People: users with several addresses, ids for programs outside, and choices on four levels.

ALTER TABLE users ADD COLUMN uuid TEXT NOT NULL DEFAULT ''; -- 32 hex digits
ALTER TABLE users ADD COLUMN is_server_owner {int} NOT NULL DEFAULT 0;
UPDATE users SET uuid = {random id};
CREATE UNIQUE INDEX users_by_uuid ON users (uuid);

-- A user prefers one of the user's own addresses. Certificates and key changes stay with each address.
ALTER TABLE addresses ADD COLUMN is_preferred {int} NOT NULL DEFAULT 0;
CREATE INDEX addresses_of_user ON addresses (user_no) WHERE user_no IS NOT NULL;
CREATE UNIQUE INDEX addresses_preferred ON addresses (user_no) WHERE is_preferred = 1;

ALTER TABLE members ADD COLUMN uuid TEXT NOT NULL DEFAULT ''; -- 32 hex digits
UPDATE members SET uuid = {random id};
CREATE UNIQUE INDEX members_by_uuid ON members (uuid);
ALTER TABLE members ADD COLUMN user_no {int} REFERENCES users (no); -- set: the user subscribed, and address_no is the preferred address
CREATE INDEX members_of_user ON members (user_no) WHERE user_no IS NOT NULL;
ALTER TABLE members RENAME COLUMN created_at TO subscribed_at;
ALTER TABLE members RENAME COLUMN key_waits TO key_pending_approval;
ALTER TABLE members ADD COLUMN preferred_language TEXT NOT NULL DEFAULT '';
UPDATE members SET preferred_language =
    (SELECT a.preferred_language FROM addresses a WHERE a.no = members.address_no);

-- What is chosen on one level; NULL: nothing. What that comes to stands in members, and in addresses.preferred_language, where
-- deliveries and notices read it: store/src/people/preferences.rs keeps both equal.
CREATE TABLE preferences (
    no                   {number},
    level                TEXT NOT NULL,
    member_no            {int} UNIQUE REFERENCES members (no) ON DELETE CASCADE,
    address_no           {int} UNIQUE REFERENCES addresses (no) ON DELETE CASCADE,
    user_no              {int} UNIQUE REFERENCES users (no) ON DELETE CASCADE,
    delivery_mode        TEXT,
    delivery_status      TEXT,
    receive_own_postings {int},
    receive_list_copy    {int},
    allow_cleartext      {int},
    preferred_language   TEXT,
    CHECK (level = 'member' AND member_no IS NOT NULL AND address_no IS NULL AND user_no IS NULL
        OR level = 'address' AND address_no IS NOT NULL AND member_no IS NULL AND user_no IS NULL
        OR level = 'user' AND user_no IS NOT NULL AND member_no IS NULL AND address_no IS NULL
        OR level = 'site' AND member_no IS NULL AND address_no IS NULL AND user_no IS NULL),
    CHECK (allow_cleartext IS NULL OR level IN ('member', 'address'))
) {strict};
CREATE UNIQUE INDEX preferences_of_site ON preferences (level) WHERE level = 'site';
INSERT INTO preferences (level) VALUES ('site');

-- A value that is the default becomes open: no other level has a choice yet, so that the default counts as before. Nobody can tell
-- whether such a value was chosen, and if it stayed, later choices of the address, the user and the site would reach nobody who
-- is a member today. A value that is not the default was chosen, and stays a choice of the member.
INSERT INTO preferences (level, member_no, delivery_mode, delivery_status, receive_own_postings, receive_list_copy, allow_cleartext)
    SELECT 'member', no, NULLIF(delivery_mode, 'regular'), NULLIF(delivery_status, 'enabled'), NULLIF(receive_own_postings, 1),
        NULLIF(receive_list_copy, 1), NULLIF(allow_cleartext, 0)
    FROM members WHERE delivery_mode <> 'regular' OR delivery_status <> 'enabled' OR receive_own_postings <> 1
        OR receive_list_copy <> 1 OR allow_cleartext <> 0;
INSERT INTO preferences (level, address_no, preferred_language)
    SELECT 'address', no, preferred_language FROM addresses WHERE preferred_language <> '';

-- The words of today.
ALTER TABLE key_changes RENAME COLUMN void_since TO suspended_at;
ALTER TABLE bodies RENAME COLUMN coming_to TO receiving_node;
