{#- A regulator's statement of past-due loans: the book in the rows that statement_row names, by the days of its scheme. Rows
    without a loan are there with 0. `with_advances`: of loans and advances; `by_90_days`: what is not due yet of a loan in monthly
    installments stands in the row of what is not overdue, up to 90 days. -#}
{% macro past_due_statement(statement, with_charges=false, with_advances=false, by_90_days=false) -%}
with regime as (
    select
        run.risk_regime,
        min(case when buckets.scheme = 'EU_FINREP_F18' and buckets.bucket = 'N1' then buckets.lower_days end) as eu_days,
        min(case when buckets.scheme = 'IN_SMA' and buckets.bucket = 'NPA' then buckets.lower_days end) as npa_days
    from {{ source('raw', 'run') }} as run
    left join {{ ref('int_aging__buckets') }} as buckets on buckets.as_of = run.as_of  -- a miss: no scheme on the day
    group by run.risk_regime
),

-- non-performing by the regime's own rule: as classified where the house classifies by it, else by the flag and the days that it
-- begins at; in India it is the borrower who is, with everything owed
judged as (
    select
        items.as_of,
        items.item_type,
        items.currency,
        items.balance,
        items.overdue_by_90_days,
        items.days_excluding_due_date,
        items.days_including_due_date,
        items.days_with_charges,
        items.is_nonaccrual,
        case
            when regime.risk_regime = 'EU' then items.is_non_performing
            else items.is_nonaccrual or items.days_with_charges >= regime.eu_days
        end as is_non_performing,
        max(case
            when items.days_including_due_date >= regime.npa_days then 1
            when regime.risk_regime = 'IN' and items.is_non_performing then 1
            else 0
        end) over (partition by items.customer_id) = 1 as is_borrower_npa
    from {{ ref('int_statements__items') }} as items
    cross join regime
    where items.as_of = {{ as_of() }}
),

whole as (
    select
        judged.*,
        currencies.shown_in,
        currencies.rate
    from judged
    inner join {{ ref('int_statements__currencies') }} as currencies
        on currencies.as_of = judged.as_of and currencies.currency = judged.currency
    {{ "where judged.item_type = 'loan'" if not with_advances }}
),

items as (
    {%- set columns = ['days_excluding_due_date', 'days_including_due_date', 'days_with_charges'] %}
    {%- for is_overdue in ([true, false] if by_90_days else [true]) %}
    select
        {%- for column in columns %}
        {{ column if is_overdue else '0 as ' ~ column }},
        {%- endfor %}
        is_nonaccrual,
        is_non_performing,
        is_borrower_npa,
        shown_in,
        rate,
        {{ 1 if is_overdue else 0 }} as counted,
        {%- if not by_90_days %}
        balance
        {%- elif is_overdue %}
        case when days_excluding_due_date > 0 then overdue_by_90_days else balance end as balance
        {%- else %}
        balance - overdue_by_90_days as balance
        {%- endif %}
    from whole
    {{ 'where days_excluding_due_date > 0 and overdue_by_90_days < balance' if not is_overdue }}
    {{ 'union all' if by_90_days and is_overdue }}
    {%- endfor %}
),

statement_rows as (
    select
        statement_rows.row_code,
        statement_rows.row_order,
        statement_rows.label_zh,
        statement_rows.label_en,
        statement_rows.status,
        buckets.lower_days,
        buckets.upper_days,
        buckets.day_count
    from {{ ref('statement_row') }} as statement_rows
    inner join {{ ref('int_aging__buckets') }} as buckets
        on buckets.scheme = statement_rows.scheme and buckets.bucket = statement_rows.bucket
    where
        statement_rows.statement = '{{ statement }}'
        and buckets.as_of = {{ as_of() }}
        and {{ as_of() }} >= coalesce(statement_rows.valid_from, date '0001-01-01')
        and {{ as_of() }} <= coalesce(statement_rows.valid_to, date '9999-12-31')
),

placed as (
    select
        statement_rows.row_code,
        items.shown_in,
        sum(items.counted) as items,
        {{ shown_sum('items.balance', 'items.rate') }} as balance
    from items
    inner join statement_rows
        on
            {{ in_bucket(
                "case statement_rows.day_count when 'include_due_date' then items.days_including_due_date else items."
                ~ ('days_with_charges' if with_charges else 'days_excluding_due_date') ~ " end",
                'statement_rows'
            ) }}
            and case statement_rows.status
                when 'performing' then not items.is_non_performing
                when 'non_performing' then items.is_non_performing
                when 'accruing' then not items.is_nonaccrual
                when 'nonaccrual' then items.is_nonaccrual
                when 'borrower_standard' then not items.is_borrower_npa
                when 'borrower_npa' then items.is_borrower_npa
                else true
            end
    group by statement_rows.row_code, items.shown_in
),

lines as (
    select distinct
        statement_rows.row_code,
        statement_rows.row_order,
        statement_rows.label_zh,
        statement_rows.label_en,
        currencies.shown_in
    from statement_rows
    cross join (select distinct shown_in from items) as currencies
)

select
    {{ as_of() }} as as_of,
    lines.row_code,
    lines.row_order,
    lines.label_zh,
    lines.label_en,
    lines.shown_in as currency,
    cast(coalesce(placed.items, 0) as bigint) as items,
    cast(coalesce(placed.balance, 0) as decimal(18, 2)) as balance,
    {{ run_value('policy_version') }} as policy_version
from lines
left join placed on placed.row_code = lines.row_code and placed.shown_in = lines.shown_in  -- a miss: no loan in the row
{%- endmacro %}
