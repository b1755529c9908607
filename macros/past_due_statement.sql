{#- A regulator's statement of past-due loans: the book in the rows that statement_row names, by the days of its scheme. Rows
    without a loan are there with 0. -#}
{% macro past_due_statement(statement, with_charges=false) -%}
with items as (
    select
        items.*,
        currencies.shown_in,
        currencies.rate
    from {{ ref('int_statements__items') }} as items
    inner join {{ ref('int_statements__currencies') }} as currencies
        on currencies.as_of = items.as_of and currencies.currency = items.currency
    where items.as_of = {{ as_of() }} and items.item_type = 'loan'
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
        count(*) as items,
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
