-- A-1 called at night, A-2 the fourth effective call, A-3 not known to be recorded; P-1 promised and paid in part.
create table marts.contact_breaches as
select
    date '2026-10-31' as as_of, 'policy-1' as policy_version, *
from (
    values
        ('A-1', 'CN_GB_QUIET', 'breach', '22:00', 'not_in 22:00-08:00', null, date '2026-10-20'),
        ('A-2', 'CN_GB_CALL3', 'breach', '4', '3', null, date '2026-10-20'),
        ('A-3', 'CN_CBA_RECORD', 'not_evaluated', null, '1', 'contact_attempts.recorded', date '2026-10-20')
) as rows (attempt_id, rule_id, status, figure, limit_value, lacks, attempted_on);

create table marts.conduct_rules as
select
    date '2026-10-31' as as_of, 'policy-1' as policy_version, *
from (
    values
        ('CN_GB_QUIET', 9::bigint, 1::bigint, 0::bigint, 'breached'), ('CN_GB_CALL3', 9, 1, 0, 'breached'),
        ('CN_CBA_RECORD', 9, 0, 1, 'partly_evaluated'), ('CN_GB_RETAIN5', 0, 0, 0, 'not_evaluated')
) as rows (rule_id, attempts, breaches, not_evaluated, status);

create table marts.promises as
select
    date '2026-10-31' as as_of, 'policy-1' as policy_version, *
from (
    values
        ('P-1', 'L-2', 'CNY', date '2026-10-10', date '2026-10-15', 100.00::decimal(18, 2), 40.00::decimal(18, 2), 'partly_kept'),
        ('P-2', null, 'CNY', date '2026-10-10', null, 100.00, 0.00, 'open')
) as rows (attempt_id, loan_id, currency, made_on, promised_on, promised_amount, paid_amount, status);

create table evidence.contact_attempts as
select attempt_id, 'CL-2' as customer_id, date '2026-10-20' as attempted_on, true as lender_began
from (values ('A-1'), ('A-2'), ('A-3'), ('P-1'), ('P-2')) as rows (attempt_id);

create table evidence.rules_recomputed as select unnest(['CN_GB_QUIET', 'CN_GB_CALL3', 'CN_CBA_RECORD']) as rule_id;

create table evidence.breaches_recomputed as
select attempt_id, rule_id, figure from marts.contact_breaches where status = 'breach';

create table evidence.promises as select attempt_id, paid_amount from marts.promises where promised_on is not null and loan_id is not null;

-- Five attempts on one customer, who is lost; the others were never contacted.
create table marts.contactability as
select
    as_of, policy_version, customer_id,
    case when customer_id = 'CL-2' then 5 else 0 end as attempts, 0 as reached,
    case when customer_id = 'CL-2' then 5 else 0 end as attempts_phone, 0 as reached_phone,
    0 as attempts_sms, 0 as reached_sms, 0 as attempts_email, 0 as reached_email, 0 as attempts_letter, 0 as reached_letter,
    0 as attempts_visit, 0 as reached_visit, 0 as attempts_app, 0 as reached_app, 0 as attempts_social, 0 as reached_social,
    0 as attempts_legal, 0 as reached_legal,
    customer_id = 'CL-2' as is_lost_contact,
    case when customer_id = 'CL-2' then date '2026-10-20' end as lost_since,
    case when customer_id = 'CL-2' then 'LOST_INVALID' end as lost_rule,
    case when customer_id = 'CL-2' then 'EMERGENCY_CONTACT' else 'PHONE' end as next_step
from (
    select as_of, policy_version, customer_id from marts.loan_aging where days_past_due > 0
    union all
    select date '2026-10-31', 'policy-1', unnest(['CL-1', 'C-A2'])  -- those with an overdue advance in portfolio.sql
);

create table evidence.treatment (treatment varchar, treatment_order integer, steps varchar, waits_for_promise boolean);
insert into evidence.treatment values
('reminder', 1, ' SMS ', false), ('call', 2, ' PHONE SMS AGENCY EMERGENCY_CONTACT ', false), ('letter', 3, ' LETTER ', true);
create table evidence.treatment_rule (treatment_rule varchar, treatment varchar, days_from integer, by_days boolean);
insert into evidence.treatment_rule values ('REMINDER', 'reminder', 1, true), ('CALL', 'call', 11, true), ('LETTER', 'letter', 91, true);
create table evidence.agency as select 'AG-1' as agency_id;

