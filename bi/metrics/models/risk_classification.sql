select * from marts.risk_classification  -- published; never built here
