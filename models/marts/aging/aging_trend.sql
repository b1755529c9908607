-- grain: date of the history, item type, scheme, bucket, segment (ALL included) and currency that holds a loan of the book or an advance
-- as of: the end of each date of the history
-- decision: 0009 every scheme counts the raw days by its own rule

with items as (
    select * from {{ ref('int_statements__items') }}
    where is_history
),

currencies as (
    select as_of, currency, shown_in, rate from {{ ref('int_statements__currencies') }}
),

sums as (
    select
        as_of,
        segment,
        currency,
        sum(balance) as balance,
        sum(overdue_balance) as overdue_balance,
        sum(case when days_past_due > 90 then balance else 0 end) as balance_beyond_90,
        sum(case when is_non_performing then balance else 0 end) as npl_balance,
        sum(provision_amount) as provision
    from items
    group by as_of, segment, currency
),

-- not rounded yet: ALL is rounded once, as the segments are
held as (
    select
        sums.as_of,
        sums.segment,
        currencies.shown_in,
        sum(sums.balance * currencies.rate) as balance,
        sum(sums.overdue_balance * currencies.rate) as overdue_balance,
        sum(sums.balance_beyond_90 * currencies.rate) as balance_beyond_90,
        sum(sums.npl_balance * currencies.rate) as npl_balance,
        sum(sums.provision * currencies.rate) as provision
    from sums
    inner join currencies on currencies.as_of = sums.as_of and currencies.currency = sums.currency
    group by sums.as_of, sums.segment, currencies.shown_in
),

