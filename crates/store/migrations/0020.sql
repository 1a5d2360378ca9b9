-- A post is what a list accepted, apart from the copies that carry it: its content outlives them, and a digest, a resend and
-- the archive refer to it.
CREATE TABLE posts (
    no          {number},
    list_no     {int} NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    number      {int} NOT NULL,                -- counted by the list, from 1
    body_no     {int} NOT NULL REFERENCES bodies (no),
    accepted_at {int} NOT NULL,
    UNIQUE (list_no, number)
) {strict};
CREATE INDEX posts_by_body ON posts (body_no);
ALTER TABLE lists ADD COLUMN last_post_number {int} NOT NULL DEFAULT 0;

-- Posts that stay after their last copy. The keys are HMACs of Message-IDs, so that threads are known without any text here.
CREATE TABLE archive (
    post_no      {int} PRIMARY KEY REFERENCES posts (no) ON DELETE CASCADE,
    list_no      {int} NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    thread_no    {int} NOT NULL,               -- the first post of the thread
    parent_no    {int},                        -- the post that this one answers; NULL: none that the archive has
    parent_key   {octets},                     -- the key of the message that it answers; NULL: it answers none
    message_key  {octets},                     -- of the Message-ID that copies show; NULL: archived before keys were kept
    original_key {octets},                     -- of the author's own Message-ID, if it is another one
    summary_no   {int} REFERENCES bodies (no)  -- Subject, author, attachments: sealed where the post is
) {strict};
CREATE INDEX archive_by_thread ON archive (thread_no);
CREATE INDEX archive_by_message ON archive (list_no, message_key);
CREATE INDEX archive_by_original ON archive (list_no, original_key) WHERE original_key IS NOT NULL;
CREATE INDEX archive_by_parent ON archive (list_no, parent_key) WHERE parent_no IS NULL AND parent_key IS NOT NULL;
CREATE INDEX archive_by_summary ON archive (summary_no) WHERE summary_no IS NOT NULL;

INSERT INTO posts (list_no, number, body_no, accepted_at)
    SELECT list_no, ROW_NUMBER() OVER (PARTITION BY list_no ORDER BY no), body_no, accepted_at
    FROM sendings WHERE kind = 'posting' AND recipients LIKE '%"member"%' ORDER BY no;
UPDATE lists SET last_post_number = (SELECT COUNT(*) FROM posts WHERE posts.list_no = lists.no);
ALTER TABLE sendings ADD COLUMN post_no {int} REFERENCES posts (no); -- NULL: a notice, or mail to those in charge
CREATE INDEX sendings_by_post ON sendings (post_no) WHERE post_no IS NOT NULL;
UPDATE sendings SET post_no = (SELECT posts.no FROM posts WHERE posts.body_no = sendings.body_no) WHERE kind = 'posting';
INSERT INTO archive (post_no, list_no, thread_no)
    SELECT post_no, list_no, post_no FROM sendings WHERE archived = 1 AND post_no IS NOT NULL;
ALTER TABLE sendings DROP COLUMN archived;
