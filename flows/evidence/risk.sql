-- What is to be classified, and the least class of each by days and impairment, from the ledgers and the seeds. Which products
-- and customers a loan is of is left open here: the least class is what the mildest of the rule sets asks for.

create temp table risk_floor as
select
    treatment.asset_class,
    treatment.segment,
    treatment.asset_class = 'advance' as is_advance,
    rules.floor_class,
    rules.trigger,
    rules.threshold + (case when rules.operator = '>' then 1 else 0 end) as at_least
from work.policy.risk_treatment as treatment
inner join work.policy.risk_rule_set as chosen using (regime, asset_class, segment)
left join work.policy.risk_class_rule as rules
    on
        rules.rule_set = chosen.rule_set
        and rules.evaluated <> 'no'
        and rules.security is null
        and rules.day_count = 'as_agreed'
        and rules.floor_class >= 3
        and rules.trigger in ('credit_impaired_flag', 'days_past_due')
        and (select as_of from clock) between coalesce(rules.valid_from, date '0001-01-01') and coalesce(rules.valid_to, date '9999-12-31')
where treatment.regime = (select risk_regime from work.raw.run);

create temp table least_class as
select is_advance, days_past_due, is_impaired, min(floor_class) as least_class
from (
    select
        risk_floor.is_advance, shown.days_past_due, shown.is_impaired, risk_floor.asset_class, risk_floor.segment,
        max(case
            when risk_floor.trigger = 'days_past_due' and risk_floor.at_least <= shown.days_past_due then risk_floor.floor_class
            when risk_floor.trigger = 'credit_impaired_flag' and shown.is_impaired then risk_floor.floor_class
            else 1
        end) as floor_class
    from risk_floor
    cross join (
        select days_past_due, is_impaired
        from (select days_past_due from evidence.recomputed union select days_past_due from evidence.advances_out)
        cross join (values (false), (true)) as flags (is_impaired)
    ) as shown
    group by all
)
group by all;

-- the newest version delivered by the date plus the lag; before the first a flag is unknown, and so not set
create temp table impairment as
select loan_id, arg_max(credit_impaired, place) as is_impaired
from (
    select
        loan_id, credit_impaired, _delivery_no as place,
        substring(_delivery, 1, 10)::date - (select attribute_lag_days from work.raw.run) <= (select as_of from clock) as is_there
    from work.raw.loans
)
where is_there
group by loan_id;

-- overrides in force on the date, of the newest version known of each; of several the one that began last
create table evidence.adjustments as
select loan_id, adjustment_id, risk_class, reason is not null as has_reason, prepared_by, approved_by, valid_from, valid_until
from (
    select * from work.raw.adjustments
    qualify row_number() over (partition by adjustment_id order by _delivery_no desc) = 1
)
cross join clock
where valid_from <= clock.as_of and clock.as_of <= valid_until
qualify row_number() over (partition by loan_id order by valid_from desc, adjustment_id desc) = 1;

create table evidence.to_classify as
select
    'loan' as item_type,
    book.loan_id as item_id,
    book.currency,
    book.outstanding_principal as balance,
    coalesce(least_class.least_class, 1) as least_class
from evidence.book as book
left join evidence.recomputed as recomputed using (loan_id)
left join impairment using (loan_id)
left join least_class
    on
        not least_class.is_advance
        and least_class.days_past_due = coalesce(recomputed.days_past_due, 0)
        and least_class.is_impaired = coalesce(impairment.is_impaired, false)
where book.as_of = (select as_of from clock)
union all
select
    'advance',
    advances_out.advance_id,
    advances_out.currency,
    advances_out.outstanding,
    coalesce(least_class.least_class, 1)
from evidence.advances_out
left join least_class
    on
        least_class.is_advance
        and least_class.days_past_due = advances_out.days_past_due
        and not least_class.is_impaired
where not advances_out.is_written_off;

-- What the rates of migration of this policy are.
create table evidence.migration_rate as
select rate_id, from_class_min, from_class_max, to_class_min from work.policy.migration_rate;

-- What was waived of loans that are open, less what of it was taken back.
create table evidence.waived as
select loan.currency, sum(if(money.kind = 'waiver', money.amount, -money.amount))::decimal(18, 2) as waived
from repayment as money
inner join loan using (loan_id)
left join repayment as undone on undone.repayment_id = money.reverses_id
cross join clock
where
    money.paid_on <= clock.as_of
    and loan.disbursed_on <= clock.as_of
    and coalesce(loan.closed_on > clock.as_of, true)
    and (money.kind = 'waiver' or (money.kind = 'reversal' and undone.kind = 'waiver'))
group by loan.currency;

-- From and up to which days past due a measure is an answer.
create table evidence.measure_days as
select
    measure_id,
    coalesce(overdue_days_from, 0)::integer as days_from,
    coalesce(overdue_days_to, 2147483647)::integer as days_to
from work.policy.measure;

-- What was paid on each loan and advance in the last six months, reversals taken off.
create table evidence.paid_lately as
select 'loan' as item_type, money.loan_id as item_id, sum(if(money.kind = 'payment', money.amount, -money.amount))::decimal(18, 2) as paid
from repayment as money
left join repayment as undone on undone.repayment_id = money.reverses_id
cross join clock
where
    (money.kind = 'payment' or (money.kind = 'reversal' and undone.kind = 'payment'))
    and money.paid_on <= clock.as_of and money.paid_on > clock.as_of - interval 6 months
group by money.loan_id
union all
select 'advance', money.advance_id, sum(if(money.kind = 'payment', money.amount, -money.amount))::decimal(18, 2)
from (select * replace (coalesce(kind, 'payment') as kind) from advance_repayment) as money
left join advance_repayment as undone on undone.advance_repayment_id = money.reverses_id
cross join clock
where
    (money.kind = 'payment' or (money.kind = 'reversal' and coalesce(undone.kind, 'payment') = 'payment'))
    and money.paid_on <= clock.as_of and money.paid_on > clock.as_of - interval 6 months
group by money.advance_id;
