-- The reason covert-content has its new name.

UPDATE queue SET reasons = REPLACE(reasons, '"covert-content"', '"decrypted-for-unproven-sender"')
WHERE reasons LIKE '%"covert-content"%';
UPDATE put_aside SET reason = 'decrypted-for-unproven-sender' WHERE reason = 'covert-content';
UPDATE events SET data = REPLACE(data, '"covert-content"', '"decrypted-for-unproven-sender"')
WHERE data LIKE '%"covert-content"%';
