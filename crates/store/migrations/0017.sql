-- A sending is one payload on its way to an audience: the copies of a post, or of a notice. The next migration gives posts
-- a table of their own.

ALTER TABLE posts RENAME TO sendings;
ALTER TABLE deliveries RENAME COLUMN post_no TO sending_no;
DROP INDEX posts_by_body;
DROP INDEX posts_by_second_body;
DROP INDEX posts_to_fan_out;
CREATE INDEX sendings_by_body ON sendings (body_no);
CREATE INDEX sendings_by_second_body ON sendings (second_body_no) WHERE second_body_no IS NOT NULL;
CREATE INDEX sendings_to_fan_out ON sendings (no) WHERE fan_out_done = 0;
