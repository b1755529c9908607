-- grain: loan touched that is not plain, period, payer_view and span of days without an event
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0004 money: paid_to is how far up the ladder money reaches, charges_paid what went to charges

with states as (
    select
        loan_id,
        period_no,
        payer_view,
        allocation,
        to_on,
        happened_on,
        event_order,
        event_id,
        paid_to,
        charges_paid,
        charged,
        charged_back,
        greatest(happened_on, from_on) as state_on
    from {{ ref('int_aging__money_running') }}
),

-- the last event of a day makes its state
daily as (
    select *
    from (
        select
            *,
            row_number() over (
                partition by loan_id, period_no, payer_view, state_on
                order by happened_on desc, event_order desc, event_id desc
            ) as day_rank
        from states
    ) as ranked
    where day_rank = 1
),

-- all that the queue can take in a period, chargebacks to come left aside
planned as (
    select
        loan_id,
        period_no,
        sum(case when kind in ('installment', 'residual', 'reopened') then amount else 0 end) as amount
    from {{ ref('int_aging__ladder') }}
    where {{ touched('loan_id') }}
    group by loan_id, period_no
),

-- fees first: money that the queue cannot take comes back to charges
returned as (
    select
        daily.*,
        case
            when daily.allocation = 'fees_first'
                then least(
                    daily.charged - daily.charges_paid,
                    greatest(0, daily.paid_to - coalesce(planned.amount, 0) - daily.charged_back)
                )
            else 0
        end as to_charges
    from daily
    left join planned  -- a miss: nothing is owed
        on planned.loan_id = daily.loan_id and planned.period_no = daily.period_no
)

select
    loan_id,
    period_no,
    payer_view,
    state_on as from_on,
    lead(state_on, 1, to_on) over (partition by loan_id, period_no, payer_view order by state_on) as to_on,
    cast(paid_to - to_charges as decimal(38, 2)) as paid_to,
    cast(charges_paid + to_charges as decimal(38, 2)) as charges_paid,
    charged
from returned
