select * from marts.promises  -- published; never built here
