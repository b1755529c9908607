-- One link of the roll rates (three loans, one of them closed), one cohort, and a trend of two dates, on which nothing changed.
create table marts.aging_trend as
select
    as_of, policy_version, 'loan' as item_type, scheme, bucket, segment, currency,
    sum(loans)::bigint as items, sum(outstanding_principal)::decimal(18, 2) as outstanding_principal,
    sum(overdue_amount)::decimal(18, 2) as overdue_amount, sum(overdue_balance)::decimal(18, 2) as overdue_balance
from marts.aging_distribution
group by all
union all
select
    as_of, policy_version, 'advance', 'CN_M_STAGE', if(days_past_due > 0, 'M1', 'M0'), 'personal', currency,
    1, outstanding, if(days_past_due > 0, outstanding, 0), if(days_past_due > 0, outstanding, 0)
from marts.advance_aging
where not is_written_off;

insert into marts.aging_trend select * replace ('ALL' as segment) from marts.aging_trend;
insert into marts.aging_trend select * replace (date '2026-09-30' as as_of) from marts.aging_trend;

create table marts.roll_rates (
    from_as_of date, as_of date, policy_version varchar, segment varchar, currency varchar, from_bucket varchar, to_bucket varchar,
    rate_by_count decimal(9, 6), rate_by_balance decimal(9, 6), loans bigint, opening_balance decimal(18, 2)
);
insert into marts.roll_rates values
    ('2026-09-30', '2026-10-31', 'policy-1', 'personal', 'CNY', 'M1', 'M0', 0.333333, 0.333333, 1, 10.00),
    ('2026-09-30', '2026-10-31', 'policy-1', 'personal', 'CNY', 'M1', 'M2', 0.333333, 0.333333, 1, 10.00),
    ('2026-09-30', '2026-10-31', 'policy-1', 'personal', 'CNY', 'M1', 'closed', 0.333333, 0.333333, 1, 10.00);
insert into marts.roll_rates select * replace ('ALL' as segment) from marts.roll_rates;

create table marts.recovery_by_age (
    as_of date, policy_version varchar, from_as_of date, m_stage varchar, horizon_days integer, segment varchar, currency varchar, loans bigint,
    overdue_amount decimal(18, 2), recovered_amount decimal(18, 2), cured_loans bigint, reaged_loans bigint
);
insert into marts.recovery_by_age values
    ('2026-10-31', 'policy-1', '2026-09-30', 'M1', 30, 'personal', 'CNY', 3, 100.00, 60.00, 1, 1),
    ('2026-10-31', 'policy-1', '2026-09-30', 'M1', 60, 'personal', 'CNY', 3, 100.00, null, null, null);
insert into marts.recovery_by_age select * replace ('ALL' as segment) from marts.recovery_by_age;

create table marts.vintages as
with late as (
    select
        '2026-10-31'::date as as_of, 'policy-1' as policy_version, '2026-01-01'::date as cohort_month, 9 as months_on_book, 'personal' as segment,
        'CNY' as currency, 10::bigint as loans, 1000::decimal(18, 2) as principal, 4 as ever_1_loans, 3 as ever_30_loans, 2 as ever_60_loans,
        1 as ever_90_loans, 3 as current_1_loans, 2 as current_30_loans, 1 as current_60_loans, 0 as current_90_loans
)

select
    *, (ever_1_loans * 100)::decimal(18, 2) as ever_1_principal, (ever_1_loans / 10)::decimal(9, 6) as ever_1_rate_by_count, (ever_1_loans / 10)::decimal(9, 6) as ever_1_rate_by_principal,
    (ever_30_loans * 100)::decimal(18, 2) as ever_30_principal, (ever_30_loans / 10)::decimal(9, 6) as ever_30_rate_by_count, (ever_30_loans / 10)::decimal(9, 6) as ever_30_rate_by_principal,
    (ever_60_loans * 100)::decimal(18, 2) as ever_60_principal, (ever_60_loans / 10)::decimal(9, 6) as ever_60_rate_by_count, (ever_60_loans / 10)::decimal(9, 6) as ever_60_rate_by_principal,
    (ever_90_loans * 100)::decimal(18, 2) as ever_90_principal, (ever_90_loans / 10)::decimal(9, 6) as ever_90_rate_by_count, (ever_90_loans / 10)::decimal(9, 6) as ever_90_rate_by_principal,
    (current_1_loans * 100)::decimal(18, 2) as current_1_principal, (current_1_loans / 10)::decimal(9, 6) as current_1_rate_by_count, (current_1_loans / 10)::decimal(9, 6) as current_1_rate_by_principal,
    (current_30_loans * 100)::decimal(18, 2) as current_30_principal, (current_30_loans / 10)::decimal(9, 6) as current_30_rate_by_count, (current_30_loans / 10)::decimal(9, 6) as current_30_rate_by_principal,
    (current_60_loans * 100)::decimal(18, 2) as current_60_principal, (current_60_loans / 10)::decimal(9, 6) as current_60_rate_by_count, (current_60_loans / 10)::decimal(9, 6) as current_60_rate_by_principal,
    (current_90_loans * 100)::decimal(18, 2) as current_90_principal, (current_90_loans / 10)::decimal(9, 6) as current_90_rate_by_count, (current_90_loans / 10)::decimal(9, 6) as current_90_rate_by_principal
