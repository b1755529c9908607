-- grain: customer and currency with a loan or an advance of the book, and rule that fired
-- as of: the end of the as-of date
-- decision: 0033 capacity signal: a rule whose figure is not known does not fire

with measured as (
    select
        exposures.*,
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
        (rules.loan_days_from is null or measured.loan_days_past_due >= rules.loan_days_from)
        and (rules.loan_days_to is null or measured.loan_days_past_due <= rules.loan_days_to)
        and (rules.advance_days_from is null or measured.duration_days >= rules.advance_days_from)
        and (rules.advance_days_to is null or measured.duration_days <= rules.advance_days_to)
        and (rules.arrears_share_from is null or measured.arrears_share >= rules.arrears_share_from)
        and (rules.repaid_share_below is null or measured.repaid_share_90d < rules.repaid_share_below)
        and (rules.coverage_below is null or measured.coverage < rules.coverage_below)
