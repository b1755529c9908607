-- grain: item of a suspect debtor, and span of days on which the same terms of classification hold for it
-- as of: every day from its beginning until it is closed or written off; from_on and to_on (exclusive) say which
-- decision: 0041 terms of classification are those of each day

with customers as (
    {{ versions_of('customers', ['customer_id']) }}
),

loan_versions as (
    {{ versions_of('loans', ['loan_id']) }}
),

loan_terms as (
    select
        'loan' as item_type,
        loans.loan_id as item_id,
        loans.customer_id,
        loans.currency,
        periods.asset_class,
        periods.day_count,
        versions.security,
        coalesce(versions.credit_impaired, false) as is_credit_impaired,
        greatest(loans.disbursed_on, periods.from_on, versions.from_on) as from_on,
        least(
            coalesce(loans.closed_on, date '9999-12-31'),
            coalesce(loans.written_off_on, date '9999-12-31'),
            periods.to_on,
            versions.to_on
        ) as to_on
    from {{ ref('int_aging__loans') }} as loans
    inner join {{ ref('int_risk__suspects') }} as suspects on suspects.customer_id = loans.customer_id
    inner join {{ ref('int_aging__periods') }} as periods on periods.loan_id = loans.loan_id
    inner join loan_versions as versions on versions.loan_id = loans.loan_id
),

terms as (
    select
        loan_terms.*,
        customers.segment,
        greatest(loan_terms.from_on, customers.from_on) as starts_on,
        least(loan_terms.to_on, customers.to_on) as ends_on
    from loan_terms
    inner join customers on customers.customer_id = loan_terms.customer_id
),

claims as (
    select
        terms.item_type,
        terms.item_id,
        terms.customer_id,
        terms.currency,
        terms.asset_class,
        terms.segment,
        terms.security,
        terms.day_count,
        terms.is_credit_impaired,
        treatment.is_retail,
        treatment.upgrade,
        treatment.cure_months,
        treatment.cure_periods,
        treatment.cure_needs_unimpaired_debtor,
        terms.starts_on as from_on,
        terms.ends_on as to_on
    from terms
    inner join {{ ref('risk_treatment') }} as treatment
        on treatment.asset_class = terms.asset_class and treatment.segment = terms.segment
    where treatment.regime = {{ run_value('risk_regime') }} and terms.starts_on < terms.ends_on
),

-- whose items follow their days alone, and are pulled by none, need no history
watched as (
    select distinct customer_id from claims
    where not is_retail or upgrade = 'cure_rule'
)

select claims.*
from claims
inner join watched on watched.customer_id = claims.customer_id
