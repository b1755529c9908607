-- grain: collateral of a loan of the book, with its newest valuation and the one before
-- as of: valuations dated on or before the as-of date
-- decision: 0046 signals: collateral that loses value

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
    newest.currency,
    newest.valued_on,
    newest.value as market_value,
    before.valued_on as before_on,
    before.value as value_before
from valued as newest
inner join {{ ref('int_aging__figures') }} as loans on loans.loan_id = newest.loan_id
inner join valued as before on before.collateral_id = newest.collateral_id
where newest.place = 1 and before.place = 2 and loans.as_of = {{ as_of() }} and not loans.is_written_off
