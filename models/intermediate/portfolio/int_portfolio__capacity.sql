-- grain: customer and currency with a loan or an advance of the book, and rule that fired
-- as of: the end of the as-of date
-- decision: 0033 capacity signal: a rule whose figure is not known does not fire

with measured as (
    select
        exposures.customer_id,
        exposures.currency,
        exposures.loans,
        exposures.advances,
        exposures.loan_balance,
        exposures.advance_balance,
        exposures.exposure,
        exposures.overdue_balance,
        exposures.overdue_amount,
        exposures.loan_days_past_due,
        exposures.advance_days_past_due,
        exposures.duration_days,
        collateral.collateral_value,
        {{ share('exposures.overdue_balance', 'exposures.exposure') }} as arrears_share,
        {{ share('greatest(0, coalesce(cash.cash, 0))', '(greatest(0, coalesce(cash.cash, 0)) + exposures.overdue_amount)') }} as repaid_share_90d,
        -- decimal(9, 6) holds no more than 999 times
        {{ share('least(coalesce(collateral.collateral_value, 0), 999 * exposures.exposure)', 'exposures.exposure') }} as coverage
    from {{ ref('int_portfolio__exposures') }} as exposures
    left join {{ ref('int_portfolio__cash') }} as cash  -- a miss: no cash came
        on cash.customer_id = exposures.customer_id and cash.currency = exposures.currency
    left join {{ ref('int_portfolio__collateral') }} as collateral  -- a miss: nothing was valued
        on collateral.customer_id = exposures.customer_id and collateral.currency = exposures.currency
)

select
    measured.*,
    rules.rule,
    rules.signal,
    rules.severity,
    rules.label_zh,
    rules.label_en,
    max(rules.severity) over (partition by measured.customer_id, measured.currency) as worst_severity
from measured
inner join {{ ref('capacity_rule') }} as rules
    on
        (rules.loan_days_from is null or rules.loan_days_from <= measured.loan_days_past_due)
        and (rules.loan_days_to is null or rules.loan_days_to >= measured.loan_days_past_due)
        and (rules.advance_days_from is null or rules.advance_days_from <= measured.duration_days)
        and (rules.advance_days_to is null or rules.advance_days_to >= measured.duration_days)
        and (rules.arrears_share_from is null or rules.arrears_share_from <= measured.arrears_share)
        and (rules.repaid_share_below is null or rules.repaid_share_below > measured.repaid_share_90d)
        and (rules.coverage_below is null or rules.coverage_below > measured.coverage)
