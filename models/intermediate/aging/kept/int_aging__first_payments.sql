{{ kept_by_loan() }}
-- grain: loan whose first installment can ever be judged
-- as of: judged_on, fpd_days after the first installment's rolled due date; never changes after
-- decision: 0007 first-payment default

with firsts as (
    select
        ladder.loan_id,
        ladder.period_no,
        ladder.rung_no,
        {{ add_days('ladder.rolled_on', run_value('fpd_days')) }} as judged_on,
        row_number() over (
            partition by ladder.loan_id, ladder.period_no order by ladder.kind, ladder.installment_no
        ) as place
    from {{ ref('int_aging__ladder') }} as ladder
    where {{ touched('ladder.loan_id') }} and ladder.kind in ('installment', 'residual') and ladder.rolled_on < date '9999-01-01'
),

-- the first period that contains the day on which its own first installment is judged
judged as (
    select
        firsts.loan_id,
        firsts.period_no,
        firsts.rung_no,
        firsts.judged_on,
        periods.allocation,
        row_number() over (partition by firsts.loan_id order by firsts.period_no) as place
    from firsts
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = firsts.loan_id and periods.period_no = firsts.period_no
    where
        firsts.place = 1
        and firsts.judged_on >= periods.from_on
        and firsts.judged_on < periods.to_on
)

select
    judged.loan_id,
    judged.judged_on,
    case
        when judged.allocation = 'by_installment'
            then ladder.amount > {{ element_at('replay.paid', 'judged.rung_no') }}
        else ladder.amount > 0 and {{ reaches_to('ladder', 'positions') }} > positions.paid_to
    end as is_first_payment_default
from judged
inner join {{ ref('int_aging__ladder') }} as ladder
    on ladder.loan_id = judged.loan_id and ladder.period_no = judged.period_no and ladder.rung_no = judged.rung_no
inner join (
    select
        positions.*,
        periods.allocation
    from {{ ref('int_aging__positions') }} as positions
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = positions.loan_id and periods.period_no = positions.period_no
    where positions.payer_view = 'all' and {{ touched('positions.loan_id') }}
) as positions
    on
        positions.loan_id = judged.loan_id
        and positions.period_no = judged.period_no
        and positions.from_on <= judged.judged_on
        and positions.to_on > judged.judged_on
left join {{ ref('int_aging__replay') }} as replay  -- a miss: money does not name installments
    on
        replay.loan_id = judged.loan_id
        and replay.period_no = judged.period_no
        and replay.payer_view = 'all'
        and replay.from_on <= judged.judged_on
        and replay.to_on > judged.judged_on
where judged.place = 1
