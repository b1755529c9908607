-- grain: two dates of the history that follow each other, measure (the book, or what of it is overdue), segment and currency, ALL included for both
-- as of: the end of both dates; a movement counts in the segment of the second date, of what has left by then in that of the first
-- decision: 0072 roll-forward

{% set movements = ['disbursed', 'became_overdue', 'repaid', 'cured', 'written_off', 'sold', 'reclassified', 'restated'] %}

with links as (
    {{ history_steps() }}
),

customer_versions as (
    {{ versions_of('customers', ['customer_id']) }}
),

lent as (
    select
        'loan' as item_type,
        loan_id as item_id,
        segment,
        currency,
        disbursed_on as lent_on,
        principal as amount
    from {{ ref('int_aging__cohorts') }}
    union all
    select
        'advance' as item_type,
        advances.advance_id as item_id,
        customers.segment,
        advances.currency,
        advances.advanced_on as lent_on,
        advances.amount
    from {{ ref('stg_advances') }} as advances
    inner join customer_versions as customers
        on
            customers.customer_id = advances.customer_id
            and customers.from_on <= advances.advanced_on
            and customers.to_on > advances.advanced_on
),

cash as (
    {{ item_cash() }}
),

-- what comes in later is recovery, and repays nothing of the book
cash_of_the_book as (
    select cash.*
    from cash
    left join {{ ref('int_statements__exits') }} as exits  -- a miss: neither written off nor sold
        on exits.item_type = cash.item_type and exits.item_id = cash.item_id
    where exits.item_id is null or cash.paid_on <= exits.left_on
),

-- what was lent and what left between the two dates
moved as (
    select
        links.as_of,
        lent.item_type,
        lent.item_id,
        lent.currency,
        lent.segment,
        lent.amount as disbursed,
        0 as written_off,
        0 as sold
    from lent
    inner join links on links.from_as_of < lent.lent_on and links.as_of >= lent.lent_on
    union all
    select
        links.as_of,
        exits.item_type,
        exits.item_id,
        exits.currency,
        null as segment,
        0 as disbursed,
        case when exits.how = 'written_off' then exits.balance else 0 end as written_off,
        case when exits.how = 'sold' then exits.balance else 0 end as sold
    from {{ ref('int_statements__exits') }} as exits
    inner join links on links.from_as_of < exits.left_on and links.as_of >= exits.left_on
),

movements as (
    select
        as_of,
        item_type,
        item_id,
        max(currency) as currency,
        max(segment) as segment,
        sum(disbursed) as disbursed,
        sum(written_off) as written_off,
        sum(sold) as sold
    from moved
    group by as_of, item_type, item_id
),

cash_moved as (
    select
        links.as_of,
        cash.item_type,
        cash.item_id,
        sum(cash.amount) as cash
    from cash_of_the_book as cash
    inner join links on links.from_as_of < cash.paid_on and links.as_of >= cash.paid_on
    group by links.as_of, cash.item_type, cash.item_id
),

{% for when, day in [('opening', 'from_as_of'), ('closing', 'as_of')] %}
{{ when }}_items as (
    select
        links.as_of,
        items.item_type,
        items.item_id,
        items.currency,
        items.segment,
        items.balance,
        items.overdue_balance
    from {{ ref('int_statements__items') }} as items
    inner join links on links.{{ day }} = items.as_of
),
{% endfor %}

-- what stood in the book at either date
standing as (
    select
        coalesce(closing_items.as_of, opening_items.as_of) as as_of,
        coalesce(closing_items.item_type, opening_items.item_type) as item_type,
        coalesce(closing_items.item_id, opening_items.item_id) as item_id,
        coalesce(closing_items.currency, opening_items.currency) as currency,
        opening_items.segment as opening_segment,
        closing_items.segment as closing_segment,
        coalesce(opening_items.balance, 0) as opening,
        coalesce(opening_items.overdue_balance, 0) as opening_overdue,
        coalesce(closing_items.balance, 0) as closing,
        coalesce(closing_items.overdue_balance, 0) as closing_overdue
    from closing_items
    full outer join opening_items
        on
            opening_items.as_of = closing_items.as_of
            and opening_items.item_type = closing_items.item_type
            and opening_items.item_id = closing_items.item_id
),

-- and what came and went between them
told as (
    select
        coalesce(standing.as_of, movements.as_of) as as_of,
        coalesce(standing.item_type, movements.item_type) as item_type,
        coalesce(standing.item_id, movements.item_id) as item_id,
        coalesce(standing.currency, movements.currency) as currency,
        standing.opening_segment,
        coalesce(standing.closing_segment, standing.opening_segment, movements.segment) as segment,
        standing.opening,
        standing.opening_overdue,
        movements.disbursed,
        movements.written_off,
        movements.sold,
        standing.closing,
        standing.closing_overdue
    from standing
    full outer join movements
        on
            movements.as_of = standing.as_of
            and movements.item_type = standing.item_type
            and movements.item_id = standing.item_id
),

{% set facts = ['opening', 'opening_overdue', 'disbursed', 'written_off', 'sold', 'closing', 'closing_overdue'] %}
items as (
    select
        told.as_of,
        told.currency,
        told.opening_segment,
        told.segment,
        {%- for column in facts %}
        cast(coalesce(told.{{ column }}, 0) as decimal(38, 2)) as {{ column }},
        {%- endfor %}
        cast(coalesce(cash_moved.cash, 0) as decimal(38, 2)) as cash
    from told
    left join cash_moved  -- a miss: no cash came in
        on cash_moved.as_of = told.as_of and cash_moved.item_type = told.item_type and cash_moved.item_id = told.item_id
),

