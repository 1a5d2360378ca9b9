-- A message is followed by the number of its queue entry. What left the queue and what was sent stays for some days, in numbers and
-- replies, without anything of a message.

ALTER TABLE queue ADD COLUMN origin TEXT NOT NULL DEFAULT 'lmtp';
ALTER TABLE sendings ADD COLUMN entry_no {int}; -- the message that caused it; NULL: none, or it was stored before
CREATE INDEX sendings_by_entry ON sendings (entry_no) WHERE entry_no IS NOT NULL;

CREATE TABLE done_messages (
    entry_no    {int} PRIMARY KEY,           -- its number in the queue
    list_no     {int} NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    sub_address TEXT  NOT NULL,
    origin      TEXT  NOT NULL,
    sender_no   {int},                       -- event_people: the envelope sender; NULL: the null sender
    received_at {int} NOT NULL,
    held_at     {int},                       -- since when it waited for a moderator; NULL: it never did
    done_at     {int} NOT NULL,
    fate        TEXT  NOT NULL,              -- store::traces::MessageFate
    reasons     TEXT  NOT NULL               -- JSON: names of rules
) {strict};
CREATE INDEX done_messages_by_list ON done_messages (list_no);
CREATE INDEX done_messages_by_sender ON done_messages (sender_no) WHERE sender_no IS NOT NULL;
CREATE INDEX done_messages_by_age ON done_messages (done_at);

CREATE TABLE done_sendings (
    no          {int} PRIMARY KEY,           -- its number among the sendings
    list_no     {int} NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    entry_no    {int},
    post_number {int},                       -- of a post: its number in the list
    kind        TEXT  NOT NULL,
    accepted_at {int} NOT NULL,
    done_at     {int} NOT NULL
) {strict};
CREATE INDEX done_sendings_by_list ON done_sendings (list_no);
CREATE INDEX done_sendings_by_entry ON done_sendings (entry_no) WHERE entry_no IS NOT NULL;
CREATE INDEX done_sendings_by_age ON done_sendings (done_at);

-- Many copies are one row. Recipients stand there by the number of their address, or by that of event_people if the site knows no such
-- address. So deleting a person makes these rows name nobody.
CREATE TABLE done_copies (
    no         {number},
    sending_no {int} NOT NULL,
    list_no    {int} NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    person_no  {int},                        -- the only recipient of this row; NULL: its recipients are addresses of the site
    copies     TEXT  NOT NULL                -- JSON: state, reply and addresses (store::traces::CopyGroup)
) {strict};
CREATE INDEX done_copies_by_list ON done_copies (list_no);
CREATE INDEX done_copies_by_sending ON done_copies (sending_no);
CREATE INDEX done_copies_by_person ON done_copies (person_no) WHERE person_no IS NOT NULL;
