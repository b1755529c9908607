-- L-1 current, L-2 a stage's last day, L-3 the next one's first, L-4 and L-5 of another currency, L-6 with interest
-- alone unpaid; W-1 and W-2 are written off, outside the book and outside the distribution.
create table marts.loan_aging as
with figures (
    loan_id, currency, outstanding_principal, overdue_principal, overdue_interest, overdue_fees, days_past_due,
    business_days_past_due, m_stage, is_written_off
) as (
    values
        ('L-1', 'CNY', 1000.00, 0.00, 0.00, 0.00, 0, 0, 'M0', false),
        ('L-2', 'CNY', 2000.00, 200.00, 20.00, 0.00, 30, 21, 'M1', false),
        ('L-3', 'CNY', 3000.00, 300.00, 30.00, 3.00, 31, 22, 'M2', false),
        ('L-4', 'USD', 4000.00, 400.00, 40.00, 0.00, 180, 123, 'M6', false),
        ('L-5', 'USD', 5000.00, 500.00, 50.00, 0.00, 181, 124, 'M7+', false),
        ('L-6', 'CNY', 0.00, 0.00, 6.00, 0.00, 1, 0, 'M1', false),
        ('W-1', 'CNY', 7000.00, 700.00, 70.00, 0.00, 400, 270, 'M7+', true),
        ('W-2', 'CNY', 8000.00, 0.00, 0.00, 0.00, 0, 0, 'M0', true)
)

select
    date '2026-10-31' as as_of,
    'policy-1' as policy_version,
    loan_id,
    date '2026-10-01' as last_paid_on,
    'C' || loan_id as customer_id,
    'personal' as segment,
    if(loan_id = 'L-4', 'mortgaged', 'unsecured') as security,
    'P-1' as product_id,
    currency,
    outstanding_principal::decimal(18, 2) as outstanding_principal,
    0::decimal(18, 2) as overpaid_amount,
    overdue_principal::decimal(18, 2) as overdue_principal,
    overdue_interest::decimal(18, 2) as overdue_interest,
    overdue_fees::decimal(18, 2) as overdue_fees,
    (overdue_principal + overdue_interest + overdue_fees)::decimal(18, 2) as overdue_amount,
    case when days_past_due > 0 then outstanding_principal else 0 end::decimal(18, 2) as overdue_balance,
    case when days_past_due > 0 then date '2026-10-31' - days_past_due end as oldest_unpaid_due_on,
    days_past_due,
    days_past_due as customer_days_past_due,
    greatest(0, days_past_due - 3) as delinquent_days,
    business_days_past_due,
    m_stage as bucket,
    m_stage,
    case when days_past_due > 0 then date '2026-10-31' - days_past_due + 1 end as first_overdue_on,
    days_past_due as max_days_past_due,
    is_written_off,
    date '2025-01-01' as disbursed_on,
    if(loan_id = 'L-3', 2, 1) as plan_no,
    if(loan_id = 'L-3', date '2026-08-01', date '2025-01-01') as plan_effective_on,
    case when loan_id = 'L-3' then 40 end as days_before_plan,
    loan_id = 'L-4' as is_restructured,
    false as has_quarantine,
    true as calendar_confirmed
from figures;

create table marts.aging_distribution as
select
    as_of, policy_version, scheme, bucket, bucket_order, segment, security, product_id, currency,
    count(*) as loans,
    count(distinct customer_id) as customers,
    sum(outstanding_principal)::decimal(18, 2) as outstanding_principal,
    sum(overdue_amount)::decimal(18, 2) as overdue_amount,
    sum(overdue_balance)::decimal(18, 2) as overdue_balance
from (
    select *, 'CN_M_STAGE' as scheme, m_stage as bucket, substr(m_stage, 2, 1)::integer as bucket_order
    from (select * exclude (bucket) from marts.loan_aging)
    union all by name
    select *, 'NINETY' as scheme, if(days_past_due > 90, '90+', 'current') as bucket, (days_past_due > 90)::integer as bucket_order
    from (select * exclude (bucket) from marts.loan_aging)
)
where not is_written_off
group by all;

create table evidence.book as
select as_of, loan_id, currency, outstanding_principal from marts.loan_aging where not is_written_off;

create table evidence.recomputed as
select loan_id, days_past_due, overdue_amount, outstanding_principal from marts.loan_aging where not is_written_off;

create table evidence.reperformed as
select as_of, loan_id, 'days_past_due' as column_name, days_past_due::varchar as published, days_past_due::varchar as recomputed
from marts.loan_aging
union all
select as_of, loan_id, 'oldest_unpaid_due_on', oldest_unpaid_due_on::varchar, oldest_unpaid_due_on::varchar from marts.loan_aging;

create table evidence.closed_with_principal (loan_id varchar, currency varchar, unpaid_principal decimal(18, 2));

insert into evidence.previous
select 'loan_aging' as mart, count(*)::bigint as "rows" from marts.loan_aging
union all
select 'aging_distribution', count(*) from marts.aging_distribution;
