-- grain: channel, result of the contact, M-stage before it, currency and horizon of 7 or 30 days
-- as of: contacts of the last contact_history_days; only those whose horizon is over by the as-of date are followed
-- decision: 0058 contact and arrears: a comparison of contacts that reached the debtor and those that did not, no proof

with horizons as (
    {%- for days in contact_horizons() %}
    select {{ days }} as horizon_days
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

followed as (
    select
        contacts.*,
        horizons.horizon_days,
        {{ add_days('contacts.contacted_on', 'horizons.horizon_days') }} as to_day,
        {{ add_days('contacts.contacted_on', 'horizons.horizon_days') }} <= {{ as_of() }} as is_over
    from {{ ref('int_collections__contact_days') }} as contacts
    cross join horizons
),

days as (
    select distinct
        loan_id,
        contacted_on,
        horizon_days,
        to_day
    from followed
    where is_over
),

-- from the day of the contact on: the ledger does not say which came first on it. Two channels may share a day
paid as (
    select
        days.loan_id,
        days.contacted_on,
        days.horizon_days,
        -- a reversal of money that came before the contact is no negative payment
        greatest(0, sum(cash.amount)) as amount
    from days
    inner join {{ ref('int_aging__cash') }} as cash on cash.loan_id = days.loan_id
    where cash.paid_on >= days.contacted_on and cash.paid_on <= days.to_day
    group by days.loan_id, days.contacted_on, days.horizon_days
),

counted as (
    select
        followed.channel,
        followed.result,
        followed.m_stage,
        followed.m_stage_order,
        followed.horizon_days,
        currencies.shown_in as currency,
        count(*) as episodes,
        count(distinct followed.customer_id) as customers,
        sum(case when followed.is_over then 1 else 0 end) as followed_episodes,
        sum(case when followed.is_over and followed.cured_on <= followed.to_day then 1 else 0 end) as cured_episodes,
        sum(case when followed.is_over and followed.reaged_on <= followed.to_day then 1 else 0 end) as reaged_episodes,
        sum(case when paid.amount > 0 then 1 else 0 end) as paid_episodes,
        {{ shown_sum('coalesce(paid.amount, 0)') }} as paid_amount
    from followed
    inner join {{ ref('int_statements__currencies') }} as currencies
        on currencies.as_of = {{ as_of() }} and currencies.currency = followed.currency
    left join paid  -- a miss: nothing was paid, or the horizon is not over
        on
            paid.loan_id = followed.loan_id
            and paid.contacted_on = followed.contacted_on
            and paid.horizon_days = followed.horizon_days
    group by
        followed.channel,
        followed.result,
        followed.m_stage,
        followed.m_stage_order,
        followed.horizon_days,
        currencies.shown_in
)

select
    {{ as_of() }} as as_of,
    counted.channel,
    channels.code_order as channel_order,
    channels.label_zh as channel_zh,
    channels.label_en as channel_en,
    counted.result,
    results.code_order as result_order,
    results.label_zh as result_zh,
    results.label_en as result_en,
    counted.m_stage,
    counted.m_stage_order,
    stages.label_zh as stage_zh,
    stages.label_en as stage_en,
    counted.horizon_days,
    counted.currency,
    cast(counted.episodes as bigint) as episodes,
    cast(counted.customers as bigint) as customers,
    cast(counted.followed_episodes as bigint) as followed_episodes,
    cast(counted.cured_episodes as bigint) as cured_episodes,
    {{ share('counted.cured_episodes', 'counted.followed_episodes') }} as cure_rate,
    cast(counted.reaged_episodes as bigint) as reaged_episodes,
    {{ share('counted.reaged_episodes', 'counted.followed_episodes') }} as reage_rate,
    cast(counted.paid_episodes as bigint) as paid_episodes,
    {{ share('counted.paid_episodes', 'counted.followed_episodes') }} as paid_rate,
    counted.paid_amount,
    {{ run_value('policy_version') }} as policy_version
from counted
inner join {{ ref('label') }} as channels on channels.code_set = 'channel' and channels.code = counted.channel
inner join {{ ref('label') }} as results on results.code_set = 'contact_result' and results.code = counted.result
inner join {{ ref('int_aging__buckets') }} as stages
    on stages.scheme = 'CN_M_STAGE' and stages.as_of = {{ as_of() }} and stages.bucket = counted.m_stage
