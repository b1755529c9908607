-- grain: date, asked for or compared, and loan of int_aging__loans_at that is overdue and was ever paused
-- as of: the end of each date asked for
-- decision: 0008 paused days are a union of [from_on, to_on), cut to the window of overdue days or not, by pause_scope

with windows as (
    select
        as_of,
        loan_id,
        case when pause_scope = 'all_pause_days' then date '0001-01-01' else unpaid_since end as first_day,
        -- the first day that no longer counts
        case when day_count = 'include_due_date' then {{ add_days('as_of', 1) }} else as_of end as end_day
    from {{ ref('int_aging__loans_at') }}
    where days_past_due > 0
),

cut as (
    select
        windows.as_of,
        pauses.loan_id,
        greatest(pauses.from_on, windows.first_day) as from_on,
        least(coalesce(pauses.to_on, windows.end_day), windows.end_day) as to_on
    from {{ ref('stg_pauses') }} as pauses
    inner join windows on windows.loan_id = pauses.loan_id
),

-- overlapping pauses count once: each adds only what lies beyond all that began before it
reached as (
    select
        as_of,
        loan_id,
        from_on,
        to_on,
        max(to_on) over (
            partition by as_of, loan_id order by from_on, to_on rows between unbounded preceding and 1 preceding
        ) as reached_before
    from cut
    where from_on < to_on
)

select
    as_of,
    loan_id,
    cast(
        sum(greatest(0, {{ days_between('greatest(from_on, coalesce(reached_before, from_on))', 'to_on') }}))
        as integer
    ) as paused_days
from reached
group by as_of, loan_id
