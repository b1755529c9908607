-- grain: item type, period of being overdue, security and currency, each with its total, also where nothing is in it
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
),

summed as (
    select
        item_type,
        period,
        security,
        shown_in,
        count(*) as items,
        {{ shown_sum('overdue_balance', 'rate') }} as overdue_balance
    from counted
    group by item_type, period, security, shown_in
),

periods_and_total as (
    select
        period,
        period_order,
        label_zh,
        label_en
    from periods
    union all
    select
        code as period,
        99 as period_order,
        label_zh,
        label_en
    from {{ ref('label') }}
    where code_set = 'item_type' and code = 'total'
),

currencies_shown as (
    select distinct shown_in
    from {{ ref('int_statements__currencies') }}
    where as_of = {{ as_of() }}
),

-- every cell has a row, also where nothing is in it
cells as (
    select
        item_types.code as item_type,
        item_types.code_order as item_type_order,
        item_types.label_zh as item_type_zh,
        item_types.label_en as item_type_en,
        shown_periods.period,
        shown_periods.period_order,
        shown_periods.label_zh,
        shown_periods.label_en,
        securities.code as security,
        securities.code_order as security_order,
        securities.label_zh as security_zh,
        securities.label_en as security_en,
        currencies.shown_in
    from {{ ref('label') }} as item_types
    cross join periods_and_total as shown_periods
    cross join {{ ref('label') }} as securities
    cross join currencies_shown as currencies
    where item_types.code_set = 'item_type' and securities.code_set = 'security'
)

select
    {{ as_of() }} as as_of,
    cells.item_type,
    cells.item_type_order,
    cells.item_type_zh,
    cells.item_type_en,
    cells.period,
    cells.period_order,
    cells.label_zh,
    cells.label_en,
    cells.security,
    cells.security_order,
    cells.security_zh,
    cells.security_en,
    cells.shown_in as currency,
    cast(coalesce(summed.items, 0) as bigint) as items,
    cast(coalesce(summed.overdue_balance, 0) as decimal(18, 2)) as overdue_balance,
    {{ run_value('policy_version') }} as policy_version
from cells
left join summed  -- a miss: nothing is in the cell
    on
        summed.item_type = cells.item_type
        and summed.period = cells.period
        and summed.security = cells.security
        and summed.shown_in = cells.shown_in
