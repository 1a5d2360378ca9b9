-- Keys of a list over time. A new posting key waits until all nodes have it, then it is used; the one that it replaces
-- still opens mail until it is retired.
ALTER TABLE list_keys ADD COLUMN generation {int} NOT NULL DEFAULT 1; -- grows with every rotation
ALTER TABLE list_keys ADD COLUMN state TEXT NOT NULL DEFAULT 'used'
    CHECK (state IN ('waiting', 'used', 'replaced', 'retired'));
ALTER TABLE list_keys ADD COLUMN replaced_at {int};
ALTER TABLE list_keys ADD COLUMN announced_at {int}; -- when the members heard that it is used
CREATE UNIQUE INDEX list_keys_by_generation ON list_keys (list_no, purpose, generation);
CREATE UNIQUE INDEX list_keys_in_use ON list_keys (list_no, purpose) WHERE state = 'used';
CREATE INDEX list_keys_that_wait ON list_keys (no) WHERE state = 'waiting';

-- Secret keys, wrapped under the master key that the nodes have ([keydirs] kept = "database"). Without it they open nothing.
CREATE TABLE wrapped_keys (
    list_key_no {int} PRIMARY KEY REFERENCES list_keys (no) ON DELETE CASCADE,
    wrapped     {octets} NOT NULL
) {strict};

-- The key of the site: a mark by which a node knows whether it has the same one, and the key itself, wrapped, if the
-- database keeps it.
CREATE TABLE site_keys (
    no      {number},
    purpose TEXT     NOT NULL UNIQUE,
    mark    {octets} NOT NULL,
    wrapped {octets}
) {strict};

-- Which of the keys that wait a node has loaded.
CREATE TABLE node_keys (
    node_no     {int} NOT NULL REFERENCES nodes (no) ON DELETE CASCADE,
    list_key_no {int} NOT NULL REFERENCES list_keys (no) ON DELETE CASCADE,
    PRIMARY KEY (node_no, list_key_no)
) {strict, by key};