from late;

insert into marts.vintages select * replace ('ALL' as segment) from marts.vintages;

-- The headline of the book at both dates.
create table marts.headline as
with items as (
    select
        'loan' as item_type, loan_id as item_id, customer_id, segment, currency, outstanding_principal as balance, overdue_amount,
        overdue_balance, days_past_due
    from marts.loan_aging
    where not is_written_off
    union all
    select
        'advance', advance_id, customer_id, 'personal', currency, outstanding, if(days_past_due > 0, outstanding, 0),
        if(days_past_due > 0, outstanding, 0), days_past_due
    from marts.advance_aging
    where not is_written_off
),

figures as (
    select
        unnest([date '2026-09-30', date '2026-10-31']) as as_of, 'policy-1' as policy_version, *
    from (
        select
            unnest(['ALL', 'personal']) as segment, currency, count(distinct customer_id) as customers, count(*) as items,
            sum(balance)::decimal(18, 2) as balance, sum(overdue_amount)::decimal(18, 2) as overdue_amount,
            sum(overdue_balance)::decimal(18, 2) as overdue_balance,
            sum(if(days_past_due > 30, balance, 0))::decimal(18, 2) as balance_beyond_30,
            sum(if(days_past_due > 60, balance, 0))::decimal(18, 2) as balance_beyond_60,
            sum(if(days_past_due > 90, balance, 0))::decimal(18, 2) as balance_beyond_90,
            sum(if(risk_class >= 3, balance, 0))::decimal(18, 2) as npl_balance,
            coalesce(sum(provision_amount), 0)::decimal(18, 2) as provision, 0::decimal(18, 2) as written_off_in_month
        from items
        left join (select item_type, item_id, risk_class, provision_amount from marts.risk_classification)
            using (item_type, item_id)
        group by currency
    )
),

rated as (
    select
        *,
        round(least(999, overdue_balance::double / nullif(balance, 0)), 6)::decimal(9, 6) as overdue_rate,
        round(least(999, balance_beyond_30::double / nullif(balance, 0)), 6)::decimal(9, 6) as beyond_30_rate,
        round(least(999, balance_beyond_60::double / nullif(balance, 0)), 6)::decimal(9, 6) as beyond_60_rate,
        round(least(999, balance_beyond_90::double / nullif(balance, 0)), 6)::decimal(9, 6) as beyond_90_rate,
        round(least(999, npl_balance::double / nullif(balance, 0)), 6)::decimal(9, 6) as npl_rate,
        round(least(999, provision::double / nullif(npl_balance, 0)), 6)::decimal(9, 6) as provision_coverage,
        round(least(999, balance_beyond_90::double / nullif(npl_balance, 0)), 6)::decimal(9, 6) as deviation_90
    from figures
)

select
    rated.*, before.as_of as previous_as_of,
    before.customers as previous_customers, before.items as previous_items, before.balance as previous_balance,
    before.overdue_amount as previous_overdue_amount, before.overdue_balance as previous_overdue_balance,
    before.balance_beyond_30 as previous_balance_beyond_30, before.balance_beyond_60 as previous_balance_beyond_60,
    before.balance_beyond_90 as previous_balance_beyond_90, before.npl_balance as previous_npl_balance, before.provision as
    previous_provision, before.written_off_in_month as previous_written_off_in_month, before.overdue_rate as
    previous_overdue_rate, before.beyond_30_rate as previous_beyond_30_rate, before.beyond_60_rate as
    previous_beyond_60_rate, before.beyond_90_rate as previous_beyond_90_rate, before.npl_rate as previous_npl_rate,
    before.provision_coverage as previous_provision_coverage, before.deviation_90 as previous_deviation_90
from rated
left join rated as before
    on before.as_of < rated.as_of and before.segment = rated.segment and before.currency = rated.currency;

create or replace table marts.aging_trend as
select
    trend.*, headline.balance as all_balance, headline.overdue_balance as all_overdue_balance,
    headline.balance_beyond_90 as all_balance_beyond_90, headline.npl_balance as all_npl_balance, headline.provision as all_provision,
    headline.overdue_rate, headline.npl_rate, headline.provision_coverage, headline.deviation_90
from marts.aging_trend as trend
inner join marts.headline as headline using (as_of, segment, currency);

create table evidence.items_at as select as_of, currency, items from marts.headline where segment = 'ALL';

create table marts.publication as
select as_of, known_at, policy_version, 0::bigint as open_quarantine_rows from evidence.run;

-- From one date to the next: in the end nothing has changed.
create table marts.roll_forward as
select
    previous_as_of as from_as_of, as_of, policy_version, measure, segment, currency, if(measure = 'book', balance, overdue_balance) as opening,
    if(measure = 'book', 10, 0)::decimal(18, 2) as disbursed, if(measure = 'book', 0, 5)::decimal(18, 2) as became_overdue,
    if(measure = 'book', -20, 0)::decimal(18, 2) as repaid, if(measure = 'book', 0, -5)::decimal(18, 2) as cured,
    0::decimal(18, 2) as written_off, 0::decimal(18, 2) as sold, 0::decimal(18, 2) as reclassified,
    if(measure = 'book', 10, 0)::decimal(18, 2) as restated, 0::decimal(18, 2) as revalued, opening as closing
