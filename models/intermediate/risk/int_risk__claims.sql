-- grain: item of a suspect debtor, and span of days on which the same terms of classification hold for it
-- as of: every day from its beginning until it is closed or written off; from_on and to_on (exclusive) say which
-- decision: 0041 terms of classification are those of each day

with customers as (
    {{ versions_of('customers', ['customer_id']) }}
),

loan_versions as (
    {{ versions_of('loans', ['loan_id']) }}
),

-- a flag is unknown, and so not set, before it was delivered, also where the version is the first known
flagged_versions as (
    select
        loan_id,
        security,
        false as is_credit_impaired,
        from_on,
        {{ attribute_from('_delivery') }} as to_on
    from loan_versions
    where credit_impaired and from_on < {{ attribute_from('_delivery') }}
    union all
    select
        loan_id,
        security,
        coalesce(credit_impaired, false) as is_credit_impaired,
        case when credit_impaired then greatest(from_on, {{ attribute_from('_delivery') }}) else from_on end as from_on,
        to_on
    from loan_versions
),

advance_versions as (
    {{ versions_of('advances', ['advance_id']) }}
),

-- an advance is a claim while some of it is outstanding
advance_terms as (
    select
        'advance' as item_type,
        advances.advance_id as item_id,
        advances.customer_id,
        advances.currency,
        'advance' as asset_class,
        'exclude_due_date' as day_count,
        versions.security,
        false as is_credit_impaired,
        greatest(advances.advanced_on, balances.from_on, versions.from_on) as from_on,
        least(coalesce(advances.written_off_on, date '9999-12-31'), balances.to_on, versions.to_on) as to_on
    from {{ ref('stg_advances') }} as advances
    inner join {{ ref('int_advances__balances') }} as balances on balances.advance_id = advances.advance_id
    inner join advance_versions as versions on versions.advance_id = advances.advance_id
    where balances.outstanding > 0
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
        versions.is_credit_impaired,
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
    inner join flagged_versions as versions on versions.loan_id = loans.loan_id
),

item_terms as (
    select * from loan_terms
    union all
    select * from advance_terms
),

terms as (
    select
        item_terms.*,
        customers.segment,
        greatest(item_terms.from_on, customers.from_on) as starts_on,
        least(item_terms.to_on, customers.to_on) as ends_on
    from item_terms
    inner join customers on customers.customer_id = item_terms.customer_id
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
        treatment.cure_scope,
        treatment.cure_needs_unimpaired_debtor,
        terms.starts_on as from_on,
        terms.ends_on as to_on
    from terms
    inner join {{ ref('risk_treatment') }} as treatment
        on treatment.asset_class = terms.asset_class and treatment.segment = terms.segment
    where treatment.regime = {{ run_value('risk_regime') }} and terms.starts_on < terms.ends_on
),

-- whose items follow their days alone, however small the arrears, and are pulled by none, need no history
watched as (
    select distinct claims.customer_id
    from claims
    left join {{ ref('materiality_threshold') }} as materiality  -- a miss: the regime looks at no amounts
        on materiality.regime = {{ run_value('risk_regime') }} and materiality.segment = claims.segment
    where not claims.is_retail or claims.upgrade = 'cure_rule' or materiality.segment is not null
)

select claims.*
from claims
inner join watched on watched.customer_id = claims.customer_id
