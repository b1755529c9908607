-- grain: row of the statement and currency
-- as of: the end of the as-of date
-- decision: 0021 statements; FINREP F 18: whole carrying amount, non-performing by flag first, charges count as aging

{{ past_due_statement('past_due_finrep', with_charges=true) }}
