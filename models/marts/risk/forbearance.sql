-- grain: loan open at the as-of date, day and kind of a concession
-- as of: the end of the as-of date; days and arrears before are those of the evening before the concession
-- decision: 0037 forbearance

with loans as (
    select * from {{ ref('int_aging__figures') }}
    where as_of = {{ as_of() }}
),

customer_versions as (
    {{ versions_of('customers', ['customer_id']) }}
),

-- a restructuring is observed as its rule says, begun again by what is missed; any other concession for as many months
observed as (
    select
        concessions.*,
        case
            when concessions.kind = 'restructured' then observations.observed_to
            else {{ add_months('concessions.event_on', 'treatment.observation_months') }}
        end as observed_to
    from {{ ref('int_risk__concessions') }} as concessions
    inner join loans on loans.loan_id = concessions.loan_id
    inner join customer_versions as customers
        on
            customers.customer_id = loans.customer_id
            and customers.from_on <= concessions.event_on
            and customers.to_on > concessions.event_on
    inner join {{ ref('risk_treatment') }} as treatment
        on
            treatment.regime = {{ run_value('risk_regime') }}
            and treatment.asset_class = concessions.asset_class
            and treatment.segment = customers.segment
    left join {{ ref('int_risk__observations') }} as observations  -- a miss: never restructured
        on observations.loan_id = concessions.loan_id
),

-- stretches of days as late as the policy calls default again
late as (
    select
        spans.loan_id,
        greatest(
            spans.from_on,
            {{ add_days(first_day_past_due('spans.unpaid_since', 'spans.day_count'), run_value('redefault_days') ~ ' - 1') }}
        ) as from_on,
        spans.to_on
    from {{ ref('int_aging__late_spans') }} as spans
    where spans.loan_id in (select concessions.loan_id from {{ ref('int_risk__concessions') }} as concessions)
),

so_late as (
    select * from late
    where from_on < to_on
),

numbered as (
    {{ in_stretches('so_late', 'loan_id') }}
),

stretches as (
    select
        loan_id,
        stretch_no,
        min(from_on) as from_on
    from numbered
    group by loan_id, stretch_no
),

-- what went on before the concession and through it is no new default
redefaults as (
    select
        observed.loan_id,
        observed.event_on,
        observed.kind,
        min(stretches.from_on) as redefault_on
    from observed
    inner join stretches on stretches.loan_id = observed.loan_id
    where
        stretches.from_on > observed.event_on
        and stretches.from_on < observed.observed_to
        and stretches.from_on <= {{ as_of() }}
    group by observed.loan_id, observed.event_on, observed.kind
)

select
    {{ as_of() }} as as_of,
    observed.loan_id,
    loans.customer_id,
    loans.segment,
    {{ labels_of('segments', 'segment') }},
    loans.product_id,
    loans.branch_id,
    loans.currency,
    observed.event_on,
    observed.kind,
    kinds.code_order as kind_order,
    kinds.label_zh as kind_zh,
    kinds.label_en as kind_en,
    observed.waived_amount,
    observed.rate_before,
    observed.rate_after,
    observed.days_before,
    observed.days_after,
    observed.arrears_before,
    observed.days_before > 0 as is_in_arrears,
    observed.kind in ('extension', 'new_plan') and observed.days_after < observed.days_before as is_reaging,
    case when observed.observed_to < date '9999-12-31' then observed.observed_to end as observation_ends_on,
    observed.observed_to <= {{ as_of() }} and (redefaults.redefault_on is null or observed.kind = 'restructured') as is_observation_passed,
    redefaults.redefault_on is not null as is_redefault,
    redefaults.redefault_on,
    loans.days_past_due,
    loans.outstanding_principal as balance,
    loans.is_written_off,
    {{ run_value('policy_version') }} as policy_version
from observed
inner join loans on loans.loan_id = observed.loan_id
inner join {{ ref('label') }} as kinds on kinds.code_set = 'concession' and kinds.code = observed.kind
left join redefaults  -- a miss: not so late again in the observation
    on redefaults.loan_id = observed.loan_id and redefaults.event_on = observed.event_on and redefaults.kind = observed.kind
{{ join_labels('segments', 'segment', "loans.segment") }}
