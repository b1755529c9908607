{{ kept_by_loan() }}
-- grain: loan, period, payer_view and span of days without an event, where money names installments
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0004 by_installment is a replay: paid[n] is what rung n has received
-- noqa: PRS where a macro writes a lambda, which the linter cannot read

with recursive named as (
    select distinct
        loan_id,
        period_no
    from {{ ref('int_aging__money_running') }}
    where allocation = 'by_installment'
),

ladder as (
    select ladder.*
    from {{ ref('int_aging__ladder') }} as ladder
    inner join named on named.loan_id = ladder.loan_id and named.period_no = ladder.period_no
    where {{ touched('ladder.loan_id') }}
),

rungs as (
    select
        loan_id,
        period_no,
        list(amount order by rung_no) as amounts,
        list(exists_from order by rung_no) as exist_from,
        list(installment_no order by rung_no) as installment_nos,
        list(case when kind = 'charge' then amount else 0 end order by rung_no) as charge_amounts
    from ladder
    group by loan_id, period_no
),

-- a rung that comes to be on a day takes what credit there is, before that day's money
appearing as (
    select distinct
        loan_id,
        period_no,
        exists_from
    from ladder
    where exists_from > date '0001-01-01'
),

running as (
    select
        *,
        paid_to - lag(paid_to, 1, 0) over (
            partition by loan_id, period_no, payer_view order by happened_on, event_order, event_id
        ) as amount
    from {{ ref('int_aging__money_running') }}
    where allocation = 'by_installment'
),

unnumbered as (
    select
        loan_id, period_no, payer_view, from_on, to_on, happened_on, event_order, event_id, installment_no, amount,
        for_charges_in_queue
    from running
    union all
    select
        running.loan_id, running.period_no, running.payer_view, running.from_on, running.to_on,
        appearing.exists_from as happened_on, 1 as event_order, '' as event_id,
        cast(null as integer) as installment_no, cast(0 as decimal(38, 2)) as amount,
        cast(0 as decimal(38, 2)) as for_charges_in_queue
    from running
    inner join appearing
        on appearing.loan_id = running.loan_id and appearing.period_no = running.period_no
    where running.event_order = 0
),

events as (
    select
        *,
        row_number() over (
            partition by loan_id, period_no, payer_view order by happened_on, event_order, event_id
        ) as event_no
    from unnumbered
),

replay as (
    select
        events.loan_id,
        events.period_no,
        events.payer_view,
        cast(0 as bigint) as event_no,
        list_transform(rungs.amounts, lambda amount: cast(0 as decimal(38, 2))) as paid,
        cast(0 as decimal(38, 2)) as credit
    from events
    inner join rungs on rungs.loan_id = events.loan_id and rungs.period_no = events.period_no
    where events.event_no = 1
    union all
    select
        loan_id,
        period_no,
        payer_view,
        event_no,
        {{ lay_oldest_first('paid_by_name', 'open_now', 'money') }} as paid,  -- noqa: PRS
        cast(greatest(0, money - {{ array_sum('open_now') }}) as decimal(38, 2)) as credit
    from (
        select
            *,
            {{ open_amounts('amounts', 'paid_by_name', 'exist_from', 'happened_on') }} as open_now,  -- noqa: PRS
            amount - to_named - least(for_charges_in_queue, {{ array_sum('open_charges') }}) + credit as money
        from (
            select
                *,
                -- money that names an installment pays it first, a waiver that names none the charges
                {{ lay_oldest_first(add_at('paid', 'place', 'to_named'), 'open_charges', 'for_charges_in_queue') }} as paid_by_name  -- noqa: PRS
            from (
                select
                    *,
                    case
                        when place > 0
                            then least(amount, {{ element_at('amounts', 'place') }} - {{ element_at('paid', 'place') }})
                        else 0
                    end as to_named,
                    {{ open_amounts('charge_amounts', 'paid', 'exist_from', 'happened_on') }} as open_charges  -- noqa: PRS
                from (
                    select
                        replay.loan_id,
                        replay.period_no,
                        replay.payer_view,
                        replay.paid,
                        replay.credit,
                        events.event_no,
                        events.happened_on,
                        events.amount,
                        rungs.amounts,
                        rungs.exist_from,
                        rungs.charge_amounts,
                        events.for_charges_in_queue,
                        {{ named_place('rungs.installment_nos', 'events.installment_no') }} as place
                    from replay
                    inner join events
                        on
                            events.loan_id = replay.loan_id
                            and events.period_no = replay.period_no
                            and events.payer_view = replay.payer_view
                            and events.event_no = replay.event_no + 1
                    inner join rungs on rungs.loan_id = replay.loan_id and rungs.period_no = replay.period_no
                ) as next_event
            ) as placed
        ) as paid_by_names
    ) as opened
),

daily as (
    select *
    from (
        select
            events.loan_id,
            events.period_no,
            events.payer_view,
            events.to_on,
            greatest(events.happened_on, events.from_on) as state_on,
            replay.paid,
            replay.credit,
            row_number() over (
                partition by events.loan_id, events.period_no, events.payer_view, greatest(events.happened_on, events.from_on)
                order by events.event_no desc
            ) as day_rank
        from replay
        inner join events
            on
                events.loan_id = replay.loan_id
                and events.period_no = replay.period_no
                and events.payer_view = replay.payer_view
                and events.event_no = replay.event_no
    ) as ranked
    where day_rank = 1
)

select
    daily.loan_id,
    daily.period_no,
    daily.payer_view,
    daily.state_on as from_on,
    lead(daily.state_on, 1, daily.to_on) over (
        partition by daily.loan_id, daily.period_no, daily.payer_view order by daily.state_on
    ) as to_on,
    daily.paid,
    daily.credit,
    cast({{ first_open_rung('daily.paid', 'rungs.amounts') }} as integer) as first_open_rung,  -- noqa: PRS
    cast({{ last_paid_rung('daily.paid') }} as integer) as last_paid_rung  -- noqa: PRS
from daily
inner join rungs on rungs.loan_id = daily.loan_id and rungs.period_no = daily.period_no