create table marts.collection_worklist as
select
    as_of, policy_version, customer_id,
    case when customer_id = 'CL-3' then 'held' else 'due' end as status,
    case when customer_id <> 'CL-3' then next_step end as step,
    case when customer_id <> 'CL-3' then 'phone' end as channel,
    case when customer_id = 'CL-2' then 'contact' when customer_id <> 'CL-3' then 'debtor' end as party,
    case when customer_id <> 'CL-3' then '08:00' end as allowed_from,
    case when customer_id <> 'CL-3' then '19:00' end as allowed_to,
    case when customer_id <> 'CL-3' then 'evening' end as part_of_day,
    case when customer_id <> 'CL-3' then '18:00' end as preferred_from,
    case when customer_id <> 'CL-3' then '19:00' end as preferred_to,
    case when customer_id = 'CL-3' then 'paused' else 'overdue' end as reason,
    as_of + 1 as work_on, 20 as days_past_due, null::date as promise_due_on, 'call' as treatment, 'CALL' as treatment_rule,
    as_of - 8 as treatment_from, as_of + 12 as deadline_on,
    'letter' as next_treatment, as_of + 71 as next_treatment_on
from marts.contactability
semi join (
    select customer_id from marts.loan_aging where delinquent_days > 0
    union all
    select unnest(['CL-1', 'C-A2'])
) as delinquent using (customer_id);

-- L-1 was late in May and is not now; L-2 was called in vain, and the debtor of L-3 was reached.
create table evidence.debtor_contacts as
select 'L-2' as loan_id, 'CL-2' as customer_id, 'phone' as channel, attempted_on as contacted_on, lender_began, false as spoke, true as is_recent
from evidence.contact_attempts
union all
values ('L-3', 'CL-3', 'phone', date '2026-10-21', true, true, true);

create table marts.contact_timing as
select
    as_of, policy_version, customer_id, loan_id, currency, entered_on, ended_on, ended_by,
    coalesce(ended_on, as_of + 1) - entered_on as days_overdue,
    attempts, reached, first_attempt_on, first_reached_on,
    first_attempt_on - entered_on as days_to_first_attempt, first_reached_on - entered_on as days_to_first_reached
from (
    select
        as_of, policy_version, customer_id, loan_id, currency, first_overdue_on as entered_on, null::date as ended_on, null as ended_by,
        case loan_id when 'L-2' then 5 when 'L-3' then 1 else 0 end as attempts,
        case loan_id when 'L-3' then 1 else 0 end as reached,
        case loan_id when 'L-2' then date '2026-10-20' when 'L-3' then date '2026-10-21' end as first_attempt_on,
        case loan_id when 'L-3' then date '2026-10-21' end as first_reached_on
    from marts.loan_aging
    where days_past_due > 0
    union all
    select date '2026-10-31', 'policy-1', 'CL-1', 'L-1', 'CNY', date '2026-05-01', date '2026-05-10', 'cured', 0, 0, null, null
);

create table marts.contact_moves as
select
    date '2026-10-31' as as_of, 'policy-1' as policy_version, *, from_stage < to_stage as is_worse, false as is_reaged
from (
    values
        ('L-1', date '2026-05-01', 'M0', 'M1', 0, 0, 0, 0, 0), ('L-1', '2026-05-10', 'M1', 'M0', 0, 0, 0, 0, 0),
        ('L-2', '2026-10-02', 'M0', 'M1', 0, 0, 0, 0, 5),
        ('L-3', '2026-10-01', 'M0', 'M1', 0, 0, 0, 0, 1), ('L-3', '2026-10-31', 'M1', 'M2', 0, 1, 0, 0, 0)
) as rows (
    loan_id, moved_on, from_stage, to_stage,
    attempts_7d_before, attempts_30d_before, attempts_on_day, attempts_7d_after, attempts_30d_after
);

create table marts.contact_effect as
select
    date '2026-10-31' as as_of, 'policy-1' as policy_version, *
from (
    values
        ('phone', 'reached', 'M1', 7, 'CNY', 1, 1, 1, 0, 0.000000::decimal(9, 6), 0, 1, 1.000000::decimal(9, 6), 30.00::decimal(18, 2)),
        ('phone', 'reached', 'M1', 30, 'CNY', 1, 1, 0, 0, null, 0, 0, null, 0.00),
        ('phone', 'not_reached', 'M1', 7, 'CNY', 3, 2, 3, 1, 0.333333, 1, 2, 0.666667, 30.00)
) as rows (
    channel, result, m_stage, horizon_days, currency, episodes, customers, followed_episodes, cured_episodes, cure_rate,
    reaged_episodes, paid_episodes, paid_rate, paid_amount
);

insert into evidence.previous
select 'contact_breaches' as mart, count(*)::bigint as "rows" from marts.contact_breaches
union all
select 'promises', count(*) from marts.promises;
