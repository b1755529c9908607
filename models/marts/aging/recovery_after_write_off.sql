-- grain: year of write-off (ALL included), segment and currency, ALL included for both, and months since the write-off
-- as of: the end of the as-of date, at whose rates all amounts are shown; a month counts where it is whole
-- decision: 0029 recovery after write-off

{% set most = 60 %}

with written_off as (
    select
        item_type,
        item_id,
        segment,
        currency,
        left_on,
        balance
    from {{ ref('int_statements__exits') }}
    where how = 'written_off' and left_on <= {{ as_of() }}
),

months as (
    {%- for month in range(most + 1) %}
    select {{ month }} as months_since
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- months of the calendar after that of the write-off; the last one is whole on its last day
followed as (
    select
        written_off.*,
        months.months_since
    from written_off
    cross join months
    where {{ add_days(add_months(month_of('written_off.left_on'), 'months.months_since + 1'), -1) }} <= {{ as_of() }}
),

cash as (
    {{ item_cash() }}
),

recovered as (
    select
        written_off.item_type,
        written_off.item_id,
        {{ calendar_months_between('written_off.left_on', 'cash.paid_on') }} as months_since,
        sum(cash.amount) as amount
    from written_off
    inner join cash on cash.item_type = written_off.item_type and cash.item_id = written_off.item_id
    where cash.paid_on > written_off.left_on and cash.paid_on <= {{ as_of() }}
    group by written_off.item_type, written_off.item_id, {{ calendar_months_between('written_off.left_on', 'cash.paid_on') }}
),

item_months as (
    select
        followed.segment,
        followed.months_since,
        currencies.shown_in as currency,
        cast(extract(year from followed.left_on) as varchar) as cohort_year,
        followed.balance * currencies.rate as written_off_amount,
        coalesce(recovered.amount, 0) * currencies.rate as recovered_in_month,
        sum(coalesce(recovered.amount, 0) * currencies.rate) over (
            partition by followed.item_type, followed.item_id, currencies.shown_in
            order by followed.months_since rows between unbounded preceding and current row
        ) as recovered_amount
    from followed
    inner join {{ ref('int_statements__currencies') }} as currencies
        on currencies.as_of = {{ as_of() }} and currencies.currency = followed.currency
    left join recovered  -- a miss: nothing came in the month
        on
            recovered.item_type = followed.item_type
            and recovered.item_id = followed.item_id
            and recovered.months_since = followed.months_since
),

pooled as (
    {%- for cohort, segment in [['cohort_year', 'segment'], ['cohort_year', "'ALL'"], ["'ALL'", 'segment'], ["'ALL'", "'ALL'"]] %}
    select
        {{ cohort }} as cohort_year,
        {{ segment }} as segment,
        currency,
        months_since,
        count(*) as items,
        {{ shown_sum('written_off_amount', '1') }} as written_off_amount,
        {{ shown_sum('recovered_in_month', '1') }} as recovered_in_month,
        {{ shown_sum('recovered_amount', '1') }} as recovered_amount
    from item_months
    group by currency, months_since{{ ', cohort_year' if cohort == 'cohort_year' }}{{ ', segment' if segment == 'segment' }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    {{ as_of() }} as as_of,
    pooled.cohort_year,
    pooled.segment,
    segments.code_order as segment_order,
    segments.label_zh as segment_zh,
    segments.label_en as segment_en,
    pooled.currency,
    cast(pooled.months_since as integer) as months_since,
    cast(pooled.items as bigint) as items,
    pooled.written_off_amount,
    pooled.recovered_in_month,
    pooled.recovered_amount,
    {{ bounded_share('pooled.recovered_amount', 'pooled.written_off_amount') }} as recovery_rate,
    {{ run_value('policy_version') }} as policy_version
from pooled
inner join {{ ref('label') }} as segments on segments.code_set = 'segment' and segments.code = pooled.segment
