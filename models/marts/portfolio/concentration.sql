-- grain: dimension, member of it, segment and currency, ALL included for both
-- as of: the end of the as-of date; dateless columns by the lag rule
-- decision: 0035 concentration

{% set sums = ['balance', 'overdue_amount', 'overdue_balance'] %}

with customers as (
    {{ version_at('customers', ['customer_id']) }}
),

-- a loan has a branch and a product, an advance has neither
loans as (
    select
        loan_id,
        branch_id,
        product_id
    from {{ ref('int_aging__figures') }}
    where as_of = {{ as_of() }}
),

booked as (
    select
        {%- for sum in sums %}
        items.{{ sum }} * currencies.rate as {{ sum }},
        {%- endfor %}
        items.customer_id,
        items.segment,
        currencies.shown_in as currency,
        case when items.item_type = 'loan' then items.item_id end as loan_id
    from {{ ref('int_statements__items') }} as items
    inner join {{ ref('int_statements__currencies') }} as currencies
        on currencies.as_of = items.as_of and currencies.currency = items.currency
    where items.as_of = {{ as_of() }}
),

-- each item once under its segment, and once under ALL
items as (
    {%- for segment in ['booked.segment', "'ALL'"] %}
    select
        {%- for sum in sums %}
        booked.{{ sum }},
        {%- endfor %}
        booked.customer_id,
        {{ segment }} as segment,
        booked.currency,
        customers.industry,
        customers.region,
        loans.branch_id as branch,
        loans.product_id as product
    from booked
    inner join customers on customers.customer_id = booked.customer_id
    left join loans on loans.loan_id = booked.loan_id  -- a miss: an advance
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

borrowers as (
    select
        segment,
        currency,
        customer_id,
        row_number() over (partition by segment, currency order by sum(balance) desc, customer_id asc) as place
    from items
    group by segment, currency, customer_id
),

placed as (
    select
        'top_ten' as dimension,
        case when borrowers.place <= 10 then cast(borrowers.place as varchar) else 'others' end as member,
        case when borrowers.place <= 10 then borrowers.customer_id end as top_customer_id,
        items.*
    from items
    inner join borrowers
        on
            borrowers.segment = items.segment
            and borrowers.currency = items.currency
            and borrowers.customer_id = items.customer_id
    {%- for dimension in ['industry', 'region', 'branch', 'product'] %}
    union all
    select
        '{{ dimension }}' as dimension,
        coalesce({{ dimension }}, 'not_stated') as member,
        cast(null as varchar) as top_customer_id,
        items.*
    from items
    {%- endfor %}
),

added as (
    select
        dimension,
        member,
        top_customer_id,
        segment,
        currency,
        {%- for sum in sums %}
        cast(round(sum({{ sum }}), 2) as decimal(18, 2)) as {{ sum }},
        {%- endfor %}
        count(distinct customer_id) as customers,
        count(*) as items
    from placed
    group by dimension, member, top_customer_id, segment, currency
),

totals as (
    select
        *,
        cast(sum(balance) over (partition by dimension, segment, currency) as decimal(18, 2)) as all_balance,
        cast(sum(overdue_amount) over (partition by dimension, segment, currency) as decimal(18, 2)) as all_overdue_amount,
        cast(
            row_number() over (
                partition by dimension, segment, currency
                order by
                    case when dimension <> 'top_ten' then 0 when member = 'others' then 11 else cast(member as integer) end asc,
                    case when member = 'not_stated' then 1 else 0 end asc,
                    balance desc,
                    member asc
            ) as integer
        ) as member_order
    from added
)

select
    {{ as_of() }} as as_of,
    totals.dimension,
    dimensions.code_order as dimension_order,
    dimensions.label_zh as dimension_zh,
    dimensions.label_en as dimension_en,
    totals.member,
    totals.member_order,
    coalesce(members.label_zh, totals.top_customer_id, totals.member) as member_zh,
    coalesce(members.label_en, totals.top_customer_id, totals.member) as member_en,
    totals.top_customer_id as customer_id,
    totals.segment,
    segments.code_order as segment_order,
    segments.label_zh as segment_zh,
    segments.label_en as segment_en,
    totals.currency,
    cast(totals.customers as bigint) as customers,
    cast(totals.items as bigint) as items,
    totals.balance,
    totals.all_balance,
    {{ share('totals.balance', 'totals.all_balance') }} as share_of_balance,
    totals.overdue_amount,
    totals.all_overdue_amount,
    {{ share('totals.overdue_amount', 'totals.all_overdue_amount') }} as share_of_overdue_amount,
    totals.overdue_balance,
    {{ share('totals.overdue_balance', 'totals.balance') }} as overdue_rate,
    {{ run_value('policy_version') }} as policy_version
from totals
inner join {{ ref('label') }} as dimensions on dimensions.code_set = 'dimension' and dimensions.code = totals.dimension
inner join {{ ref('label') }} as segments on segments.code_set = 'segment' and segments.code = totals.segment
left join {{ ref('label') }} as members  -- a miss: a code of the ledgers, which is its own label
    on
        members.code_set = 'member'
        and members.code = totals.member
        and (members.code = 'not_stated' or totals.dimension = 'top_ten')
