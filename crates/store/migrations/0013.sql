-- Notices to strangers within an hour (lists/src/budgets.rs): those of all, and those that mail of one source asked for.
DROP TABLE stranger_notices;
CREATE TABLE stranger_notices (
    source   {int} PRIMARY KEY, -- -1: all together
    began_at {int} NOT NULL,
    sent     {int} NOT NULL
) {strict};

-- Mail with commands waits for the next hour when notices to strangers are used up: so much of it, and no more.
CREATE INDEX queue_commands ON queue (source)
    WHERE queue = 'in' AND door IN ('request', 'join', 'leave', 'confirm', 'sendkey');
