-- What the controls ask beside the figures; `recorded_…` are filled from what the run itself has on record.

create table evidence.audit_control as from work.policy.audit_control;

create table evidence.control_check as from work.policy.control_check;

create table evidence.loads as
select
    files.*,
    history.rows_in_history
from recorded_files as files
left join recorded_history as history using (delivery, ledger);  -- a miss: nothing of the ledger is there

create table evidence.seed_versions as
select seeds.seed, seeds.sha256, seeds.is_shipped, approval.approved_by, approval.approved_on
from recorded_seeds as seeds
left join work.policy.policy_approval as approval using (seed, sha256);  -- a miss: nobody has approved it

create table evidence.deadline as
select clock.as_of, clock.as_of + settings.publish_within_days as due_on, ran.validated_on
from clock
cross join work.raw.run as settings
cross join recorded_run as ran
where (select count(*) from evidence.run) = 1;

create table evidence.sign_off as
select ran.run_id, ran.run_by, ran.moves_current
from recorded_run as ran
cross join work.raw.run as settings
where settings.four_eyes;

-- Every check that ran: dbt's tests now, the expectations of the gate once it has judged.
create table evidence.checks_run as
select kind, check_name, expected.checked, tests.outcome, tests.failing
from recorded_tests as tests
inner join evidence.control_check as expected using (kind, check_name);
