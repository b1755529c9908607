select * from marts.recovery_by_age  -- published; never built here
