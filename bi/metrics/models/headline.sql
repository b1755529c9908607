select * from marts.headline  -- published; never built here
