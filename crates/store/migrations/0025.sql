-- What everybody on the way of a held message saw of it, so that a list of such messages opens none of them. Sealed where the
-- message is.
CREATE TABLE hold_summaries (
    entry_no    {int} PRIMARY KEY REFERENCES queue (no) ON DELETE CASCADE,
    wrapped_key {octets} NOT NULL,   -- empty: of a list that does not encrypt
    outer_part  {octets} NOT NULL,
    data        {octets} NOT NULL
) {strict};
