{{ kept_by_loan() }}
-- grain: loan and span of days with the same last payment
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0004 a payment counts until all of it is reversed

-- depends_on: {{ ref('int_aging__touched_loans') }}

with payments as (
    select
        original_id,
        loan_id,
        original_paid_on as paid_on,
        happened_on,
        -- what is left of it at the end of the day: a part reversed on the day it was paid comes in no order
        sum(case when is_reversal then -amount else amount end) over (
            partition by original_id order by happened_on
        ) as amount
    from {{ ref('int_aging__touched_payments') }}
    where original_kind = 'payment'
),

lives as (
    select
        loan_id,
        original_id,
        paid_on,
        coalesce(min(case when amount <= 0 then happened_on end), date '9999-12-31') as gone_on
    from payments
    group by loan_id, original_id, paid_on
),

with_reversed as (
    select distinct loan_id from lives
    where gone_on < date '9999-12-31'
),

-- only where a payment went does an earlier one become the last again
days as (
    select lives.loan_id, lives.paid_on as from_on
    from lives
    inner join with_reversed on with_reversed.loan_id = lives.loan_id
    union
    select lives.loan_id, lives.gone_on as from_on
    from lives
    where lives.gone_on < date '9999-12-31'
),

changes as (
    select lives.loan_id, lives.paid_on as from_on, lives.paid_on as last_paid_on
    from lives
    left join with_reversed on with_reversed.loan_id = lives.loan_id  -- a miss: the usual case
    where with_reversed.loan_id is null
    union
    select
        days.loan_id,
        days.from_on,
        max(case when lives.paid_on <= days.from_on and lives.gone_on > days.from_on then lives.paid_on end) as last_paid_on
    from days
    inner join lives on lives.loan_id = days.loan_id
    group by days.loan_id, days.from_on
)

select
    loan_id,
    from_on,
    lead(from_on, 1, date '9999-12-31') over (partition by loan_id order by from_on) as to_on,
    last_paid_on
from changes
