{{ kept_by_loan() }}
-- grain: loan and period in which one plan, one set of conventions and one set of reversals to replay hold
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0005 periods; most loans have one; 0016 an extension begins one; 0060 one axis

with loans as (
    select * from {{ ref('int_aging__loans') }}
    where {{ touched('loan_id') }}
),

conventions as (
    select * from {{ ref('int_aging__loan_products') }}
    where {{ touched('loan_id') }}
),

maturities as (
    select * from {{ ref('int_aging__maturities') }}
),

-- a plan beyond the first may replace it from its effective date on
plans as (
    select
        installments.loan_id,
        installments.plan_no,
        coalesce(max(installments.effective_on), min(loans.disbursed_on)) as effective_on,
        min(loans.disbursed_on) as disbursed_on,
        sum(installments.principal_due) < min(loans.principal) as leaves_principal
    from {{ ref('int_aging__installments') }} as installments
    inner join loans on loans.loan_id = installments.loan_id
    group by installments.loan_id, installments.plan_no
),

-- in force from its effective date unless a higher number was in force already; the first plan of a loan since always, for no
-- figure looks at a day before disbursement
ruling_plans as (
    select
        loan_id,
        plan_no,
        effective_on,
        leaves_principal,
        case when plan_no = 1 and effective_on <= disbursed_on then date '0001-01-01' else effective_on end as rules_from
    from (
        select
            *,
            max(plan_no) over (
                partition by loan_id order by effective_on, plan_no
                rows between unbounded preceding and 1 preceding
            ) as higher_before,
            row_number() over (partition by loan_id, effective_on order by plan_no desc) as same_day_rank
        from plans
    ) as ranked
    where same_day_rank = 1 and coalesce(higher_before, -1) < plan_no
),

reversals as (
    select
        loan_id,
        happened_on as reversed_on,
        true as is_money
    from {{ ref('int_aging__touched_payments') }}
    where is_reversal
    union all
    select
        loan_id,
        happened_on as reversed_on,
        false as is_money
    from {{ ref('int_aging__charges') }}
    where is_reversal
),

-- loans that owe by their maturity: without a plan, or with one that leaves principal out
owing_by_maturity as (
    select maturities.loan_id
    from maturities
    left join ruling_plans on ruling_plans.loan_id = maturities.loan_id  -- a miss: a loan without installments
    group by maturities.loan_id
    having
        max(case when ruling_plans.leaves_principal then 1 else 0 end) = 1
        or min(coalesce(ruling_plans.rules_from, date '9999-12-31')) > date '0001-01-01'
),

-- a replay starts again where money it has laid is reversed, a queue of charges where a charge is, and a remaining
-- plan owes again what was paid before it and is reversed after
boundaries as (
    select loan_id, from_on from conventions
    union
    select loan_id, rules_from as from_on from ruling_plans
    union
    select maturities.loan_id, maturities.from_on
    from maturities
    inner join owing_by_maturity on owing_by_maturity.loan_id = maturities.loan_id
    union
    select reversals.loan_id, reversals.reversed_on as from_on
    from reversals
    inner join conventions
        on
            conventions.loan_id = reversals.loan_id
            and conventions.to_on > reversals.reversed_on
    where
        (
            reversals.is_money
            and (conventions.allocation <> 'oldest_installment_first' or conventions.plan_basis = 'remaining')
        )
        or (not reversals.is_money and (conventions.charges_age or conventions.allocation <> 'oldest_installment_first'))
),

spans as (
    select
        loan_id,
        from_on,
        lead(from_on, 1, date '9999-12-31') over (partition by loan_id order by from_on) as to_on,
        cast(row_number() over (partition by loan_id order by from_on) as integer) as period_no
    from boundaries
),

planned as (
    select
        spans.loan_id,
        spans.period_no,
        spans.from_on,
        spans.to_on,
        max(ruling_plans.plan_no) as plan_no,
        max(ruling_plans.effective_on) as plan_effective_on
    from spans
    left join ruling_plans  -- a miss: no plan yet, or never
        on ruling_plans.loan_id = spans.loan_id and ruling_plans.rules_from <= spans.from_on
    group by spans.loan_id, spans.period_no, spans.from_on, spans.to_on
),

-- where principal falls due at maturity, a maturity that moved is an extension, as a new plan would be
owing as (
    select
        planned.loan_id,
        planned.period_no,
        maturities.matures_on,
        case
            when maturities.from_on > coalesce(planned.plan_effective_on, date '0001-01-01') then maturities.from_on
        end as extended_on
    from planned
    inner join conventions
        on
            conventions.loan_id = planned.loan_id
            and conventions.from_on <= planned.from_on
            and conventions.to_on > planned.from_on
    inner join maturities
        on
            maturities.loan_id = planned.loan_id
            and maturities.from_on <= planned.from_on
            and maturities.to_on > planned.from_on
    left join ruling_plans  -- a miss: no plan yet, or never
        on ruling_plans.loan_id = planned.loan_id and ruling_plans.plan_no = planned.plan_no
    where
        coalesce(ruling_plans.leaves_principal, true)
        and not (conventions.plan_basis = 'remaining' and coalesce(planned.plan_no, 1) > 1)
),

