-- grain: date of the run, currency lent or advanced in by then, and currency in which it is shown: its own, and ALL where every rate is there
-- as of: the newest rate dated on or before the date
-- decision: 0022 one currency: a missing rate leaves ALL out

with items as (
    select
        currency,
        disbursed_on as lent_on
    from {{ ref('int_aging__loans') }}
    union all
    select
        currency,
        advanced_on as lent_on
    from {{ ref('stg_advances') }}
),

lent as (
    select
        currency,
        min(lent_on) as from_on
    from items
    group by currency
),

booked as (
    select
        dates.as_of,
        lent.currency
    from {{ source('raw', 'dates') }} as dates
    inner join lent on lent.from_on <= dates.as_of
),

rates as (
    select
        booked.as_of,
        booked.currency,
        case
            when booked.currency = {{ run_value('reporting_currency') }} then 1
            else max_by(fx_rates.rate, fx_rates.as_of)
        end as rate
    from booked
    left join {{ ref('stg_fx_rates') }} as fx_rates  -- a miss: no rate by then
        on fx_rates.currency = booked.currency and fx_rates.as_of <= booked.as_of
    group by booked.as_of, booked.currency
),

complete as (
    select as_of from rates
    group by as_of
    having count(*) = count(rate) and as_of >= (select min(fx_rates.as_of) from {{ ref('stg_fx_rates') }} as fx_rates)
)

select
    as_of,
    currency,
    currency as shown_in,
    cast(1 as decimal(20, 10)) as rate
from rates
union all
select
    rates.as_of,
    rates.currency,
    'ALL' as shown_in,
    cast(rates.rate as decimal(20, 10)) as rate
from rates
inner join complete on complete.as_of = rates.as_of
