-- The author who heard that a message waits for a moderator, and hears when it goes. '': nobody did, or it began to wait before.
ALTER TABLE queue ADD COLUMN author TEXT NOT NULL DEFAULT '';
