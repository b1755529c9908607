-- grain: row of the statement and currency
-- as of: the end of the as-of date
-- decision: 0021 statements; 1104 G11 overdue rows

{{ past_due_statement('past_due_1104', with_advances=true, by_90_days=true) }}
