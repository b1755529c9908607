-- grain: customer and currency with valued collateral for loans of the book
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
    loans.currency,
    cast(sum(valuations.value) as decimal(18, 2)) as collateral_value
from valuations
inner join {{ ref('int_aging__figures') }} as loans on loans.loan_id = valuations.loan_id
where
    valuations.newest = 1
    and loans.as_of = {{ as_of() }}
    and not loans.is_written_off
    and coalesce(valuations.currency, loans.currency) = loans.currency
group by loans.customer_id, loans.currency
