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
        currencies.shown_in as currency,
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
        opening.outstanding_principal * currencies.rate as opening_balance,
        coalesce(reagings.reaged_on > links.from_as_of, false) as is_reaged
    from links
    inner join opening on opening.as_of = links.from_as_of
    inner join {{ ref('int_statements__currencies') }} as currencies
        on currencies.as_of = opening.as_of and currencies.currency = opening.currency
    inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = opening.loan_id
    left join {{ ref('int_aging__figures') }} as closing  -- a miss: closed by then
        on closing.loan_id = opening.loan_id and closing.as_of = links.as_of
    left join last_reagings as reagings  -- a miss: no new plan took days away by then
        on reagings.loan_id = opening.loan_id and reagings.as_of = links.as_of
),

counted as (
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
        cast(round(sum(opening_balance), 2) as decimal(18, 2)) as opening_balance,
        sum(case when is_reaged then 1 else 0 end) as reaged_loans,
        cast(round(sum(case when is_reaged then opening_balance else 0 end), 2) as decimal(18, 2)) as reaged_balance
    from moves
    group by
        from_as_of, as_of, is_partial, segment, currency, from_bucket, from_bucket_order, to_bucket, to_bucket_order
),

totals as (
    select
        *,
        sum(loans) over (partition by from_as_of, segment, currency, from_bucket) as all_loans,
        sum(opening_balance) over (partition by from_as_of, segment, currency, from_bucket) as all_balance
    from counted
)

select
    from_as_of,
    as_of,
    segment,
    currency,
    from_bucket,
    from_bucket_order,
    to_bucket,
    to_bucket_order,
    cast(loans as bigint) as loans,
    opening_balance,
    {{ share('loans', 'all_loans') }} as rate_by_count,
    {{ share('opening_balance', 'all_balance') }} as rate_by_balance,
    cast(reaged_loans as bigint) as reaged_loans,
    reaged_balance,
    is_partial,
    {{ run_value('policy_version') }} as policy_version
from totals
