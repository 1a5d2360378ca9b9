-- What the member had chosen when bounces disabled delivery, so that a pardon takes back just that. NULL: nothing.
ALTER TABLE members ADD COLUMN choice_before_stop TEXT;
