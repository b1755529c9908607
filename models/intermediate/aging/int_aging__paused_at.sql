-- grain: loan in int_aging__loans_at that was ever paused
-- as of: the end of the as-of date
-- decision: 0008 paused days are a union of [from_on, to_on), cut to the window of overdue days or not, by pause_scope

with loans as (
    select * from {{ ref('int_aging__loans_at') }}
),

unpaid as (
    select
        loan_id,
        min(case when is_overdue then rolled_on end) as oldest_unpaid_due_on
    from {{ ref('int_aging__rungs_at') }}
    group by loan_id
),

windows as (
    select
        loans.loan_id,
        case when loans.pause_scope = 'all_pause_days' then date '0001-01-01' else unpaid.oldest_unpaid_due_on end as first_day,
        -- the first day that no longer counts
        case when loans.day_count = 'include_due_date' then {{ add_days(as_of(), 1) }} else {{ as_of() }} end as end_day
    from loans
    inner join unpaid on unpaid.loan_id = loans.loan_id
    where unpaid.oldest_unpaid_due_on is not null
),

cut as (
    select
        pauses.loan_id,
        greatest(pauses.from_on, windows.first_day) as from_on,
        least(coalesce(pauses.to_on, windows.end_day), windows.end_day) as to_on
    from {{ ref('stg_pauses') }} as pauses
    inner join windows on windows.loan_id = pauses.loan_id
),

-- overlapping pauses count once: each adds only what lies beyond all that began before it
reached as (
    select
        loan_id,
        from_on,
        to_on,
        max(to_on) over (
            partition by loan_id order by from_on, to_on rows between unbounded preceding and 1 preceding
        ) as reached_before
    from cut
    where from_on < to_on
)

select
    loan_id,
    cast(
        sum(greatest(0, {{ days_between('greatest(from_on, coalesce(reached_before, from_on))', 'to_on') }}))
        as integer
    ) as paused_days
from reached
group by loan_id
