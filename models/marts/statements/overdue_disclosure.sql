-- grain: item type, period of being overdue, security and currency, each with its total
-- as of: the end of the as-of date
-- decision: 0021 statements: the annual report's table of overdue loans and advances

with items as (
    select
        items.as_of,
        items.item_type,
        items.security,
        items.overdue_since,
        items.days_past_due,
        case
            when {{ run_value('installment_loan_basis') }} = 'by_90_days' then items.overdue_by_90_days else items.overdue_balance
        end as overdue_balance,
        currencies.shown_in,
        currencies.rate
    from {{ ref('int_statements__items') }} as items
    inner join {{ ref('int_statements__currencies') }} as currencies
        on currencies.as_of = items.as_of and currencies.currency = items.currency
    where items.as_of = {{ as_of() }} and items.days_past_due > 0
),

-- days by limits in days; calendar months since the first day past due's due date otherwise
periods as (
    select
        *,
        coalesce(lag(upper_days) over (order by period_order), 0) as above_days,
        coalesce(lag(upper_months) over (order by period_order), 0) as above_months
    from {{ ref('disclosure_period') }}
    where basis = {{ run_value('disclosure_basis') }}
),

placed as (
    select
        items.*,
        periods.period
    from items
    inner join periods
        on case
            when periods.basis = 'calendar_months'
                then
                    (periods.above_months = 0 or items.as_of > {{ add_months('items.overdue_since', 'cast(periods.above_months as integer)') }})
                    and (
                        periods.upper_months is null
                        or items.as_of <= {{ add_months('items.overdue_since', 'cast(periods.upper_months as integer)') }}
                    )
            else periods.above_days < items.days_past_due and (periods.upper_days is null or periods.upper_days >= items.days_past_due)
        end
),

-- each item counts in its own cell and in the totals
counted as (
    {%- for item_type in ["item_type", "'total'"] %}
    {%- for period in ["period", "'total'"] %}
    {%- for security in ["security", "'total'"] %}
    select
        {{ item_type }} as item_type,
        {{ period }} as period,
        {{ security }} as security,
        shown_in,
        rate,
        overdue_balance
    from placed
    {{ 'union all' if not (item_type == "'total'" and period == "'total'" and security == "'total'") }}
    {%- endfor %}
    {%- endfor %}
    {%- endfor %}
)

select
    {{ as_of() }} as as_of,
    counted.item_type,
    counted.period,
    coalesce(max(periods.period_order), 99) as period_order,
    coalesce(max(periods.label_zh), '合计') as label_zh,
    coalesce(max(periods.label_en), 'Total') as label_en,
    counted.security,
    counted.shown_in as currency,
    cast(count(*) as bigint) as items,
    {{ shown_sum('counted.overdue_balance', 'counted.rate') }} as overdue_balance,
    {{ run_value('policy_version') }} as policy_version
from counted
left join periods on periods.period = counted.period  -- a miss: the total
group by counted.item_type, counted.period, counted.security, counted.shown_in
