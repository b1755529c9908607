-- grain: row of the statement and currency
-- as of: the end of the as-of date
-- decision: 0021 statements; RBI special mention accounts: the due date is day 1

{{ past_due_statement('past_due_rbi') }}
