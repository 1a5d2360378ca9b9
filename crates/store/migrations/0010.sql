-- How often a member to whom posts have stopped was told so, some days apart.
ALTER TABLE members ADD COLUMN stop_notices {int} NOT NULL DEFAULT 0;
