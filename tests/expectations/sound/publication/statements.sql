-- The book in each regime's rows; every mart is the book of aging.sql and portfolio.sql cut another way.
create table marts.past_due_finrep as
select
    as_of, policy_version, if(days_past_due > 0, 'LATE', 'CURRENT') as row_code, currency, count(*) as items,
    sum(outstanding_principal)::decimal(18, 2) as balance
from marts.loan_aging
where not is_written_off
group by all;

create table marts.past_due_ffiec as from marts.past_due_finrep;
create table marts.past_due_rbi as from marts.past_due_finrep;
create table marts.past_due_1104 as
from marts.past_due_finrep
union all
select as_of, policy_version, 'ADVANCES', currency, count(*), sum(outstanding)::decimal(18, 2)
from marts.advance_aging
where not is_written_off
group by all;

create table marts.overdue_disclosure as
with items as (
    select as_of, policy_version, 'loan' as item_type, security, currency, overdue_balance as balance, days_past_due
    from marts.loan_aging
    where not is_written_off
    union all
    select as_of, policy_version, 'advance', 'unsecured', currency, outstanding, days_past_due
    from marts.advance_aging
    where not is_written_off
)

select
    as_of, policy_version, currency, coalesce(item_type, 'total') as item_type, coalesce(period, 'total') as period,
    coalesce(security, 'total') as security, count(*) as items, sum(balance)::decimal(18, 2) as overdue_balance
from (select *, if(days_past_due > 90, 'AR_2', 'AR_1') as period from items where days_past_due > 0)
group by as_of, policy_version, currency, cube (item_type, period, security);
