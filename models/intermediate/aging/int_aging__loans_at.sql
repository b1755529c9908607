-- grain: loan disbursed on or before the as-of date and not closed by it
-- as of: the end of the as-of date; dateless columns by the lag rule
-- decision: 0001 two dates

with loans as (
    select * from {{ ref('int_aging__loans') }}
    where disbursed_on <= {{ as_of() }} and (closed_on is null or closed_on > {{ as_of() }})
),

loan_versions as (
    {{ version_at('loans', ['loan_id']) }}
),

customer_versions as (
    {{ version_at('customers', ['customer_id']) }}
),

periods as (
    select * from {{ ref('int_aging__periods') }}
    where from_on <= {{ as_of() }} and to_on > {{ as_of() }}
),

money as (
    select * from {{ ref('int_aging__money') }}
    where payer_view = 'all' and from_on <= {{ as_of() }} and to_on > {{ as_of() }}
)

select
    {{ as_of() }} as as_of,
    loans.loan_id,
    loans.customer_id,
    customers.segment,
    versions.product_id,
    versions.branch_id,
    versions.security,
    versions.gl_account,
    versions.purpose,
    coalesce(versions.credit_impaired, false) as is_credit_impaired,
    loans.currency,
    loans.principal,
    loans.disbursed_on,
    loans.matures_on,
    coalesce(loans.restructured_on <= {{ as_of() }}, false) as is_restructured,
    coalesce(loans.written_off_on <= {{ as_of() }}, false) as is_written_off,
    periods.period_no,
    periods.plan_no,
    periods.plan_effective_on,
    periods.counts_from,
    {{ conventions_of('periods') }},
    money.paid_to,
    money.charges_paid,
    money.charged
from loans
inner join loan_versions as versions on versions.loan_id = loans.loan_id
inner join customer_versions as customers on customers.customer_id = loans.customer_id
inner join periods on periods.loan_id = loans.loan_id
inner join money on money.loan_id = loans.loan_id and money.period_no = periods.period_no
