-- grain: valued collateral of a loan of the book
-- as of: the newest valuation dated on or before the as-of date, and the one before it where both are in one currency
-- decision: 0032 exposure: collateral counts in its loan's currency only, and one that names none is in it; 0046 collateral that loses value

with valued as (
    select
        *,
        row_number() over (partition by collateral_id order by valued_on desc) as place
    from {{ ref('stg_collateral') }}
    where valued_on <= {{ as_of() }}
),

previous as (
    select * from valued
    where place = 2
)

select
    loans.customer_id,
    newest.loan_id,
    newest.collateral_id,
    newest.kind,
    coalesce(newest.currency, loans.currency) as currency,
    coalesce(newest.currency, loans.currency) = loans.currency as is_in_loan_currency,
    newest.valued_on,
    newest.value as market_value,
    case when coalesce(previous.currency, loans.currency) = coalesce(newest.currency, loans.currency) then previous.valued_on end
        as before_on,
    case when coalesce(previous.currency, loans.currency) = coalesce(newest.currency, loans.currency) then previous.value end
        as value_before
from valued as newest
inner join {{ ref('int_aging__figures') }} as loans on loans.loan_id = newest.loan_id
left join previous on previous.collateral_id = newest.collateral_id  -- a miss: valued once
where newest.place = 1 and loans.as_of = {{ as_of() }} and not loans.is_written_off