periods as (
    select
        planned.loan_id,
        planned.period_no,
        planned.from_on,
        planned.to_on,
        planned.plan_no,
        coalesce(owing.extended_on, planned.plan_effective_on) as plan_effective_on,
        coalesce(planned.plan_no > 1, false) or owing.extended_on is not null as is_replacing,
        coalesce(owing.matures_on, loans.matures_on) as matures_on,
        {{ conventions_of('conventions') }},
        coalesce(conventions.plan_basis = 'remaining' and planned.plan_no > 1, false) as is_remaining,
        -- obligations, and money, before these days do not count: the plan replaced them
        case
            when conventions.plan_basis = 'remaining' and planned.plan_no > 1 then planned.plan_effective_on
            else date '0001-01-01'
        end as counts_from,
        case
            when conventions.plan_basis = 'remaining' and planned.plan_no > 1
                -- a plan drawn up net of that day's money has counted it already
                then case when conventions.plan_includes_day then {{ add_days('planned.plan_effective_on', 1) }} else planned.plan_effective_on end
            else date '0001-01-01'
        end as money_counts_from
    from planned
    inner join conventions
        on
            conventions.loan_id = planned.loan_id
            and conventions.from_on <= planned.from_on
            and conventions.to_on > planned.from_on
    inner join loans on loans.loan_id = planned.loan_id
    left join owing  -- a miss: the maturity never moved, or nothing is owed by it
        on owing.loan_id = planned.loan_id and owing.period_no = planned.period_no
),

all_maturities as (
    select loan_id, matures_on from loans
    where matures_on is not null
    union
    select loan_id, matures_on from maturities
),

-- plans in which a holiday moves a due date past a later one that stays
holiday_dues as (
    select
        installments.loan_id,
        installments.plan_no,
        conventions.calendar,
        installments.due_on
    from {{ ref('int_aging__installments') }} as installments
    inner join conventions on conventions.loan_id = installments.loan_id
    where conventions.due_date_roll = 'following_holiday'
    union all
    select
        plans.loan_id,
        plans.plan_no,
        conventions.calendar,
        all_maturities.matures_on as due_on
    from plans
    inner join all_maturities on all_maturities.loan_id = plans.loan_id
    inner join conventions on conventions.loan_id = plans.loan_id
    where conventions.due_date_roll = 'following_holiday'
),

holiday_rolled as (
    select
        holiday_dues.loan_id,
        holiday_dues.plan_no,
        holiday_dues.calendar,
        holiday_dues.due_on,
        {{ rolled('holiday_dues.due_on', "'following_holiday'", 'days') }} as rolled_on
    from holiday_dues
    left join {{ ref('int_calendar__days') }} as days  -- a miss: beyond the calendar's years
        on days.calendar = holiday_dues.calendar and days.day = holiday_dues.due_on
),

swapped as (
    select distinct
        loan_id,
        plan_no
    from (
        select
            *,
            lead(rolled_on) over (partition by loan_id, plan_no, calendar order by due_on) as next_rolled_on
        from holiday_rolled
    ) as followed
    where next_rolled_on < rolled_on
),

chargebacks as (
    select distinct loan_id from {{ ref('stg_repayments') }}
    where kind = 'chargeback' and {{ touched('loan_id') }}
),

reversed as (
    select distinct loan_id from reversals
    where is_money
),

charged as (
    select distinct loan_id from {{ ref('int_aging__charges') }}
),

paid_by_others as (
    select distinct loan_id from {{ ref('int_aging__touched_payments') }}
    where payer <> 'customer'
),

axes as (
    select
        periods.*,
        swapped.loan_id is null
        and chargebacks.loan_id is null
        -- what a remaining plan reopens stands in its queue
        and not (periods.is_remaining and reversed.loan_id is not null)
        -- under fees_first charges stand beside the axis
        and not (periods.charges_age and periods.allocation <> 'fees_first' and charged.loan_id is not null) as is_axis,
        periods.charges_age and charged.loan_id is not null as has_charges_in_queue,
        periods.allocation <> 'by_installment' and charged.loan_id is null and paid_by_others.loan_id is null as has_only_payments
    from periods
    left join swapped on swapped.loan_id = periods.loan_id and swapped.plan_no = periods.plan_no  -- a miss: the usual case
    left join chargebacks on chargebacks.loan_id = periods.loan_id  -- a miss: the usual case
    left join reversed on reversed.loan_id = periods.loan_id  -- a miss: nothing was taken back
    left join charged on charged.loan_id = periods.loan_id  -- a miss: no charges
    left join paid_by_others on paid_by_others.loan_id = periods.loan_id  -- a miss: the customer alone has paid
)

select
    loan_id,
    period_no,
    from_on,
    to_on,
    plan_no,
    plan_effective_on,
    is_replacing,
    matures_on,
    {{ conventions_of('axes') }},
    is_remaining,
    counts_from,
    money_counts_from,
    is_axis,
    has_charges_in_queue,
    is_axis and has_only_payments and count(*) over (partition by loan_id) = 1 as is_plain
from axes
