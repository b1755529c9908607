select * from marts.roll_rates  -- published; never built here
