-- grain: customer and currency shown, ALL too, with a loan or an advance of the book
-- as of: the end of the as-of date
-- decision: 0032 exposure; 0022 one currency

with shown as (
    select
        exposures.customer_id,
        currencies.shown_in as currency,
        cast(sum(exposures.loans) as bigint) as loans,
        cast(sum(exposures.advances) as bigint) as advances,
        {{ shown_sum('exposures.loan_balance') }} as loan_balance,
        {{ shown_sum('exposures.advance_balance') }} as advance_balance,
        {{ shown_sum('exposures.exposure') }} as exposure,
        {{ shown_sum('exposures.overdue_balance') }} as overdue_balance,
        {{ shown_sum('exposures.overdue_amount') }} as overdue_amount,
        max(exposures.loan_days_past_due) as loan_days_past_due,
        max(exposures.advance_days_past_due) as advance_days_past_due,
        max(exposures.duration_days) as duration_days
    from {{ ref('int_portfolio__exposures') }} as exposures
    inner join {{ ref('int_statements__currencies') }} as currencies on currencies.currency = exposures.currency
    where currencies.as_of = {{ as_of() }}
    group by exposures.customer_id, currencies.shown_in
)

select
    shown.*,
    collateral.collateral_value,
    {{ share('shown.overdue_balance', 'shown.exposure') }} as arrears_share,
    {{ share('greatest(0, coalesce(cash.cash, 0))', '(greatest(0, coalesce(cash.cash, 0)) + shown.overdue_amount)') }} as repaid_share_90d,
    -- decimal(9, 6) holds no more than 999 times
    {{ share('least(coalesce(collateral.collateral_value, 0), 999 * shown.exposure)', 'shown.exposure') }} as coverage
from shown
left join {{ ref('int_portfolio__cash') }} as cash  -- a miss: no cash came
    on cash.customer_id = shown.customer_id and cash.currency = shown.currency
left join {{ ref('int_portfolio__collateral') }} as collateral  -- a miss: nothing was valued
    on collateral.customer_id = shown.customer_id and collateral.currency = shown.currency
