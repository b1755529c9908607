-- grain: row of the statement and currency
-- as of: the end of the as-of date
-- decision: 0021 statements; Call Report RC-N: 30-89 and 90+ days still accruing, nonaccrual by flag first

{{ past_due_statement('past_due_ffiec') }}
