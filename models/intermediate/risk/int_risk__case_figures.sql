-- grain: customer, metric and ledger row, or state of a loan, that it is read from
-- as of: the end of the as-of date
-- decision: 0047 causes are read from ledger rows, each named

with loans as (
    select * from {{ ref('int_aging__figures') }}
    where as_of = {{ as_of() }} and not is_written_off and days_past_due > 0
),

underwriting as (
    select
        loans.customer_id,
        underwriting.*
    from {{ ref('stg_underwriting') }} as underwriting
    inner join loans on loans.loan_id = underwriting.loan_id
    where coalesce(underwriting.decided_on, {{ as_of() }}) <= {{ as_of() }}
),

contacts as (
    select * from {{ ref('int_risk__case_contacts') }}
)

select customer_id, metric, figure, source_row
from {{ ref('int_risk__finances') }}
union all
select
    customer_id,
    'income_unverified' as metric,
    cast(1 as decimal(24, 6)) as figure,
    'underwriting ' || loan_id as source_row
from underwriting
where income_verified = false
union all
select
    customer_id,
    'no_site_visit' as metric,
    cast(1 as decimal(24, 6)) as figure,
    'underwriting ' || loan_id as source_row
from underwriting
where site_visit = false
union all
select
    customer_id,
    'debt_to_income' as metric,
    cast({{ clamp('debt_to_income', '-999999', '999999') }} as decimal(24, 6)) as figure,
    'underwriting ' || loan_id as source_row
from underwriting
where debt_to_income is not null
union all
select
    customer_id,
    'policy_exceptions' as metric,
    cast(policy_exceptions as decimal(24, 6)) as figure,
    'underwriting ' || loan_id as source_row
from underwriting
where policy_exceptions is not null
union all
select
    customer_id,
    'attempts_on_one_channel' as metric,
    cast(attempts as decimal(24, 6)) as figure,
    'contact_attempts ' || channel as source_row
from contacts
where channels = 1
union all
select
    customer_id,
    'breaches' as metric,
    cast(attempts_in_breach as decimal(24, 6)) as figure,
    'contact_attempts ' || first_breach_attempt_id as source_row
from contacts
where attempts_in_breach > 0
union all
select
    customer_id,
    'days_without_attempt' as metric,
    cast(days_past_due as decimal(24, 6)) as figure,
    'contact_attempts since ' || cast(late_from as varchar) as source_row
from contacts
where attempts = 0
union all
select
    customer_id,
    'attempts_in_vain' as metric,
    cast(attempts as decimal(24, 6)) as figure,
    'contact_attempts ' || last_attempt_id as source_row
from contacts
where attempts > 0 and reached = 0
union all
select
    customer_id,
    'broken_promises' as metric,
    cast(promises_broken as decimal(24, 6)) as figure,
    'contact_attempts ' || first_broken_attempt_id as source_row
from contacts
where promises_broken > 0
union all
select
    customer_id,
    'days_unpaid' as metric,
    cast(days_past_due as decimal(24, 6)) as figure,
    case item_type when 'loan' then 'repayments ' else 'advance_repayments ' end || item_id as source_row
from {{ ref('int_risk__case_debts') }}
where paid_six_months <= 0
union all
select
    customer_id,
    'collateral_shortfall' as metric,
    cast(shortfall as decimal(24, 6)) as figure,
    'collateral ' || item_id as source_row
from {{ ref('int_risk__case_debts') }}
where is_secured
union all
select
    customer_id,
    'days_without_plan' as metric,
    cast(days_past_due as decimal(24, 6)) as figure,
    'loans ' || loan_id as source_row
from loans
where coalesce(plan_no, 1) = 1 and not is_restructured
