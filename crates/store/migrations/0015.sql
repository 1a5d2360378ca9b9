-- The source of the mail by which somebody hears of facts: the number of an envelope sender's domain; NULL: not counted.
ALTER TABLE pending_notices ADD COLUMN source {int};
