-- grain: customer and currency with a loan or an advance of the book, and rule that fired
-- as of: the end of the as-of date
-- decision: 0033 capacity signal: a rule whose figure is not known does not fire

select
    measures.customer_id,
    measures.currency,
    rules.rule,
    rules.signal,
    rules.severity,
    rules.label_zh,
    rules.label_en,
    max(rules.severity) over (partition by measures.customer_id, measures.currency) as worst_severity
from {{ ref('int_portfolio__measures') }} as measures
inner join {{ ref('capacity_rule') }} as rules
    on
        (rules.loan_days_from is null or rules.loan_days_from <= measures.loan_days_past_due)
        and (rules.loan_days_to is null or rules.loan_days_to >= measures.loan_days_past_due)
        and (rules.advance_days_from is null or rules.advance_days_from <= measures.duration_days)
        and (rules.advance_days_to is null or rules.advance_days_to >= measures.duration_days)
        and (rules.arrears_share_from is null or rules.arrears_share_from <= measures.arrears_share)
        and (rules.repaid_share_below is null or rules.repaid_share_below > measures.repaid_share_90d)
        and (rules.coverage_below is null or rules.coverage_below > measures.coverage)
