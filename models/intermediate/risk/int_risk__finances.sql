-- grain: customer and metric of its newest financial statement
-- as of: statements of periods that ended on or before the as-of date
-- decision: 0047 causes: what the statements say, against the one of a year before

with statements as (
    select
        *,
        row_number() over (partition by customer_id order by period_end desc) as place
    from {{ ref('stg_financials') }}
    where period_end <= {{ as_of() }}
),

newest as (
    select * from statements
    where place = 1
),

compared as (
    select
        newest.customer_id,
        newest.period_end,
        year_before.period_end as compared_to,
        newest.net_profit,
        newest.operating_cash_flow,
        {{ bounded_share('cast(newest.revenue as decimal(38, 2)) - year_before.revenue', 'year_before.revenue') }} as revenue_change,
        {{ bounded_share('newest.current_assets', 'newest.current_liabilities') }} as current_ratio,
        {{ bounded_share('newest.total_liabilities', 'newest.total_assets') }} as leverage
    from newest
    left join {{ ref('stg_financials') }} as year_before  -- a miss: no statement of a year before
        on year_before.customer_id = newest.customer_id and year_before.period_end = {{ add_months('newest.period_end', -12) }}
),

metrics as (
    {%- for metric in ['revenue_change', 'net_profit', 'operating_cash_flow', 'current_ratio', 'leverage'] %}
    select
        customer_id,
        '{{ metric }}' as metric,
        cast({{ metric }} as decimal(24, 6)) as figure,
        period_end
    from compared
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    customer_id,
    metric,
    figure,
    'financials ' || cast(period_end as varchar) as source_row
from metrics
where figure is not null
