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

rates as (
    select
        as_of,
        segment,
        shown_in,
        {{ share(shown_sum('overdue_balance', 'rate'), shown_sum('balance', 'rate')) }} as overdue_rate,
        {{ share(shown_sum('case when is_non_performing then balance else 0 end', 'rate'), shown_sum('balance', 'rate')) }}
            as npl_rate,
        {{ bounded_share(shown_sum('provision_amount', 'rate'), shown_sum('case when is_non_performing then balance else 0 end', 'rate')) }}
            as provision_coverage,
        {{ bounded_share(
            shown_sum('case when days_past_due > 90 then balance else 0 end', 'rate'),
            shown_sum('case when is_non_performing then balance else 0 end', 'rate')
        ) }} as deviation_90
    from items
    group by as_of, segment, shown_in
),

bucketed as (
    select
        items.as_of,
        items.item_type,
        buckets.scheme,
        buckets.bucket,
        buckets.bucket_order,
        buckets.label_zh,
        buckets.label_en,
        items.segment,
        items.shown_in as currency,
        cast(count(*) as bigint) as items,
        cast(count(distinct items.customer_id) as bigint) as customers,
        {{ shown_sum('items.balance', 'items.rate') }} as outstanding_principal,
        {{ shown_sum('items.overdue_amount', 'items.rate') }} as overdue_amount,
        {{ shown_sum('items.overdue_balance', 'items.rate') }} as overdue_balance
    from items
    inner join {{ ref('int_aging__buckets') }} as buckets
        on
            buckets.as_of = items.as_of
            and {{ in_bucket(
                "case buckets.day_count when 'include_due_date' then items.days_including_due_date else items.days_excluding_due_date end",
                'buckets'
            ) }}
    group by
        items.as_of,
        items.item_type,
        buckets.scheme,
        buckets.bucket,
        buckets.bucket_order,
        buckets.label_zh,
        buckets.label_en,
        items.segment,
        items.shown_in
)

select
    bucketed.*,
    rates.overdue_rate,
    rates.npl_rate,
    rates.provision_coverage,
    rates.deviation_90,
    {{ run_value('policy_version') }} as policy_version
from bucketed
inner join rates
    on rates.as_of = bucketed.as_of and rates.segment = bucketed.segment and rates.shown_in = bucketed.currency
