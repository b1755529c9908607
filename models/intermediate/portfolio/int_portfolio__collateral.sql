-- grain: customer and currency shown, ALL too, with valued collateral for loans of the book
-- as of: the newest valuation dated on or before the as-of date
-- decision: 0032 exposure: collateral counts in its loan's currency only

with valuations as (
    select
        collateral_id,
        loan_id,
        currency,
        value,
        row_number() over (partition by collateral_id order by valued_on desc) as newest
    from {{ ref('stg_collateral') }}
    where valued_on <= {{ as_of() }}
)

select
    loans.customer_id,
    shown.shown_in as currency,
    {{ shown_sum('valuations.value', 'shown.rate') }} as collateral_value
from valuations
inner join {{ ref('int_aging__figures') }} as loans on loans.loan_id = valuations.loan_id
inner join {{ ref('int_statements__currencies') }} as shown on shown.currency = loans.currency and shown.as_of = loans.as_of
where
    valuations.newest = 1
    and loans.as_of = {{ as_of() }}
    and not loans.is_written_off
    and coalesce(valuations.currency, loans.currency) = loans.currency
group by loans.customer_id, shown.shown_in
