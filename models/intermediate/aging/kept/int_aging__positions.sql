{{ kept_by_loan() }}
-- grain: loan, period, payer_view and span of days without an event
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0004 the ladder: the oldest unpaid rung of each span; days past due grow by themselves within it; 0060 one axis

with ladder as (
    select * from {{ ref('int_aging__ladder') }}
    where {{ touched('loan_id') }}
),

periods as (
    select * from {{ ref('int_aging__periods') }}
    where {{ touched('loan_id') }}
),

-- the usual case: nothing but payments, which are one number that climbs from the first day on
plain_events as (
    select
        payments.loan_id,
        payments.happened_on,
        case when payments.is_reversal then -payments.amount else payments.amount end as amount
    from {{ ref('int_aging__touched_payments') }} as payments
    inner join periods on periods.loan_id = payments.loan_id
    where periods.is_plain
    union all
    select
        loan_id,
        from_on as happened_on,
        cast(0 as decimal(18, 2)) as amount
    from periods
    where is_plain
),

plain_running as (
    select
        loan_id,
        happened_on as from_on,
        lead(happened_on, 1, date '9999-12-31') over (partition by loan_id order by happened_on) as to_on,
        -- all events of a day, in no order
        sum(amount) over (partition by loan_id order by happened_on) as paid_to
    from plain_events
),

money as (
    select
        money.loan_id,
        money.period_no,
        money.payer_view,
        money.from_on,
        money.to_on,
        money.paid_to,
        money.charges_paid,
        money.charged,
        periods.allocation,
        periods.is_axis,
        periods.has_charges_in_queue
    from {{ ref('int_aging__money') }} as money
    inner join periods on periods.loan_id = money.loan_id and periods.period_no = money.period_no
),

axis_money as (
    select
        loan_id,
        1 as period_no,
        'all' as payer_view,
        from_on,
        to_on,
        cast(paid_to as decimal(38, 2)) as paid_to,
        cast(0 as decimal(38, 2)) as charges_paid,
        cast(0 as decimal(38, 2)) as charged,
        false as has_charges_in_queue
    from plain_running
    where from_on < to_on
    union all
    select loan_id, period_no, payer_view, from_on, to_on, paid_to, charges_paid, charged, has_charges_in_queue
    from money
    where is_axis and allocation <> 'by_installment'
),

axis_unpaid as (
    {{ unpaid_on_axis(
        'axis_money', 'ladder', 'paid_to',
        ['loan_id', 'period_no', 'payer_view', 'from_on', 'to_on', 'paid_to', 'charges_paid', 'charged', 'has_charges_in_queue']
    ) }}
),

-- everything else, rung by rung: charges and chargebacks in the queue, money that names installments
other_money as (
    select * from money
    where not is_axis or has_charges_in_queue or allocation = 'by_installment'
),

other_rungs as (
    select
        ladder.*,
        periods.component_order,
        ladder.planned_to + ladder.charged_back_to as owed_to,
        -- rolling can put a later obligation before an earlier one; the oldest unpaid is the one that was due first
        min(ladder.rolled_on) over (
            partition by ladder.loan_id, ladder.period_no
            order by ladder.rung_no rows between current row and unbounded following
        ) as unpaid_since
    from ladder
    inner join periods on periods.loan_id = ladder.loan_id and periods.period_no = ladder.period_no
    where
        ladder.amount > 0
        and (not periods.is_axis or periods.has_charges_in_queue or periods.allocation = 'by_installment')
),

queue_money as (
    select * from other_money
    where allocation <> 'by_installment' and not has_charges_in_queue
),

queue_positions as (
    {{ next_above(
        'queue_money', 'other_rungs', ['loan_id', 'period_no'], 'paid_to', 'owed_to',
        ['loan_id', 'period_no', 'payer_view', 'from_on'], ['unpaid_since']
    ) }}
),

-- charges in the queue: what waivers or a replay paid of them shortens the axis, oldest charge first
charged_positions as (
    select
        money.loan_id,
        money.period_no,
        money.payer_view,
        money.from_on,
        min(case when {{ is_unpaid('rungs', 'money') }} then rungs.rolled_on end) as unpaid_since
    from other_money as money
    inner join other_rungs as rungs
        on rungs.loan_id = money.loan_id and rungs.period_no = money.period_no
    where money.allocation <> 'by_installment' and money.has_charges_in_queue
    group by money.loan_id, money.period_no, money.payer_view, money.from_on
),

-- a replay has paid every rung before the first open one, and none after the last paid one
replayed as (
    select * from {{ ref('int_aging__replay') }}
    where {{ touched('loan_id') }}
),

