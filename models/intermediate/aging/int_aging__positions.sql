{{ kept_by_loan() }}
-- grain: loan, period, payer_view and span of days without an event
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0004 the ladder: the oldest unpaid rung of each span; days past due grow by themselves within it

with money as (
    select money.*, periods.allocation
    from {{ ref('int_aging__money') }} as money
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = money.loan_id and periods.period_no = money.period_no
    where {{ touched('money.loan_id') }}
),

ladder as (
    select
        *,
        planned_to + charged_back_to as owed_to,
        -- rolling can put a later obligation before an earlier one; the oldest unpaid is the one that was due first
        min(rolled_on) over (
            partition by loan_id, period_no order by rung_no rows between current row and unbounded following
        ) as unpaid_since,
        max(charged_to) over (partition by loan_id, period_no) > 0 as has_charges
    from {{ ref('int_aging__ladder') }}
    where amount > 0 and {{ touched('loan_id') }}
),

charged_periods as (
    select distinct loan_id, period_no from ladder
    where has_charges
),

-- the usual case: one axis; the first rung that reaches beyond the money
plain as (
    select
        money.loan_id,
        money.period_no,
        money.payer_view,
        money.from_on,
        money.to_on,
        money.paid_to
    from money
    left join charged_periods  -- a miss: no charges in the queue
        on charged_periods.loan_id = money.loan_id and charged_periods.period_no = money.period_no
    where money.allocation <> 'by_installment' and charged_periods.loan_id is null
),

plain_positions as (
    {{ first_rung_above('plain', 'ladder') }}
),

-- charges in the queue: what waivers or a replay paid of them shortens the axis, oldest charge first
charged_positions as (
    select
        money.loan_id,
        money.period_no,
        money.payer_view,
        money.from_on,
        money.to_on,
        min(case when {{ is_unpaid('ladder', 'money') }} then ladder.rolled_on end) as unpaid_since
    from money
    inner join charged_periods
        on charged_periods.loan_id = money.loan_id and charged_periods.period_no = money.period_no
    inner join ladder
        on ladder.loan_id = money.loan_id and ladder.period_no = money.period_no
    where money.allocation <> 'by_installment'
    group by money.loan_id, money.period_no, money.payer_view, money.from_on, money.to_on
),

replayed_positions as (
    select
        replay.loan_id,
        replay.period_no,
        replay.payer_view,
        replay.from_on,
        replay.to_on,
        min(
            case when ladder.amount > {{ element_at('replay.paid', 'ladder.rung_no') }} then ladder.rolled_on end
        ) as unpaid_since
    from {{ ref('int_aging__replay') }} as replay
    left join ladder  -- a miss: nothing is owed
        on ladder.loan_id = replay.loan_id and ladder.period_no = replay.period_no
    where {{ touched('replay.loan_id') }}
    group by replay.loan_id, replay.period_no, replay.payer_view, replay.from_on, replay.to_on
),

-- a replay has nothing to lay money on where nothing is owed, as before the first plan of a loan without principal
owing as (
    select distinct
        loan_id,
        period_no
    from {{ ref('int_aging__ladder') }}
    where {{ touched('loan_id') }}
),

positions_of_nothing as (
    select
        money.loan_id,
        money.period_no,
        money.payer_view,
        money.from_on,
        money.to_on,
        cast(null as date) as unpaid_since
    from money
    left join owing  -- a miss: what is looked for
        on owing.loan_id = money.loan_id and owing.period_no = money.period_no
    where money.allocation = 'by_installment' and owing.loan_id is null
)

select * from plain_positions
union all
select * from charged_positions
union all
select * from replayed_positions
union all
select * from positions_of_nothing
