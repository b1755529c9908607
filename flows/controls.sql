-- evidence.controls: one row a control. Runs in evidence.duckdb, once the gate has judged.
-- A control was skipped where a check that stands for it did not run, has failed where one did, and does not apply where there is
-- nothing to look at.

create table controls as
with checks as (
    select
        expected.control_id, expected.check_name, expected.looks_at, size.rows_looked_at,
        ran.outcome is not null as has_run,
        coalesce(ran.outcome = 'failed', false) as has_failed,
        coalesce(ran.failing, 0) as failing
    from control_check as expected
    left join checks_run as ran using (kind, checked, check_name)  -- a miss: it did not run
    left join rows_of as size using (looks_at)  -- a miss: there is no such table
),

tables as (
    select control_id, sum(rows_looked_at)::bigint as rows_looked_at
    from (select distinct control_id, looks_at, rows_looked_at from checks)
    group by control_id
),

added_up as (
    select
        control_id,
        count(*) as checks_expected,
        count(*) filter (has_run) as checks_run,
        sum(failing)::bigint as rows_failing,
        bool_or(has_failed) as has_failed,
        string_agg(check_name, '; ' order by check_name) filter (not has_run) as not_run
    from checks
    group by control_id
)

select
    control.control_id, control.assertion, control.auditor_question_zh, control.auditor_question,
    coalesce(sums.checks_expected, 0) as checks_expected,
    coalesce(sums.checks_run, 0) as checks_run,
    sums.not_run,
    coalesce(tables.rows_looked_at, 0) as rows_looked_at,
    coalesce(sums.rows_failing, 0) as rows_failing,
    case
        when sums.checks_run = sums.checks_expected then
            case
                when sums.has_failed then 'failed'
                when coalesce(tables.rows_looked_at, 0) = 0 then 'not_applicable'
                else 'held'
            end
        else 'not_run'  -- nor was a control with which no check stands
    end as result,
    control.where_zh, control.where_en, control.standard, control.tolerance
from audit_control as control
left join added_up as sums using (control_id)
left join tables using (control_id)
order by control.control_id;
