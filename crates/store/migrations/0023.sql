-- What stood in this column stands in `list_settings` now.
ALTER TABLE lists DROP COLUMN settings;
