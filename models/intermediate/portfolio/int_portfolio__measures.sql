-- grain: customer and currency with a loan or an advance of the book
-- as of: the end of the as-of date
-- decision: 0032 exposure

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
    cast(greatest(0, coalesce(cash.cash, 0)) as decimal(18, 2)) as repaid_90d,
    -- what is due and unpaid, not what is still to fall due; interest and fees may make it more than the balance
    {{ share('least(exposures.overdue_amount, exposures.exposure)', 'exposures.exposure') }} as arrears_share,
    {{ share('greatest(0, coalesce(cash.cash, 0))', '(greatest(0, coalesce(cash.cash, 0)) + exposures.overdue_amount)') }} as repaid_share_90d,
    -- decimal(9, 6) holds no more than 999 times
    {{ share('least(coalesce(collateral.collateral_value, 0), ' ~ times('exposures.exposure', 999) ~ ')', 'exposures.exposure') }} as coverage
from {{ ref('int_portfolio__exposures') }} as exposures
left join {{ ref('int_portfolio__cash') }} as cash  -- a miss: no cash came
    on cash.customer_id = exposures.customer_id and cash.currency = exposures.currency
left join {{ ref('int_portfolio__collateral') }} as collateral  -- a miss: nothing was valued
    on collateral.customer_id = exposures.customer_id and collateral.currency = exposures.currency
