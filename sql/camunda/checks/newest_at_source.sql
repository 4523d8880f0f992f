SELECT max(detail.time_) AT TIME ZONE %(zone)s AS newest
FROM act_hi_detail AS detail
