-- About how many messages there are: their numbers have gaps, so there may be fewer. Two look-ups in the key.
SELECT max(given.id) - min(given.id) + 1 AS numbers
FROM messages AS given
