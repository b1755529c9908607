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

-- since when the customer's oldest arrears run
late as (
    select
        customer_id,
        min({{ first_day_past_due('unpaid_since', 'day_count') }}) as late_from
    from {{ ref('int_risk__items') }}
    where as_of = {{ as_of() }} and days_past_due > 0
    group by customer_id
),

-- the lender's attempts within the arrears
attempts as (
    select
        contacts.customer_id,
        contacts.attempt_id,
        contacts.contact_no,
        contacts.channel
    from {{ ref('int_collections__contacts') }} as contacts
    inner join late on late.customer_id = contacts.customer_id
    where contacts.is_by_lender and contacts.local_on >= late.late_from
),

channels as (
    select
        customer_id,
        count(*) as attempts,
        count(distinct channel) as channels,
        min(channel) as channel
    from attempts
    group by customer_id
),

-- those that broke a rule of conduct, and the first of them
breaches as (
    select
        attempts.customer_id,
        count(distinct attempts.attempt_id) as attempts,
        min_by(attempts.attempt_id, attempts.contact_no) as attempt_id
    from attempts
    inner join {{ ref('int_collections__judged') }} as judged on judged.attempt_id = attempts.attempt_id
    where judged.conduct_status = 'breach'
    group by attempts.customer_id
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
from channels
where channels = 1
union all
select
    customer_id,
    'breaches' as metric,
    cast(attempts as decimal(24, 6)) as figure,
    'contact_attempts ' || attempt_id as source_row
from breaches
union all
select
    customer_id,
    'days_without_plan' as metric,
    cast(days_past_due as decimal(24, 6)) as figure,
    'loans ' || loan_id as source_row
from loans
where coalesce(plan_no, 1) = 1 and not is_restructured