totals as (
    {%- for segment in ['segment', "'ALL'"] %}
    select
        as_of,
        {{ segment }} as segment,
        {%- for figure in ['balance', 'overdue_balance', 'balance_beyond_90', 'npl_balance', 'provision'] %}
        {{ shown_sum(figure, '1') }} as all_{{ figure }},
        {%- endfor %}
        shown_in
    from held
    group by as_of{{ ', segment' if loop.first }}, shown_in
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

rates as (
    select
        *,
        {{ share('all_overdue_balance', 'all_balance') }} as overdue_rate,
        {{ share('all_npl_balance', 'all_balance') }} as npl_rate,
        {{ bounded_share('all_provision', 'all_npl_balance') }} as provision_coverage,
        {{ bounded_share('all_balance_beyond_90', 'all_npl_balance') }} as deviation_90
    from totals
),

-- what a customer has of one age: most have one age only, and a bucket counts them without looking who they are
holdings as (
    select
        as_of,
        item_type,
        customer_id,
        segment,
        currency,
        days_including_due_date,
        days_excluding_due_date,
        count(*) as items,
        sum(balance) as balance,
        sum(overdue_amount) as overdue_amount,
        sum(overdue_balance) as overdue_balance
    from items
    group by as_of, item_type, customer_id, segment, currency, days_including_due_date, days_excluding_due_date
),

of_several_ages as (
    select as_of, item_type, customer_id
    from holdings
    group by as_of, item_type, customer_id
    having count(*) > 1
),

ages_by_currency as (
    select
        holdings.as_of,
        holdings.item_type,
        holdings.segment,
        holdings.currency,
        holdings.days_including_due_date,
        holdings.days_excluding_due_date,
        of_several_ages.customer_id as customer_of_several_ages,
        sum(case when of_several_ages.customer_id is null then 1 else 0 end) as other_customers,
        sum(holdings.items) as items,
        sum(holdings.balance) as balance,
        sum(holdings.overdue_amount) as overdue_amount,
        sum(holdings.overdue_balance) as overdue_balance
    from holdings
    left join of_several_ages  -- a miss: all of one age, in one currency
        on
            of_several_ages.as_of = holdings.as_of
            and of_several_ages.item_type = holdings.item_type
            and of_several_ages.customer_id = holdings.customer_id
    group by
        holdings.as_of,
        holdings.item_type,
        holdings.segment,
        holdings.currency,
        holdings.days_including_due_date,
        holdings.days_excluding_due_date,
        of_several_ages.customer_id
),

ages as (
    select
        ages_by_currency.as_of,
        ages_by_currency.item_type,
        ages_by_currency.segment,
        currencies.shown_in,
        ages_by_currency.days_including_due_date,
        ages_by_currency.days_excluding_due_date,
        ages_by_currency.customer_of_several_ages,
        ages_by_currency.other_customers,
        ages_by_currency.items,
        ages_by_currency.balance * currencies.rate as balance,
        ages_by_currency.overdue_amount * currencies.rate as overdue_amount,
        ages_by_currency.overdue_balance * currencies.rate as overdue_balance
    from ages_by_currency
    inner join currencies
        on currencies.as_of = ages_by_currency.as_of and currencies.currency = ages_by_currency.currency
),

ages_found as (
    select distinct as_of, days_including_due_date, days_excluding_due_date
    from ages
),

-- each age found, in its bucket of each scheme
bucket_of_age as (
    select
        ages_found.as_of,
        ages_found.days_including_due_date,
        ages_found.days_excluding_due_date,
        buckets.scheme,
        buckets.bucket,
        buckets.bucket_order,
        buckets.label_zh,
        buckets.label_en
    from ages_found
    inner join {{ ref('int_aging__buckets') }} as buckets
        on
            buckets.as_of = ages_found.as_of
            and {{ in_bucket(
                "case buckets.day_count when 'include_due_date' then ages_found.days_including_due_date else ages_found.days_excluding_due_date end",
                'buckets'
            ) }}
),

-- on a date a customer is of one segment, so that those of the segments add up to those of ALL
bucketed as (
    {%- for segment in ['ages.segment', "'ALL'"] %}
    select
        ages.as_of,
        ages.item_type,
        buckets.scheme,
        buckets.bucket,
        buckets.bucket_order,
        buckets.label_zh,
        buckets.label_en,
        {{ segment }} as segment,
        ages.shown_in as currency,
        cast(sum(ages.items) as bigint) as items,
        cast(sum(ages.other_customers) + count(distinct ages.customer_of_several_ages) as bigint) as customers,
        {{ shown_sum('ages.balance', '1') }} as outstanding_principal,
        {{ shown_sum('ages.overdue_amount', '1') }} as overdue_amount,
        {{ shown_sum('ages.overdue_balance', '1') }} as overdue_balance
    from ages
    inner join bucket_of_age as buckets
        on
            buckets.as_of = ages.as_of
            and buckets.days_including_due_date = ages.days_including_due_date
            and buckets.days_excluding_due_date = ages.days_excluding_due_date
    group by
        ages.as_of,
        ages.item_type,
        buckets.scheme,
        buckets.bucket,
        buckets.bucket_order,
        buckets.label_zh,
        buckets.label_en,
        {{ 'ages.segment,' if loop.first }}
        ages.shown_in
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    bucketed.as_of,
    bucketed.item_type,
    item_types.code_order as item_type_order,
    item_types.label_zh as item_type_zh,
    item_types.label_en as item_type_en,
    bucketed.scheme,
    coalesce(schemes.label_zh, bucketed.scheme) as scheme_zh,
    coalesce(schemes.label_en, bucketed.scheme) as scheme_en,
    bucketed.bucket,
    bucketed.bucket_order,
    bucketed.label_zh,
    bucketed.label_en,
    bucketed.segment,
    segments.code_order as segment_order,
    segments.label_zh as segment_zh,
    segments.label_en as segment_en,
    bucketed.currency,
    bucketed.items,
    bucketed.customers,
    bucketed.outstanding_principal,
    bucketed.overdue_amount,
    bucketed.overdue_balance,
    rates.all_balance,
    rates.all_overdue_balance,
    rates.all_balance_beyond_90,
    rates.all_npl_balance,
    rates.all_provision,
    rates.overdue_rate,
    rates.npl_rate,
    rates.provision_coverage,
    rates.deviation_90,
    {{ run_value('policy_version') }} as policy_version
from bucketed
inner join rates
    on rates.as_of = bucketed.as_of and rates.segment = bucketed.segment and rates.shown_in = bucketed.currency
inner join {{ ref('label') }} as item_types on item_types.code_set = 'item_type' and item_types.code = bucketed.item_type
inner join {{ ref('label') }} as segments on segments.code_set = 'segment' and segments.code = bucketed.segment
left join {{ ref('label') }} as schemes on schemes.code_set = 'scheme' and schemes.code = bucketed.scheme  -- a miss: a lender's own, its own label
