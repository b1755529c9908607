-- grain: two dates (one of the history and the next, or the end of last year and the as-of date), segment and currency, ALL included
--     for both, class at the first, class or exit at the second
-- as of: the end of both dates; segment and rates of exchange are those of the first
-- decision: 0049 class migration: the opening book is followed, as in 0023

with steps as (
    {{ history_steps() }}
),

links as (
    select
        from_as_of,
        as_of,
        'step' as span,
        is_partial
    from steps
    union all
    select
        max(from_as_of) as from_as_of,
        {{ as_of() }} as as_of,
        'year_to_date' as span,
        false as is_partial
    from steps
    where extract(year from from_as_of) < extract(year from {{ as_of() }})
    having max(from_as_of) is not null
),

items as (
    select * from {{ ref('int_statements__items') }}
    where is_history
),

moves as (
    select
        links.from_as_of,
        links.as_of,
        links.span,
        links.is_partial,
        opening.segment,
        currencies.shown_in as currency,
        opening.risk_class as from_class,
        case
            when closing.item_id is not null then closing.risk_class
            when exits.how = 'sold' then 7
            when exits.how = 'written_off' then 8
            else 6
        end as to_state,
        opening.balance * currencies.rate as opening_balance,
        -- what was there at both dates: the rest was repaid, sold or written off, and has not migrated
        least(opening.balance, coalesce(closing.balance, 0)) * currencies.rate as kept_balance
    from links
    inner join items as opening on opening.as_of = links.from_as_of
    inner join {{ ref('int_statements__currencies') }} as currencies
        on currencies.as_of = opening.as_of and currencies.currency = opening.currency
    left join items as closing  -- a miss: it has left the book
        on closing.item_type = opening.item_type and closing.item_id = opening.item_id and closing.as_of = links.as_of
    left join {{ ref('int_statements__exits') }} as exits  -- a miss: neither written off nor sold
        on exits.item_type = opening.item_type and exits.item_id = opening.item_id and exits.left_on <= links.as_of
),

counted as (
    {%- for segment in ['segment', "'ALL'"] %}
    select
        from_as_of,
        as_of,
        span,
        is_partial,
        {{ segment }} as segment,
        currency,
        from_class,
        to_state,
        count(*) as items,
        cast(round(sum(opening_balance), 2) as decimal(18, 2)) as opening_balance,
        cast(round(sum(kept_balance), 2) as decimal(18, 2)) as kept_balance
    from moves
    group by from_as_of, as_of, span, is_partial{{ ', segment' if loop.first }}, currency, from_class, to_state
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

totals as (
    select
        *,
        sum(items) over (partition by from_as_of, as_of, span, segment, currency, from_class) as all_items,
        sum(opening_balance) over (partition by from_as_of, as_of, span, segment, currency, from_class) as all_balance
    from counted
),

states as (
    select
        risk_class as state_order,
        code,
        label_zh,
        label_en
    from {{ ref('risk_class') }}
    union all
    select
        code_order as state_order,
        code,
        label_zh,
        label_en
    from {{ ref('label') }}
    where code_set = 'exit'
)

select
    totals.from_as_of,
    totals.as_of,
    totals.span,
    spans.label_zh as span_zh,
    spans.label_en as span_en,
    totals.segment,
    segments.code_order as segment_order,
    segments.label_zh as segment_zh,
    segments.label_en as segment_en,
    totals.currency,
    totals.from_class,
    opened.code as from_code,
    opened.label_zh as from_zh,
    opened.label_en as from_en,
    closed.code as to_code,
    closed.state_order as to_order,
    closed.label_zh as to_zh,
    closed.label_en as to_en,
    cast(totals.items as bigint) as items,
    totals.opening_balance,
    totals.kept_balance,
    cast(totals.all_items as bigint) as all_items,
    cast(totals.all_balance as decimal(18, 2)) as all_opening_balance,
    {{ share('totals.items', 'totals.all_items') }} as rate_by_count,
    {{ share('totals.opening_balance', 'totals.all_balance') }} as rate_by_balance,
    totals.is_partial,
    {{ run_value('policy_version') }} as policy_version
from totals
inner join states as opened on opened.state_order = totals.from_class
inner join states as closed on closed.state_order = totals.to_state
inner join {{ ref('label') }} as segments on segments.code_set = 'segment' and segments.code = totals.segment
{{ join_labels('spans', 'span', 'totals.span') }}
