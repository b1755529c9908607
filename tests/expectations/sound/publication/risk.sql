-- The book of aging.sql, classified: L-3 is credit-impaired. L-1 was adjusted, to what it would be anyway.
create table marts.risk_classification as
select
    as_of, policy_version, 'loan' as item_type, loan_id as item_id, customer_id, segment, 'loan' as asset_class, currency,
    outstanding_principal as balance, days_past_due,
    case when days_past_due > 90 or loan_id = 'L-3' then 3 when days_past_due > 0 then 2 else 1 end as risk_class,
    risk_class as class_by_rules,
    if(loan_id = 'L-1', 'J-1', null) as adjustment_id, if(loan_id = 'L-1', 'Wu', null) as adjusted_by,
    if(loan_id = 'L-1', 'Li', null) as approved_by, if(loan_id = 'L-1', date '2026-12-31', null) as adjusted_until,
    case when days_past_due > 90 then 'DPD, SM' when loan_id = 'L-3' then 'IMP, SM' when days_past_due > 0 then 'SM' else '' end as rules_fired,
    case when days_past_due > 90 then 'DPD' when loan_id = 'L-3' then 'IMP' when days_past_due > 0 then 'SM' end as deciding_rule,
    case when loan_id <> 'L-6' then 2 end as previous_class,
    case when loan_id = 'L-6' then 'new' when risk_class > 2 then 'downgraded' when risk_class < 2 then 'upgraded' else 'unchanged' end as migration,
    [0, 0.02, 0.25][risk_class]::decimal(9, 6) as provision_rate,
    round(outstanding_principal * provision_rate, 2)::decimal(18, 2) as provision_amount
from marts.loan_aging
where not is_written_off;

create table evidence.to_classify as
select item_type, item_id, currency, balance, if(risk_class >= 3, risk_class, 1) as least_class
from marts.risk_classification;

create table evidence.adjustments as
select
    'L-1' as loan_id, 'J-1' as adjustment_id, '1' as risk_class, true as has_reason, 'Wu' as prepared_by, 'Li' as approved_by,
    date '2026-10-01' as valid_from, date '2026-12-31' as valid_until;

create table evidence.measure_days (measure_id varchar, days_from integer, days_to integer);
insert into evidence.measure_days values ('legal_action', 91, 2147483647), ('extend_tenor', 0, 90), ('earlier_collection', 0, 2147483647);

create table marts.watchlist as
select
    as_of, policy_version, customer_id, if(risk_class >= 3, 60, 30) as points, if(risk_class >= 3, 1, 2) as severity_order,
    if(risk_class >= 3, 'high', 'medium') as severity, 'late' as signals, 'late [' || item_id || ']' as evidence,
    'earlier_collection' as measures
from marts.risk_classification
where days_past_due > 0;

create table evidence.paid_lately as
select item_type, item_id, 30.00::decimal(18, 2) as paid from marts.risk_classification where days_past_due > 0;

create table marts.case_files as
select
    as_of, policy_version, customer_id, days_past_due, risk_class, 'no_plan_offered' as causes,
    'no_plan_offered [loans ' || item_id || ']' as evidence,
    'earlier_collection, new_collection_plan' || if(days_past_due > 90, ', legal_action', '') as measures,
    currency || ' 30.00' as paid_six_months,
    item_id || ': L, shortfall ' || balance::varchar || ', paid 40.00' as debts_en
from marts.risk_classification
where days_past_due > 0;

-- L-3 had a new plan when it was 40 days late, L-4 was restructured and late again, W-1 got a waiver, L-2 a lower rate.
create table evidence.waived as select 'CNY' as currency, 12.00::decimal(18, 2) as waived;

create table marts.forbearance as
with events (loan_id, event_on, kind, waived_amount, rate_before, rate_after, days_before, days_after, observation_ends_on, redefault_on) as (
    values
        ('L-3', date '2026-08-01', 'new_plan', null, null, null, 40, 0, date '2027-08-01', null),
        ('L-4', date '2026-03-01', 'restructured', null, null, null, 0, 0, null, date '2026-06-03'),
        ('W-1', date '2025-08-01', 'waiver', 12.00, null, null, 0, 0, date '2026-08-01', null),
        ('L-2', date '2026-09-01', 'rate_cut', null, 0.05, 0.04, 0, 0, date '2027-09-01', null)
)

select
    date '2026-10-31' as as_of, 'policy-1' as policy_version, events.*, if(loan_id = 'L-4', 'USD', 'CNY') as currency, days_before > 0 as is_in_arrears,
    kind = 'new_plan' as is_reaging, redefault_on is not null as is_redefault, kind = 'waiver' as is_observation_passed
from events;
