-- A setting of a list is a row, and only what differs from the default of the list's style has one. `write` in
-- `settings_rows.rs` writes the rows of the lists that are there.

CREATE TABLE list_settings (
    list_no {int} NOT NULL REFERENCES lists (no) ON DELETE CASCADE,
    name    TEXT  NOT NULL,
    value   TEXT  NOT NULL, -- JSON
    PRIMARY KEY (list_no, name)
) {strict, by key};

-- Whether the list has OpenPGP; its style says so too, but a process may not know the style of a newer version.
ALTER TABLE lists ADD COLUMN openpgp {int} NOT NULL DEFAULT 0;
-- Grows with each change of the settings.
ALTER TABLE lists ADD COLUMN generation {int} NOT NULL DEFAULT 0;
