-- A-1 is overdue while its customer's loan L-1 is current, A-2 is out and not overdue and its customer has no loan; A-W is
-- written off. Each other loan's customer has that loan only.
create table marts.advance_aging as
with figures (advance_id, customer_id, currency, outstanding, duration_days, business_duration_days, days_past_due, is_written_off) as (
    values
        ('A-1', 'CL-1', 'CNY', 100.00, 10, 7, 10, false),
        ('A-2', 'C-A2', 'USD', 50.00, 40, 28, 0, false),
        ('A-W', 'C-A2', 'USD', 900.00, 700, 480, 700, true)
)

select date '2026-10-31' as as_of, 'policy-1' as policy_version, * replace (outstanding::decimal(18, 2) as outstanding)
from figures;

create table evidence.shown (currency varchar, shown_in varchar, rate decimal(20, 10));
insert into evidence.shown values ('CNY', 'CNY', 1), ('USD', 'USD', 1), ('CNY', 'ALL', 1), ('USD', 'ALL', 7.1234);

create table evidence.advances_out as
select advance_id, currency, outstanding, duration_days, days_past_due, is_written_off from marts.advance_aging;

create table marts.advance_distribution as
select
    as_of, policy_version, currency, if(duration_days <= 30, 'A1', 'A2') as bucket,
    count(*) as advances, sum(outstanding)::decimal(18, 2) as outstanding
from marts.advance_aging
where not is_written_off
group by all;

create table evidence.cash_90d as select 'CL-2' as customer_id, 'CNY' as currency, 60.00::decimal(18, 2) as cash;
create table evidence.collateral_value as
select 'CL-1' as customer_id, 'CNY' as currency, 1500.00::decimal(18, 2) as collateral_value;

create table marts.customer_exposure as
with items as (
    select
        as_of, policy_version, customer_id, currency, 1 as loans, 0 as advances, m_stage as loan_bucket, null as advance_bucket,
        outstanding_principal as loan_balance, 0 as advance_balance, overdue_amount, overdue_balance, days_past_due
    from marts.loan_aging
    where not is_written_off
    union all
    select
        as_of, policy_version, customer_id, currency, 0, 1, null, if(duration_days <= 30, 'A1', 'A2'),
        0, outstanding, if(days_past_due > 0, outstanding, 0), if(days_past_due > 0, outstanding, 0), days_past_due
    from marts.advance_aging
    where not is_written_off
)

select
    as_of, policy_version, customer_id, currency,
    sum(loans) as loans, sum(advances) as advances,
    coalesce(max(loan_bucket), 'none') as loan_bucket, coalesce(max(advance_bucket), 'none') as advance_bucket,
    sum(loan_balance)::decimal(18, 2) as loan_balance, sum(advance_balance)::decimal(18, 2) as advance_balance,
    sum(overdue_amount)::decimal(18, 2) as overdue_amount, sum(overdue_balance)::decimal(18, 2) as overdue_balance,
    max(days_past_due) as days_past_due,
    round(least(sum(overdue_amount), sum(loan_balance + advance_balance)) / nullif(sum(loan_balance + advance_balance), 0), 6)::decimal(9, 6) as arrears_share,
    -- 60 / (60 + 220), and nothing repaid elsewhere
    if(customer_id = 'CL-2', 0.214286, if(sum(overdue_amount) > 0, 0, null))::decimal(9, 6) as repaid_share_90d,
    if(customer_id = 'CL-1', 1500, null)::decimal(18, 2) as collateral_value
from items
group by as_of, policy_version, customer_id, currency;

create table marts.advance_loan_cross as
select
    as_of, policy_version, loan_bucket, advance_bucket, currency, count(*) as customers,
    sum(loan_balance)::decimal(18, 2) as loan_balance, sum(advance_balance)::decimal(18, 2) as advance_balance
from marts.customer_exposure
group by all;

create table evidence.loans_made as select 'CL-2' as customer_id, date '2025-01-01' as disbursed_on, 2::bigint as loans;

create table marts.overdue_customers as
select
    as_of, policy_version, customer_id, currency, days_past_due, overdue_amount, overdue_balance,
    (loan_balance + advance_balance)::decimal(18, 2) as exposure,
    date '2026-01-01' as judged_started_on,
    if(days_past_due > 90, 'legal_action', 'extend_tenor') as recommended_measures, 'no_plan_offered' as likely_causes,
    if(customer_id = 'CL-2', 2, 0)::bigint as earlier_loans
