-- A ban exists once.

DELETE FROM bans WHERE no NOT IN (SELECT MIN(no) FROM bans GROUP BY list_no, pattern);
CREATE UNIQUE INDEX bans_of_list ON bans (list_no, pattern) WHERE list_no IS NOT NULL;
CREATE UNIQUE INDEX bans_of_site ON bans (pattern) WHERE list_no IS NULL;
