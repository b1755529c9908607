select * from marts.advance_aging  -- published; never built here
