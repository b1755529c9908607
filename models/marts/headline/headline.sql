-- grain: date of the history, segment and currency, ALL included for both
-- as of: the end of each date of the history; beside each figure that of the newest date of the history in an earlier month
-- decision: 0070 the headline

{% set amounts = [
    'balance', 'overdue_amount', 'overdue_balance', 'balance_beyond_30', 'balance_beyond_60', 'balance_beyond_90', 'npl_balance',
    'provision'
] %}
{% set figures = ['customers', 'items'] + amounts + ['written_off_in_month'] %}
{% set rates = [
    'overdue_rate', 'beyond_30_rate', 'beyond_60_rate', 'beyond_90_rate', 'npl_rate', 'provision_coverage', 'deviation_90'
] %}

with dates as (
    select as_of from {{ source('raw', 'dates') }}
    where is_history
),

currencies as (
    select currencies.*
    from {{ ref('int_statements__currencies') }} as currencies
    inner join dates on dates.as_of = currencies.as_of
),

-- every cell has a row, also where nothing is in it
cells as (
    select
        shown.as_of,
        shown.shown_in as currency,
        segments.code as segment,
        segments.code_order as segment_order,
        segments.label_zh as segment_zh,
        segments.label_en as segment_en
    from (select distinct as_of, shown_in from currencies) as shown
    cross join {{ ref('label') }} as segments
    where segments.code_set = 'segment'
),

items as (
    select * from {{ ref('int_statements__items') }}
    where is_history
),

-- by currency first: one rate then takes a whole sum
sums as (
    select
        as_of,
        segment,
        currency,
        count(*) as items,
        sum(balance) as balance,
        sum(overdue_amount) as overdue_amount,
        sum(overdue_balance) as overdue_balance,
        {%- for days in [30, 60, 90] %}
        sum(case when days_past_due > {{ days }} then balance else 0 end) as balance_beyond_{{ days }},
        {%- endfor %}
        sum(case when is_non_performing then balance else 0 end) as npl_balance,
        sum(provision_amount) as provision
    from items
    group by as_of, segment, currency
),

holders as (
    select distinct
        as_of,
        segment,
        currency,
        customer_id
    from items
),

held as (
    {%- for segment in ['sums.segment', "'ALL'"] %}
    select
        sums.as_of,
        currencies.shown_in,
        {{ segment }} as segment,
        {%- for amount in amounts %}
        {{ shown_sum('sums.' ~ amount) }} as {{ amount }},
        {%- endfor %}
        sum(sums.items) as items
    from sums
    inner join currencies on currencies.as_of = sums.as_of and currencies.currency = sums.currency
    group by sums.as_of, currencies.shown_in{{ ', sums.segment' if loop.first }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

customers as (
    {%- for segment in ['holders.segment', "'ALL'"] %}
    select
        holders.as_of,
        currencies.shown_in,
        {{ segment }} as segment,
        count(distinct holders.customer_id) as customers
    from holders
    inner join currencies on currencies.as_of = holders.as_of and currencies.currency = holders.currency
    group by holders.as_of, currencies.shown_in{{ ', holders.segment' if loop.first }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

written_off as (
    {%- for segment in ['items.segment', "'ALL'"] %}
    select
        currencies.as_of,
        currencies.shown_in,
        {{ segment }} as segment,
        {{ shown_sum('items.balance') }} as written_off_in_month
    from {{ ref('int_statements__exits') }} as items
    inner join currencies
        on
            currencies.currency = items.currency
            and {{ month_of('currencies.as_of') }} = {{ month_of('items.left_on') }}
            and currencies.as_of >= items.left_on
    where items.how = 'written_off'
    group by currencies.as_of, currencies.shown_in{{ ', items.segment' if loop.first }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

figured as (
    select
        cells.*,
        cast(coalesce(customers.customers, 0) as bigint) as customers,
        cast(coalesce(held.items, 0) as bigint) as items,
        {%- for amount in amounts %}
        coalesce(held.{{ amount }}, 0) as {{ amount }},
        {%- endfor %}
        coalesce(written_off.written_off_in_month, 0) as written_off_in_month
    from cells
    left join held  -- a miss: nothing outstanding
        on held.as_of = cells.as_of and held.shown_in = cells.currency and held.segment = cells.segment
    left join customers  -- a miss: nothing outstanding
        on customers.as_of = cells.as_of and customers.shown_in = cells.currency and customers.segment = cells.segment
    left join written_off  -- a miss: nothing written off in the month
        on written_off.as_of = cells.as_of and written_off.shown_in = cells.currency and written_off.segment = cells.segment
),

rated as (
    select
        *,
        {{ share('overdue_balance', 'balance') }} as overdue_rate,
        {{ share('balance_beyond_30', 'balance') }} as beyond_30_rate,
        {{ share('balance_beyond_60', 'balance') }} as beyond_60_rate,
        {{ share('balance_beyond_90', 'balance') }} as beyond_90_rate,
        {{ share('npl_balance', 'balance') }} as npl_rate,
        {{ bounded_share('provision', 'npl_balance') }} as provision_coverage,
        {{ bounded_share('balance_beyond_90', 'npl_balance') }} as deviation_90
    from figured
),

months_before as (
    select
        dates.as_of,
        max(earlier.as_of) as previous_as_of
    from dates
    left join dates as earlier on earlier.as_of < {{ month_of('dates.as_of') }}  -- a miss: the history's first month
    group by dates.as_of
)

select
    rated.as_of,
    rated.segment,
    rated.segment_order,
    rated.segment_zh,
    rated.segment_en,
    rated.currency,
    {%- for figure in figures + rates %}
    rated.{{ figure }},
    {%- endfor %}
    months_before.previous_as_of,
    {%- for figure in figures + rates %}
    previous.{{ figure }} as previous_{{ figure }},
    {%- endfor %}
    {{ run_value('policy_version') }} as policy_version
from rated
inner join months_before on months_before.as_of = rated.as_of
left join rated as previous  -- a miss: the history's first month, or no row ALL in the month before
    on
        previous.as_of = months_before.previous_as_of
        and previous.segment = rated.segment
        and previous.currency = rated.currency
