-- grain: advance and span of days on which nothing happens to it
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0030 what of an advance is outstanding, 0031 since when it is overdue

with money as (
    select * from {{ ref('int_advances__money') }}
),

events as (
    select
        advance_id,
        happened_on as from_on,
        sum(repaid) as repaid
    from money
    group by advance_id, happened_on
    union all
    select
        advance_id,
        date '0001-01-01' as from_on,
        0 as repaid
    from {{ ref('stg_advances') }}
),

spans as (
    select
        advance_id,
        from_on,
        lead(from_on, 1, date '9999-12-31') over (partition by advance_id order by from_on) as to_on,
        sum(repaid) over (partition by advance_id order by from_on) as repaid_by_now
    from events
),

-- a payment counts on the days on which some of it is not reversed
payments as (
    select
        spans.advance_id,
        spans.from_on,
        money.original_paid_on as paid_on
    from spans
    inner join money on money.advance_id = spans.advance_id and money.happened_on <= spans.from_on
    where money.original_kind = 'payment'
    group by spans.advance_id, spans.from_on, money.original_id, money.original_paid_on
    having sum(money.repaid) > 0
),

last_payments as (
    select
        advance_id,
        from_on,
        max(paid_on) as last_repaid_on
    from payments
    group by advance_id, from_on
)

select
    spans.advance_id,
    spans.from_on,
    spans.to_on,
    cast(greatest(0, advances.amount - spans.repaid_by_now) as decimal(18, 2)) as outstanding,
    -- of a kind with a due date of its own the day agreed; else, and where none was, it should have been repaid at once
    case when kinds.past_due_from = 'due_on' then coalesce(advances.due_on, advances.advanced_on) else advances.advanced_on end
        as overdue_since,
    last_payments.last_repaid_on
from spans
inner join {{ ref('stg_advances') }} as advances on advances.advance_id = spans.advance_id
inner join {{ ref('advance_kind') }} as kinds on kinds.kind = advances.kind
left join last_payments  -- a miss: nothing repaid by then
    on last_payments.advance_id = spans.advance_id and last_payments.from_on = spans.from_on