from (select *, unnest(['book', 'overdue']) as measure from marts.headline)
where previous_as_of is not null;

create table evidence.moved as
select as_of, currency, 10::decimal(18, 2) as lent, 20::decimal(18, 2) as paid from marts.roll_forward
where measure = 'book' and segment = 'ALL';

-- Nothing migrated between the two dates.
create table marts.class_migration as
select
    previous_as_of as from_as_of, as_of, policy_version, 'step' as span, segment, currency, 1 as from_class, 'pass' as to_code, 1 as to_order,
    items, balance as opening_balance, balance as kept_balance, 1::decimal(9, 6) as rate_by_count, 1::decimal(9, 6) as rate_by_balance
from marts.headline
where previous_as_of is not null;

create table evidence.migration_rate as
select * from (values ('MIG_NORMAL', 1, 2, 3), ('MIG_PASS', 1, 1, 2)) as rates (rate_id, from_class_min, from_class_max, to_class_min);

create table marts.class_migration_rates as
select
    from_as_of, as_of, policy_version, span, segment, currency, unnest(['MIG_NORMAL', 'MIG_PASS']) as rate_id, 0::bigint as migrated_items,
    items as kept_items, 0::decimal(9, 6) as rate_by_count, 0::decimal(18, 2) as migrated_balance, kept_balance,
    0::decimal(9, 6) as rate_by_balance
from marts.class_migration;

-- The pictures of these marts.
create table marts.bi_headline as select * from marts.headline where as_of = '2026-10-31' and segment = 'ALL';
create table marts.bi_headline_over_time as select * from marts.headline where segment = 'ALL';
create table marts.bi_segments as select * from marts.headline where as_of = '2026-10-31' and segment <> 'ALL';
create table marts.bi_aging_over_time as
select as_of, currency, bucket, sum(items) as items, sum(outstanding_principal) as outstanding_principal
from marts.aging_trend
where item_type = 'loan' and scheme = 'CN_M_STAGE' and segment <> 'ALL'
group by all;
create table marts.bi_aging as select * from marts.bi_aging_over_time where as_of = '2026-10-31';
create table marts.bi_roll_matrix as select currency, from_bucket, to_bucket from marts.roll_rates where segment <> 'ALL';
create table marts.bi_roll_forward as select * from marts.roll_forward where measure = 'book' and segment = 'ALL';
create table marts.bi_overdue_roll_forward as select * from marts.roll_forward where measure = 'overdue' and segment = 'ALL';
create table marts.bi_vintages as select cohort_month, months_on_book, currency from marts.vintages where segment = 'ALL';
create table marts.bi_classes as
select currency, risk_class, count(*) as items, sum(balance) as balance from marts.risk_classification group by all;
create table marts.bi_recovery as
select currency, m_stage, horizon_days from marts.recovery_by_age where segment = 'ALL' and recovered_amount is not null;
create table marts.bi_customer_types as select customer_type, currency from marts.customer_type_summary where type_basis = 'primary';
create table marts.bi_disclosure as
select distinct period, security, currency from marts.overdue_disclosure where period <> 'total' and security <> 'total' and item_type <> 'total';
create table marts.bi_advances as select bucket, currency from marts.advance_distribution;
create table marts.bi_watchlist as select distinct severity, 'personal' as segment from marts.watchlist;

-- Nobody was cured in October.
create table marts.cure_curves as
select
    date '2026-10-31' as as_of, 'policy-1' as policy_version, from_bucket as m_stage, unnest(['ALL', 'personal']) as segment, 1 as months_since,
    sum(loans)::bigint as loans, 0::bigint as cured_in_month, 0::bigint as cured_loans, 0::decimal(9, 6) as cure_rate,
    0::bigint as reaged_loans, 0::decimal(9, 6) as reage_rate, 0::bigint as other_loans
from marts.roll_rates
where segment <> 'ALL'
group by from_bucket;

-- 7000.00 were written off in September, of which 70.00 came in October.
create table evidence.recovered as select 'CNY' as currency, 1::bigint as items, 70.00::decimal(18, 2) as recovered;

create table marts.recovery_after_write_off as
select
    date '2026-10-31' as as_of, 'policy-1' as policy_version, cohort_year, segment, 'CNY' as currency, months_since, 1::bigint as items,
    7000.00::decimal(18, 2) as written_off_amount, (70 * months_since)::decimal(18, 2) as recovered_in_month,
    (70 * months_since)::decimal(18, 2) as recovered_amount, (0.01 * months_since)::decimal(9, 6) as recovery_rate
from (values ('ALL'), ('2026')) as cohorts (cohort_year)
cross join (values ('ALL'), ('personal')) as segments (segment)
cross join (values (0), (1)) as months (months_since);
