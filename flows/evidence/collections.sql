-- Contacts and promises, for customers whose time zone and segment is one and known, and whose contacts all say whom they were at.

create temp table clock_of_customer as
select customer_id, any_value(coalesce(time_zone, 'Asia/Shanghai')) as zone, any_value(segment) as segment
from work.raw.customers
group by customer_id
having
    count(distinct coalesce(time_zone, 'Asia/Shanghai')) = 1 and count(distinct segment) = 1 and zone in (select time_zone from work.policy.time_zone);

create temp table attempt as
select
    * exclude (message_text),
    ((attempted_at at time zone 'UTC') at time zone zone) as begun_at,
    coalesce(initiated_by, 'lender') = 'lender' as lender_began
from (
    select * from work.raw.contact_attempts
    qualify row_number() over (partition by attempt_id order by _delivery_no) = 1
)
inner join clock_of_customer using (customer_id)
where begun_at < (select as_of + 1 from clock) and customer_id not in (select customer_id from work.raw.contact_attempts where party is null);

create table evidence.contact_attempts as
select attempt_id, customer_id, begun_at::date as attempted_on, lender_began from attempt;

-- Four rules worked out again where the policy has them as shipped; the others have tests of their own.
create temp table conduct as
select rule_id, segment as binds, limit_value, window_start, window_end, valid_from, valid_to from work.policy.collection_rule
where
    list_contains(string_split((select collection_jurisdictions from work.raw.run), ' '), jurisdiction)
    and (rule_id, channel, party, metric, operator) in (
        ('CN_GB_QUIET', 'all', 'any', 'local_time', 'not_in'),
        ('CN_GB_CALL3', 'phone', 'debtor', 'effective_calls', '<='),
        ('CN_GB_NODISCLOSE', 'all', 'third_person', 'debt_disclosed_flag', '='),
        ('CN_CBA_RECORD', 'phone', 'any', 'recorded_flag', '=')
    )
    and (rule_id <> 'CN_GB_QUIET' or window_start > window_end);

create table evidence.rules_recomputed as
select rule_id from conduct group by rule_id having count(*) = 1;

create table evidence.breaches_recomputed as
with effective as (
    select
        *,
        list(attempt_id order by attempted_at, attempt_id)
            over (partition by customer_id, begun_at::date, party) as calls_of_day
    from attempt
    where
        channel = 'phone' and outcome in ('reached', 'promised', 'refused') and lender_began and party in ('debtor', 'guarantor')
),

found as (
    select attempt_id, rule_id, begun_at, strftime(begun_at, '%H:%M') as figure
    from attempt
    inner join conduct on rule_id = 'CN_GB_QUIET'
    where
        lender_began and channel in (select channel from work.policy.collection_channel where quiet_hours_apply)
        and (begun_at::time >= window_start::time or begun_at::time < window_end::time)
    union all
    select attempt_id, rule_id, begun_at, list_position(calls_of_day, attempt_id)::varchar
    from effective
    inner join conduct on rule_id = 'CN_GB_CALL3'
    where list_position(calls_of_day, attempt_id) > limit_value::integer
    union all
    select attempt_id, rule_id, begun_at, '1'
    from attempt
    inner join conduct on rule_id = 'CN_GB_NODISCLOSE'
    where lender_began and party in ('contact', 'employer', 'third_party') and debt_disclosed
    union all
    select attempt_id, rule_id, begun_at, '0'
    from attempt
    inner join conduct on rule_id = 'CN_CBA_RECORD'
    where lender_began and channel = 'phone' and not recorded
)

select attempt_id, rule_id, figure
from found
inner join conduct using (rule_id)
semi join evidence.rules_recomputed as recomputed using (rule_id)
inner join (select attempt_id, segment from attempt) as made using (attempt_id)
where
    conduct.binds in ('any', made.segment)
    and begun_at::date >= coalesce(valid_from, date '0001-01-01') and begun_at::date <= coalesce(valid_to, date '9999-12-31');

-- Promises that name a loan and a day.
create table evidence.promises as
with money as (
    select
        payment.loan_id, payment.paid_on,
        payment.amount - coalesce(sum(reversal.amount) filter (reversal.paid_on <= (select as_of from clock)), 0) as amount
    from repayment as payment
    left join repayment as reversal on reversal.reverses_id = payment.repayment_id and reversal.kind = 'reversal'
    where payment.kind = 'payment'
    group by payment.repayment_id, payment.loan_id, payment.paid_on, payment.amount
)

select
    attempt.attempt_id,
    coalesce(sum(money.amount), 0)::decimal(18, 2) as paid_amount
from attempt
left join money
    on money.loan_id = attempt.loan_id
    and money.paid_on between attempt.begun_at::date and least(attempt.promised_on, (select as_of from clock))
where attempt.promised_on is not null and attempt.loan_id is not null
group by attempt.attempt_id;

-- Contacts with debtors, by the loan that they name or all of the customer's.
create table evidence.debtor_contacts as
select
    loan.loan_id,
    attempt.customer_id,
    attempt.channel,
    attempt.begun_at::date as contacted_on,
    attempt.lender_began,
    not attempt.lender_began or attempt.outcome in ('reached', 'promised', 'refused') as spoke,
    contacted_on > (select as_of - contact_history_days from work.raw.run) as is_recent
from attempt
inner join loan on loan.customer_id = attempt.customer_id and loan.loan_id = coalesce(attempt.loan_id, loan.loan_id)
where attempt.party = 'debtor';

-- What each treatment may do, when the rules begin it, and which agencies are on record.
create table evidence.treatment as
select treatment, treatment_order, ' ' || steps || ' ' as steps, waits_for_promise from work.policy.collection_treatment;

-- by_days: days alone begin it, for everybody
create table evidence.treatment_rule as
select
    treatment_rule, treatment, days_from,
    segment = 'any' and coalesce(
        amount_from::varchar, amount_below::varchar, is_lost::varchar, is_reached::varchar, had_plan::varchar,
        broken_promises_from::varchar, after_step
    ) is null as by_days
from work.policy.collection_treatment_rule;

create table evidence.agency as select distinct agency_id from work.policy.collection_agency;
