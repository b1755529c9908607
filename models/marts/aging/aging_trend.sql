-- grain: date of the history, item type, scheme, bucket, segment and currency that holds a loan of the book or an advance
-- as of: the end of each date of the history
-- decision: 0009 every scheme counts the raw days by its own rule

with items as (
    select
        items.*,
        currencies.shown_in,
        currencies.rate
    from {{ ref('int_statements__items') }} as items
    inner join {{ ref('int_statements__currencies') }} as currencies
        on currencies.as_of = items.as_of and currencies.currency = items.currency
    where items.is_history
),

totals as (
    select
        as_of,
        segment,
        shown_in,
        {{ shown_sum('balance', 'rate') }} as all_balance,
        {{ shown_sum('overdue_balance', 'rate') }} as all_overdue_balance,
        {{ shown_sum('case when days_past_due > 90 then balance else 0 end', 'rate') }} as all_balance_beyond_90,
        {{ shown_sum('case when is_non_performing then balance else 0 end', 'rate') }} as all_npl_balance,
        {{ shown_sum('provision_amount', 'rate') }} as all_provision
    from items
    group by as_of, segment, shown_in
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
        segment,
        shown_in,
        days_including_due_date,
        days_excluding_due_date,
        customer_id,
        count(*) as items,
        sum(balance * rate) as balance,
        sum(overdue_amount * rate) as overdue_amount,
        sum(overdue_balance * rate) as overdue_balance
    from items
    group by as_of, item_type, segment, shown_in, days_including_due_date, days_excluding_due_date, customer_id
),

of_several_ages as (
    select as_of, item_type, segment, shown_in, customer_id
    from holdings
    group by as_of, item_type, segment, shown_in, customer_id
    having count(*) > 1
),

ages as (
    select
        holdings.as_of,
        holdings.item_type,
        holdings.segment,
        holdings.shown_in,
        holdings.days_including_due_date,
        holdings.days_excluding_due_date,
        of_several_ages.customer_id as customer_of_several_ages,
        sum(case when of_several_ages.customer_id is null then 1 else 0 end) as other_customers,
        sum(holdings.items) as items,
        sum(holdings.balance) as balance,
        sum(holdings.overdue_amount) as overdue_amount,
        sum(holdings.overdue_balance) as overdue_balance
    from holdings
    left join of_several_ages  -- a miss: all of one age
        on
            of_several_ages.as_of = holdings.as_of
            and of_several_ages.item_type = holdings.item_type
            and of_several_ages.segment = holdings.segment
            and of_several_ages.shown_in = holdings.shown_in
            and of_several_ages.customer_id = holdings.customer_id
    group by
        holdings.as_of,
        holdings.item_type,
        holdings.segment,
        holdings.shown_in,
        holdings.days_including_due_date,
        holdings.days_excluding_due_date,
        of_several_ages.customer_id
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

bucketed as (
    select
        ages.as_of,
        ages.item_type,
        buckets.scheme,
        buckets.bucket,
        buckets.bucket_order,
        buckets.label_zh,
        buckets.label_en,
        ages.segment,
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
        ages.segment,
        ages.shown_in
)

select
    bucketed.*,
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
