-- Not beyond today: an infinite time is no day's, and no change of the mart is newer than it.
SELECT max(detail.time_) AT TIME ZONE %(zone)s AS newest
FROM act_hi_detail AS detail
WHERE detail.time_ < (%(until)s AT TIME ZONE %(zone)s)