replayed_rungs as (
    select
        replayed.loan_id,
        replayed.period_no,
        replayed.payer_view,
        replayed.from_on,
        rungs.rung_no,
        replayed.last_paid_rung,
        rungs.rolled_on,
        rungs.late_from,
        rungs.component_order,
        rungs.principal_due,
        rungs.interest_due,
        rungs.fee_due,
        rungs.principal_after,
        rungs.interest_after,
        rungs.fees_after,
        rungs.rungs_after,
        cast(rungs.amount - {{ element_at('replayed.paid', 'rungs.rung_no') }} as decimal(18, 2)) as unpaid
    from replayed
    inner join other_rungs as rungs
        on
            rungs.loan_id = replayed.loan_id
            and rungs.period_no = replayed.period_no
            and rungs.rung_no >= replayed.first_open_rung
            -- off an axis an older due date may stand further up
            and (not rungs.is_axis or rungs.rung_no <= greatest(replayed.first_open_rung, replayed.last_paid_rung))
),

replayed_positions as (
    select
        loan_id,
        period_no,
        payer_view,
        from_on,
        min(case when unpaid > 0 then rolled_on end) as unpaid_since,
        -- the day from which sums say what is overdue: no rung that has received money is still to come due
        max(case when rung_no <= last_paid_rung then late_from else date '0001-01-01' end) as sums_hold_from,
        sum({{ unpaid_component('principal') }}) + min_by(principal_after, -rung_no) as unpaid_principal,
        sum({{ unpaid_component('interest') }}) + min_by(interest_after, -rung_no) as unpaid_interest,
        sum({{ unpaid_component('fee') }}) + min_by(fees_after, -rung_no) as unpaid_fees,
        count(case when unpaid > 0 then 1 end) + min_by(rungs_after, -rung_no) as unpaid_rungs
    from replayed_rungs
    group by loan_id, period_no, payer_view, from_on
),

looked_up as (
    select * from queue_positions
    union all
    select * from charged_positions
)

select
    axis_unpaid.loan_id,
    axis_unpaid.period_no,
    axis_unpaid.payer_view,
    axis_unpaid.from_on,
    axis_unpaid.to_on,
    case when axis_unpaid.has_charges_in_queue then looked_up.unpaid_since else axis_unpaid.rolled_on end as unpaid_since,
    axis_unpaid.paid_to,
    axis_unpaid.charges_paid,
    axis_unpaid.charged,
    date '0001-01-01' as sums_hold_from,
    axis_unpaid.unpaid_principal,
    axis_unpaid.unpaid_interest,
    axis_unpaid.unpaid_fees,
    axis_unpaid.unpaid_rungs,
    axis_unpaid.overpaid
from axis_unpaid
left join looked_up  -- a miss: no charges in the queue
    on
        looked_up.loan_id = axis_unpaid.loan_id
        and looked_up.period_no = axis_unpaid.period_no
        and looked_up.payer_view = axis_unpaid.payer_view
        and looked_up.from_on = axis_unpaid.from_on
union all
select
    money.loan_id,
    money.period_no,
    money.payer_view,
    money.from_on,
    money.to_on,
    coalesce(looked_up.unpaid_since, replayed_positions.unpaid_since) as unpaid_since,
    money.paid_to,
    money.charges_paid,
    money.charged,
    case when money.is_axis then coalesce(replayed_positions.sums_hold_from, date '0001-01-01') end as sums_hold_from,
    case when money.is_axis then cast(coalesce(replayed_positions.unpaid_principal, 0) as decimal(38, 2)) end as unpaid_principal,
    case when money.is_axis then cast(coalesce(replayed_positions.unpaid_interest, 0) as decimal(38, 2)) end as unpaid_interest,
    case when money.is_axis then cast(coalesce(replayed_positions.unpaid_fees, 0) as decimal(38, 2)) end as unpaid_fees,
    case when money.is_axis then cast(coalesce(replayed_positions.unpaid_rungs, 0) as integer) end as unpaid_rungs,
    case when money.is_axis then coalesce(replayed.credit, money.paid_to) end as overpaid
from other_money as money
left join looked_up  -- a miss: nothing is owed, or money is replayed
    on
        looked_up.loan_id = money.loan_id
        and looked_up.period_no = money.period_no
        and looked_up.payer_view = money.payer_view
        and looked_up.from_on = money.from_on
left join replayed  -- a miss: money names no installments, or nothing is owed, as before the first plan of a loan without principal
    on
        replayed.loan_id = money.loan_id
        and replayed.period_no = money.period_no
        and replayed.payer_view = money.payer_view
        and replayed.from_on = money.from_on
left join replayed_positions  -- a miss: all is paid, or as above
    on
        replayed_positions.loan_id = money.loan_id
        and replayed_positions.period_no = money.period_no
        and replayed_positions.payer_view = money.payer_view
        and replayed_positions.from_on = money.from_on
where not money.is_axis or money.allocation = 'by_installment'
