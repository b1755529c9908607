-- grain: two dates of the history that follow each other, segment, currency, M-stage at the first and M-stage or exit at the second
-- as of: the end of both dates; segment and currency are those of the first
-- decision: 0023 roll rates: the opening book is followed, whatever becomes of it

with links as (
    {{ history_steps() }}
),

opening as (
    select * from {{ ref('int_aging__figures') }}
    where not is_written_off
),

last_reagings as (
    select
        links.as_of,
        reagings.loan_id,
        max(reagings.reaged_on) as reaged_on
    from links
    inner join {{ ref('int_aging__reagings') }} as reagings on reagings.reaged_on <= links.as_of
    group by links.as_of, reagings.loan_id
),

moves as (
    select
        links.from_as_of,
        links.as_of,
        links.is_partial,
        opening.segment,
        opening.currency,
        opening.m_stage as from_bucket,
        opening.m_stage_order as from_bucket_order,
        case
            when loans.written_off_on <= links.as_of then 'written_off'
            when loans.closed_on <= links.as_of then 'closed'
            else closing.m_stage
        end as to_bucket,
        case
            when loans.written_off_on <= links.as_of then 101
            when loans.closed_on <= links.as_of then 100
            else closing.m_stage_order
        end as to_bucket_order,
        opening.outstanding_principal as opening_balance,
        coalesce(reagings.reaged_on > links.from_as_of, false) as is_reaged
    from links
    inner join opening on opening.as_of = links.from_as_of
    inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = opening.loan_id
    left join {{ ref('int_aging__figures') }} as closing  -- a miss: closed by then
        on closing.loan_id = opening.loan_id and closing.as_of = links.as_of
    left join last_reagings as reagings  -- a miss: no new plan took days away by then
        on reagings.loan_id = opening.loan_id and reagings.as_of = links.as_of
),

-- by currency first: one rate then takes a whole sum
sums as (
    select
        from_as_of,
        as_of,
        is_partial,
        segment,
        currency,
        from_bucket,
        from_bucket_order,
        to_bucket,
        to_bucket_order,
        count(*) as loans,
        sum(opening_balance) as opening_balance,
        sum(case when is_reaged then 1 else 0 end) as reaged_loans,
        sum(case when is_reaged then opening_balance else 0 end) as reaged_balance
    from moves
    group by from_as_of, as_of, is_partial, segment, currency, from_bucket, from_bucket_order, to_bucket, to_bucket_order
),

counted as (
    {%- for segment in ['sums.segment', "'ALL'"] %}
    select
        sums.from_as_of,
        sums.as_of,
        sums.is_partial,
        {{ segment }} as segment,
        currencies.shown_in as currency,
        sums.from_bucket,
        sums.from_bucket_order,
        sums.to_bucket,
        sums.to_bucket_order,
        sum(sums.loans) as loans,
        {{ shown_sum('sums.opening_balance') }} as opening_balance,
        sum(sums.reaged_loans) as reaged_loans,
        {{ shown_sum('sums.reaged_balance') }} as reaged_balance
    from sums
    inner join {{ ref('int_statements__currencies') }} as currencies
        on currencies.as_of = sums.from_as_of and currencies.currency = sums.currency
    group by
        sums.from_as_of,
        sums.as_of,
        sums.is_partial,
        {{ 'sums.segment,' if loop.first }}
        currencies.shown_in,
        sums.from_bucket,
        sums.from_bucket_order,
        sums.to_bucket,
        sums.to_bucket_order
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

totals as (
    select
        *,
        sum(loans) over (partition by from_as_of, segment, currency, from_bucket) as all_loans,
        sum(opening_balance) over (partition by from_as_of, segment, currency, from_bucket) as all_balance
    from counted
),

stages as (
    select
        bucket as code,
        label_zh,
        label_en
    from {{ ref('int_aging__buckets') }}
    where scheme = 'CN_M_STAGE' and as_of = {{ as_of() }}
    union all
    select
        code,
        label_zh,
        label_en
    from {{ ref('label') }}
    where code_set = 'exit'
)

select
    totals.from_as_of,
    totals.as_of,
    totals.segment,
    segments.code_order as segment_order,
    segments.label_zh as segment_zh,
    segments.label_en as segment_en,
    totals.currency,
    totals.from_bucket,
    totals.from_bucket_order,
    from_stages.label_zh as from_zh,
    from_stages.label_en as from_en,
    totals.to_bucket,
    totals.to_bucket_order,
    to_stages.label_zh as to_zh,
    to_stages.label_en as to_en,
    cast(totals.loans as bigint) as loans,
    totals.opening_balance,
    cast(totals.all_loans as bigint) as all_loans,
    cast(totals.all_balance as decimal(18, 2)) as all_opening_balance,
    {{ share('totals.loans', 'totals.all_loans') }} as rate_by_count,
    {{ share('totals.opening_balance', 'totals.all_balance') }} as rate_by_balance,
    cast(totals.reaged_loans as bigint) as reaged_loans,
    totals.reaged_balance,
    totals.is_partial,
    {{ run_value('policy_version') }} as policy_version
from totals
inner join {{ ref('label') }} as segments on segments.code_set = 'segment' and segments.code = totals.segment
inner join stages as from_stages on from_stages.code = totals.from_bucket
inner join stages as to_stages on to_stages.code = totals.to_bucket
