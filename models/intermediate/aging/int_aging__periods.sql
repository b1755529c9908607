{{ kept_by_loan() }}
-- grain: loan and period in which one plan, one set of conventions and one set of reversals to replay hold
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0005 periods; most loans have one

with loans as (
    select * from {{ ref('int_aging__loans') }}
    where {{ touched('loan_id') }}
),

conventions as (
    select * from {{ ref('int_aging__loan_products') }}
    where {{ touched('loan_id') }}
),

-- a plan beyond the first may replace it from its effective date on
plans as (
    select
        installments.loan_id,
        installments.plan_no,
        coalesce(max(installments.effective_on), min(loans.disbursed_on)) as effective_on
    from {{ ref('stg_installments') }} as installments
    inner join loans on loans.loan_id = installments.loan_id
    group by installments.loan_id, installments.plan_no
),

-- in force from its effective date unless a higher number was in force already
ruling_plans as (
    select loan_id, plan_no, effective_on
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
        reversal.loan_id,
        reversal.paid_on as reversed_on,
        true as is_money
    from {{ ref('stg_repayments') }} as reversal
    where reversal.kind = 'reversal' and {{ touched('reversal.loan_id') }}
    union all
    select
        reversal.loan_id,
        reversal.due_on as reversed_on,
        false as is_money
    from {{ ref('stg_charges') }} as reversal
    where reversal.kind = 'reversal' and {{ touched('reversal.loan_id') }}
),

-- a replay starts again where money it has laid is reversed, a queue of charges where a charge is, and a remaining
-- plan owes again what was paid before it and is reversed after
boundaries as (
    select loan_id, from_on from conventions
    union
    select loan_id, effective_on as from_on from ruling_plans
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
        on ruling_plans.loan_id = spans.loan_id and ruling_plans.effective_on <= spans.from_on
    group by spans.loan_id, spans.period_no, spans.from_on, spans.to_on
)

select
    planned.loan_id,
    planned.period_no,
    planned.from_on,
    planned.to_on,
    planned.plan_no,
    planned.plan_effective_on,
    {{ conventions_of('conventions') }},
    coalesce(conventions.plan_basis = 'remaining' and planned.plan_no > 1, false) as is_remaining,
    -- money and obligations before this day do not count: the plan replaced them
    case
        when conventions.plan_basis = 'remaining' and planned.plan_no > 1 then planned.plan_effective_on
        else date '0001-01-01'
    end as counts_from
from planned
inner join conventions
    on
        conventions.loan_id = planned.loan_id
        and conventions.from_on <= planned.from_on
        and conventions.to_on > planned.from_on
