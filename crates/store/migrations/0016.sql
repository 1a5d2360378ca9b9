-- Mail servers call what a list's address may mean a sub-address.

ALTER TABLE queue RENAME COLUMN door TO sub_address;
ALTER TABLE signed_texts RENAME COLUMN door TO sub_address;
