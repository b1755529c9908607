-- grain: collateral of a loan of the book, with its newest valuation and the one before, both in one currency
-- as of: valuations dated on or before the as-of date
-- decision: 0046 signals: collateral that loses value; a valuation that names no currency is in the loan's (0032)

with valued as (
    select
        *,
        row_number() over (partition by collateral_id order by valued_on desc) as place
    from {{ ref('stg_collateral') }}
    where valued_on <= {{ as_of() }}
)

select
    loans.customer_id,
    newest.loan_id,
    newest.collateral_id,
    coalesce(newest.currency, loans.currency) as currency,
    newest.valued_on,
    newest.value as market_value,
    previous.valued_on as before_on,
    previous.value as value_before
from valued as newest
inner join {{ ref('int_aging__figures') }} as loans on loans.loan_id = newest.loan_id
inner join valued as previous on previous.collateral_id = newest.collateral_id
where
    newest.place = 1
    and previous.place = 2
    and coalesce(previous.currency, loans.currency) = coalesce(newest.currency, loans.currency)
    and loans.as_of = {{ as_of() }}
    and not loans.is_written_off
