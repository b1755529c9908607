-- One link of the roll rates (three loans, one of them closed), one cohort, and a trend of one date.
create table marts.aging_trend as
select
    as_of, policy_version, 'loan' as item_type, scheme, bucket, segment, currency,
    sum(outstanding_principal)::decimal(18, 2) as outstanding_principal, 0.5::decimal(9, 6) as overdue_rate,
    0.25::decimal(9, 6) as npl_rate
from marts.aging_distribution
group by all
union all
select
    as_of, policy_version, 'advance', 'CN_M_STAGE', if(days_past_due > 0, 'M1', 'M0'), 'personal', currency,
    outstanding, 0.5, 0.25
from marts.advance_aging
where not is_written_off;

create table marts.roll_rates (
    from_as_of date, as_of date, policy_version varchar, segment varchar, currency varchar, from_bucket varchar, to_bucket varchar,
    rate_by_count decimal(9, 6), rate_by_balance decimal(9, 6)
);
insert into marts.roll_rates values
    ('2026-09-30', '2026-10-31', 'policy-1', 'personal', 'CNY', 'M1', 'M0', 0.333333, 0.333333),
    ('2026-09-30', '2026-10-31', 'policy-1', 'personal', 'CNY', 'M1', 'M2', 0.333333, 0.333333),
    ('2026-09-30', '2026-10-31', 'policy-1', 'personal', 'CNY', 'M1', 'closed', 0.333333, 0.333333);

create table marts.recovery_by_age (
    as_of date, policy_version varchar, from_as_of date, m_stage varchar, horizon_days integer, currency varchar, loans bigint,
    overdue_amount decimal(18, 2), recovered_amount decimal(18, 2), cured_loans bigint
);
insert into marts.recovery_by_age values
    ('2026-10-31', 'policy-1', '2026-09-30', 'M1', 30, 'CNY', 3, 100.00, 60.00, 1),
    ('2026-10-31', 'policy-1', '2026-09-30', 'M1', 60, 'CNY', 3, 100.00, null, null);

create table marts.vintages (
    as_of date, policy_version varchar, cohort_month date, segment varchar, currency varchar,
    ever_1_rate_by_count decimal(9, 6), ever_30_rate_by_count decimal(9, 6), ever_60_rate_by_count decimal(9, 6),
    ever_90_rate_by_count decimal(9, 6), current_1_rate_by_count decimal(9, 6), current_30_rate_by_count decimal(9, 6),
    current_60_rate_by_count decimal(9, 6), current_90_rate_by_count decimal(9, 6)
);
insert into marts.vintages values
    ('2026-10-31', 'policy-1', '2026-01-01', 'personal', 'CNY', 0.4, 0.3, 0.2, 0.1, 0.3, 0.2, 0.1, 0.0);
