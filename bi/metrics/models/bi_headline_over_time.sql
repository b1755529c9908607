select distinct as_of from marts.bi_headline_over_time  -- the dates of the history; published, never built here
