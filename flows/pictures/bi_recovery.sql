-- reads: recovery_by_age
-- What was paid within 30, 60 and 90 days by the loans of each M stage, all segments together, from the last opening date whose days are
-- over; a stage in which no loan was has a row of zeros. The horizons hold one another: never add them up.
create view bi_recovery as
with over as (
    from recovery_by_age
    where segment = 'ALL' and recovered_amount is not null
    qualify (currency = 'ALL') = bool_or(currency = 'ALL') over (partition by from_as_of)
        and from_as_of = max(from_as_of) over (partition by horizon_days)
)

select
    shown.as_of, shown.from_as_of, shown.horizon_days, shown.currency, stages.code as m_stage, stages.code_order as m_stage_order,
    stages.label_zh as stage_zh, stages.label_en as stage_en, coalesce(found.loans, 0)::bigint as loans,
    coalesce(found.overdue_amount, 0)::decimal(18, 2) as overdue_amount, coalesce(found.recovered_amount, 0)::decimal(18, 2) as recovered_amount,
    found.recovery_rate, coalesce(found.cured_loans, 0)::bigint as cured_loans, found.cure_rate
from (select distinct as_of, from_as_of, horizon_days, currency from over) as shown
cross join (from {stages} as stage where stage.code_order > 0) as stages
left join over as found
    on found.horizon_days = shown.horizon_days and found.currency = shown.currency and found.m_stage = stages.code;
