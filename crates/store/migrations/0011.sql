-- Whose turn it is: senders of one domain share a number, which a secret of the site makes. Old entries share the same.
ALTER TABLE queue ADD COLUMN source {int} NOT NULL DEFAULT 0;
CREATE INDEX queue_turns ON queue (list_no, source, next_at) WHERE queue = 'in';