from marts.customer_exposure
where days_past_due > 0;

create table marts.customer_type_summary as
select
    as_of, policy_version, type_basis, if(customer_id = 'CL-2', 'repeat', 'new') as customer_type, shown_in as currency,
    round(sum(if(days_past_due > 0, overdue_amount, 0) * rate), 2)::decimal(18, 2) as overdue_amount,
    round(sum(if(days_past_due > 0, overdue_balance, 0) * rate), 2)::decimal(18, 2) as overdue_balance,
    round(sum((loan_balance + advance_balance) * rate), 2)::decimal(18, 2) as type_balance
from marts.customer_exposure
inner join evidence.shown using (currency)
cross join (values ('primary'), ('any')) as bases (type_basis)
group by all;

-- Each dimension divides the book; nobody stated an industry, and so on.
create table marts.concentration as
with items as (
    select customer_id, currency, outstanding_principal as balance, overdue_amount, overdue_balance from marts.loan_aging where not is_written_off
    union all
    select customer_id, currency, outstanding, if(days_past_due > 0, outstanding, 0), if(days_past_due > 0, outstanding, 0)
    from marts.advance_aging
    where not is_written_off
),

shown as (
    select
        customer_id, shown_in as currency, balance * rate as balance, overdue_amount * rate as overdue_amount,
        overdue_balance * rate as overdue_balance
    from items
    inner join evidence.shown using (currency)
),

ranked as (
    select customer_id, currency, row_number() over (partition by currency order by sum(balance) desc, customer_id)::varchar as place
    from shown
    group by customer_id, currency
),

divided as (
    select 'top_ten' as dimension, place as member, customer_id, * exclude (customer_id, place)
    from shown
    inner join ranked using (customer_id, currency)
    union all
    select unnest(['industry', 'region', 'branch', 'product']), 'not_stated', null, * exclude (customer_id) from shown
),

added as (
    select
        date '2026-10-31' as as_of, 'policy-1' as policy_version, dimension, member, customer_id, unnest(['ALL', 'personal']) as segment, *
        exclude (dimension, member, customer_id)
    from (
        select
            dimension, member, customer_id, currency, count(*) as items, round(sum(balance), 2)::decimal(18, 2) as balance,
            round(sum(overdue_amount), 2)::decimal(18, 2) as overdue_amount, round(sum(overdue_balance), 2)::decimal(18, 2) as overdue_balance
        from divided
        group by all
    )
)

select
    *,
    sum(balance) over cell as all_balance, round(balance::double / nullif(sum(balance) over cell, 0), 6)::decimal(9, 6) as share_of_balance,
    sum(overdue_amount) over cell as all_overdue_amount,
    round(overdue_amount::double / nullif(sum(overdue_amount) over cell, 0), 6)::decimal(9, 6) as share_of_overdue_amount,
    round(overdue_balance::double / nullif(balance, 0), 6)::decimal(9, 6) as overdue_rate
from added
window cell as (partition by dimension, segment, currency);

-- L-1 is unsecured by the ledger and has collateral all the same; L-4 is mortgaged, and nothing was valued.
create table evidence.collateral_of_loan as
select 'L-1' as loan_id, 1500.00::decimal(18, 2) as collateral_value, 1050.00::decimal(18, 2) as value_after_haircut, date '2026-01-01' as oldest_valued_on;

create table marts.collateral_shortfall as
select
    loan.as_of, loan.policy_version, loan_id, loan.outstanding_principal as balance, coalesce(collateral_value, 0)::decimal(18, 2) as collateral_value,
    coalesce(value_after_haircut, 0)::decimal(18, 2) as value_after_haircut, oldest_valued_on,
    date_diff('day', oldest_valued_on, loan.as_of)::integer as oldest_age_days,
    greatest(0, outstanding_principal - coalesce(value_after_haircut, 0))::decimal(18, 2) as shortfall,
    round(outstanding_principal::double / value_after_haircut, 6)::decimal(9, 6) as loan_to_value, 0.9::decimal(9, 6) as target_loan_to_value,
    if(loan_id = 'L-1', 61.12, 4444.45)::decimal(18, 2) as collateral_to_ask
from marts.loan_aging as loan
left join evidence.collateral_of_loan using (loan_id)
where loan_id in ('L-1', 'L-4');