-- what the balance fell by without having left: as far as cash covers it, it was repaid; the rest is new terms, a waiver, a chargeback
falls as (
    select
        *,
        opening + disbursed - written_off - sold - closing as fall,
        {{ clamp('opening + disbursed - written_off - sold - closing', 'least(0, cash)', 'greatest(0, cash)') }} as repaid
    from items
),

-- of both measures, in the segment of the second date; what another segment had at the first date comes from there
measured as (
    select
        as_of,
        'book' as measure,
        currency,
        {{ zero_but(['opening'] + movements + ['closing'], {
            'opening': 'case when opening_segment = segment then opening else 0 end', 'disbursed': 'disbursed', 'repaid': '-repaid',
            'written_off': '-written_off', 'sold': '-sold', 'restated': 'repaid - fall', 'closing': 'closing',
            'reclassified': 'case when opening_segment <> segment then opening else 0 end',
        }) }},
        segment
    from falls
    union all
    select
        as_of,
        'overdue' as measure,
        currency,
        {{ zero_but(['opening'] + movements + ['closing'], {
            'opening': 'case when opening_segment = segment then opening_overdue else 0 end', 'repaid': '-repaid',
            'cured': 'case when closing_overdue = 0 then -closing else 0 end', 'written_off': '-written_off', 'sold': '-sold',
            'restated': 'repaid - fall', 'closing': 'closing_overdue',
            'reclassified': 'case when opening_segment <> segment then opening_overdue else 0 end',
        }) }},
        segment
    from falls
    where opening_overdue > 0
    union all
    select
        as_of,
        'overdue' as measure,
        currency,
        {{ zero_but(['opening'] + movements + ['closing'], {'became_overdue': 'closing_overdue', 'closing': 'closing_overdue'}) }},
        segment
    from falls
    where opening_overdue = 0 and closing_overdue > 0
    union all
    {%- for measure, opening in [('book', 'opening'), ('overdue', 'opening_overdue')] %}
    select
        as_of,
        '{{ measure }}' as measure,
        currency,
        {{ zero_but(['opening'] + movements + ['closing'], {'opening': opening, 'reclassified': '-' ~ opening}) }},
        opening_segment as segment
    from falls
    where opening_segment <> segment
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- by currency first: one rate then takes a whole sum
sums as (
    select
        as_of,
        measure,
        currency,
        {%- for column in ['opening'] + movements + ['closing'] %}
        sum({{ column }}) as {{ column }},
        {%- endfor %}
        segment
    from measured
    group by as_of, measure, currency, segment
),

shown as (
    select
        links.from_as_of,
        links.as_of,
        links.is_partial,
        closing.currency,
        closing.shown_in,
        closing.rate,
        opening.rate as opening_rate
    from links
    inner join {{ ref('int_statements__currencies') }} as closing on closing.as_of = links.as_of
    left join {{ ref('int_statements__currencies') }} as opening  -- a miss: not lent in by then, or ALL had no rate
        on opening.as_of = links.from_as_of and opening.currency = closing.currency and opening.shown_in = closing.shown_in
),

complete as (
    select
        as_of,
        max(case when shown_in = 'ALL' then 1 else 0 end) = 1 as has_all
    from {{ ref('int_statements__currencies') }}
    group by as_of
),

-- ALL only where every rate is there at both dates
links_shown as (
    select distinct
        shown.from_as_of,
        shown.as_of,
        shown.is_partial,
        shown.shown_in
    from shown
    left join complete on complete.as_of = shown.from_as_of  -- a miss: nothing had been lent by then
    where shown.shown_in <> 'ALL' or coalesce(complete.has_all, true)
),

cells as (
    select
        links_shown.*,
        measures.code as measure,
        measures.code_order as measure_order,
        measures.label_zh as measure_zh,
        measures.label_en as measure_en,
        segments.code as segment,
        segments.code_order as segment_order,
        segments.label_zh as segment_zh,
        segments.label_en as segment_en
    from links_shown
    cross join {{ ref('label') }} as measures
    cross join {{ ref('label') }} as segments
    where measures.code_set = 'measure' and segments.code_set = 'segment'
),

summed as (
    {%- for segment in ['sums.segment', "'ALL'"] %}
    select
        sums.as_of,
        sums.measure,
        shown.shown_in,
        {{ segment }} as segment,
        {{ shown_sum('sums.opening', 'coalesce(shown.opening_rate, shown.rate)') }} as opening,
        {%- for movement in movements %}
        {{ shown_sum('sums.' ~ movement, 'shown.rate') }} as {{ movement }},
        {%- endfor %}
        {{ shown_sum('sums.closing', 'shown.rate') }} as closing
    from sums
    inner join shown on shown.as_of = sums.as_of and shown.currency = sums.currency
    group by sums.as_of, sums.measure, shown.shown_in{{ ', sums.segment' if loop.first }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    cells.from_as_of,
    cells.as_of,
    cells.is_partial,
    cells.measure,
    cells.measure_order,
    cells.measure_zh,
    cells.measure_en,
    cells.segment,
    cells.segment_order,
    cells.segment_zh,
    cells.segment_en,
    cells.shown_in as currency,
    coalesce(summed.opening, 0) as opening,
    {%- for movement in movements %}
    coalesce(summed.{{ movement }}, 0) as {{ movement }},
    {%- endfor %}
    cast(coalesce(
        summed.closing - summed.opening
        {%- for movement in movements %}
        - summed.{{ movement }}
        {%- endfor %}, 0
    ) as decimal(18, 2)) as revalued,
    coalesce(summed.closing, 0) as closing,
    {{ run_value('policy_version') }} as policy_version
from cells
left join summed  -- a miss: nothing there and nothing moved
    on
        summed.as_of = cells.as_of
        and summed.measure = cells.measure
        and summed.shown_in = cells.shown_in
        and summed.segment = cells.segment
