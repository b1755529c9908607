-- grain: restructured loan
-- as of: every day; it is under observation from observed_from until observed_to (exclusive)
-- decision: 0043 observation: from the first repayment date after the change, a year and two periods, again from a missed one

with customers as (
    {{ versions_of('customers', ['customer_id']) }}
),

restructured as (
    select
        loans.loan_id,
        loans.restructured_on,
        treatment.observation_months,
        treatment.observation_periods,
        min(due_days.due_on) as starts_on
    from {{ ref('int_aging__loans') }} as loans
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = loans.loan_id and periods.from_on <= loans.restructured_on and periods.to_on > loans.restructured_on
    inner join customers
        on
            customers.customer_id = loans.customer_id
            and customers.from_on <= loans.restructured_on
            and customers.to_on > loans.restructured_on
    inner join {{ ref('risk_treatment') }} as treatment
        on treatment.asset_class = periods.asset_class and treatment.segment = customers.segment
    left join {{ ref('int_risk__due_days') }} as due_days  -- a miss: nothing is due any more, and observation does not begin
        on due_days.loan_id = loans.loan_id and due_days.due_on > loans.restructured_on
    where treatment.regime = {{ run_value('risk_regime') }}
    group by loans.loan_id, loans.restructured_on, treatment.observation_months, treatment.observation_periods
),

-- spans with days past due; what was missed is the oldest unpaid obligation
late as (
    select
        spans.loan_id,
        spans.unpaid_since,
        greatest(spans.from_on, {{ first_day_past_due('spans.unpaid_since', 'periods.day_count') }}) as from_on,
        spans.to_on
    from {{ ref('int_aging__positions') }} as spans
    inner join {{ ref('int_aging__periods') }} as periods
        on periods.loan_id = spans.loan_id and periods.period_no = spans.period_no
    inner join restructured on restructured.loan_id = spans.loan_id
    where spans.payer_view = 'all' and spans.unpaid_since is not null
),

-- observation begins, and begins again from each date missed in it
beginnings as (
    select
        loan_id,
        observation_months,
        observation_periods,
        0 as place,
        starts_on,
        starts_on as late_from,
        starts_on as late_to
    from restructured
    where starts_on is not null
    union all
    select
        restructured.loan_id,
        restructured.observation_months,
        restructured.observation_periods,
        1 as place,
        greatest(late.unpaid_since, restructured.starts_on) as starts_on,
        late.from_on as late_from,
        late.to_on as late_to
    from restructured
    inner join late on late.loan_id = restructured.loan_id
    where late.from_on < late.to_on and late.to_on > restructured.starts_on
),

periods_counted as (
    select
        beginnings.loan_id,
        beginnings.place,
        beginnings.late_from,
        due_days.passed_on,
        row_number() over (
            partition by beginnings.loan_id, beginnings.place, beginnings.late_from order by due_days.due_on
        ) as periods_passed
    from beginnings
    inner join {{ ref('int_risk__due_days') }} as due_days
        on due_days.loan_id = beginnings.loan_id and due_days.due_on > beginnings.starts_on
),

ends as (
    select
        beginnings.loan_id,
        beginnings.place,
        beginnings.late_from,
        greatest(
            {{ add_months('beginnings.starts_on', 'beginnings.observation_months') }},
            beginnings.late_to,
            case
                when beginnings.observation_periods = 0 then beginnings.starts_on
                else coalesce(periods_counted.passed_on, date '9999-12-31')
            end
        ) as ends_on
    from beginnings
    left join periods_counted  -- a miss: the plan ends before so many periods have passed
        on
            periods_counted.loan_id = beginnings.loan_id
            and periods_counted.place = beginnings.place
            and periods_counted.late_from = beginnings.late_from
            and periods_counted.periods_passed = beginnings.observation_periods
),

judged as (
    select
        loan_id,
        ends_on,
        ends_on < lead(late_from, 1, date '9999-12-31') over (partition by loan_id order by place, late_from) as is_passed
    from ends
)

select
    restructured.loan_id,
    restructured.restructured_on as observed_from,
    coalesce(min(case when judged.is_passed then judged.ends_on end), date '9999-12-31') as observed_to
from restructured
left join judged on judged.loan_id = restructured.loan_id  -- a miss: observation does not begin
group by restructured.loan_id, restructured.restructured_on
