create table evidence.run as
select
    date '2026-10-31' as as_of, '2026-10-31' as known_at, 'policy-1' as policy_version,
    date '2026-12-31' as calendar_confirmed_until;

create table evidence.previous (mart varchar, "rows" bigint);
