select * from marts.loan_aging  -- published; never built here
