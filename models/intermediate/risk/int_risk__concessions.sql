-- grain: loan open at the as-of date, day and kind of a concession
-- as of: event_on, on or before the as-of date; days and arrears before it are those of the evening before
-- decision: 0037 forbearance

with opened as (
    select
        figures.loan_id,
        loans.disbursed_on,
        loans.restructured_on
    from {{ ref('int_aging__figures') }} as figures
    inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = figures.loan_id
    where figures.as_of = {{ as_of() }}
),

periods as (
    select
        periods.*,
        lag(coalesce(periods.plan_no, 1), 1, 1) over (partition by periods.loan_id order by periods.period_no) as plan_before,
        lag(periods.matures_on) over (partition by periods.loan_id order by periods.period_no) as matured_before
    from {{ ref('int_aging__periods') }} as periods
    inner join opened on opened.loan_id = periods.loan_id
),

-- what each newer version said of the rate; of several on one day the newest, and one that leaves it out says nothing
rates as (
    select
        *,
        lag(annual_rate) over (partition by loan_id order by said_on) as rate_before
    from (
        select
            loan_id,
            annual_rate,
            cast(substring(_delivery, 1, 10) as date) as said_on,
            row_number() over (partition by loan_id, substring(_delivery, 1, 10) order by _delivery_no desc) as version_rank
        from {{ source('raw', 'loans') }}
        where annual_rate is not null
    ) as said
    where version_rank = 1
),

waived as (
    select
        loan_id,
        original_paid_on as waived_on,
        sum(case when is_reversal then -amount else amount end) as amount
    from {{ ref('int_aging__payments') }}
    where original_kind = 'waiver' and happened_on <= {{ as_of() }}
    group by loan_id, original_paid_on
),

events as (
    select
        loan_id,
        from_on as event_on,
        case when coalesce(plan_no, 1) <> plan_before then 'new_plan' else 'extension' end as kind,
        cast(null as decimal(18, 2)) as waived_amount,
        cast(null as decimal(20, 10)) as rate_before,
        cast(null as decimal(20, 10)) as rate_after
    from periods
    where is_replacing and from_on = plan_effective_on and (coalesce(plan_no, 1) <> plan_before or matures_on > matured_before)
    union all
    select
        loan_id,
        restructured_on as event_on,
        'restructured' as kind,
        cast(null as decimal(18, 2)) as waived_amount,
        cast(null as decimal(20, 10)) as rate_before,
        cast(null as decimal(20, 10)) as rate_after
    from opened
    where restructured_on is not null
    union all
    select
        loan_id,
        waived_on as event_on,
        'waiver' as kind,
        amount as waived_amount,
        cast(null as decimal(20, 10)) as rate_before,
        cast(null as decimal(20, 10)) as rate_after
    from waived
    where amount > 0
    union all
    select
        loan_id,
        said_on as event_on,
        'rate_cut' as kind,
        cast(null as decimal(18, 2)) as waived_amount,
        rate_before,
        annual_rate as rate_after
    from rates
    where annual_rate < rate_before
),

-- a plan or a rate agreed before the loan was paid out is how it began
happened as (
    select
        events.*,
        events.event_on > opened.disbursed_on as has_evening_before
    from events
    inner join opened on opened.loan_id = events.loan_id
    where
        events.event_on <= {{ as_of() }}
        and (events.kind in ('restructured', 'waiver') or events.event_on > opened.disbursed_on)
),

days as (
    select distinct
        loan_id,
        event_on
    from happened
),

evenings as (
    select
        positions.*,
        days.event_on,
        {{ add_days('days.event_on', -1) }} as state_on,
        periods.allocation,
        periods.day_count,
        periods.component_order,
        periods.charges_age
    from days
    inner join {{ ref('int_aging__positions') }} as positions
        on
            positions.loan_id = days.loan_id
            and positions.payer_view = 'all'
            and positions.from_on < days.event_on
            and positions.to_on >= days.event_on
    inner join periods on periods.loan_id = positions.loan_id and periods.period_no = positions.period_no
),

amounts as (
    {{ state_amounts('evenings') }}
),

mornings as (
    select
        days.loan_id,
        days.event_on,
        periods.asset_class,
        coalesce({{ days_past_due('positions.unpaid_since', 'days.event_on', 'periods.day_count') }}, 0) as days_after
    from days
    inner join {{ ref('int_aging__positions') }} as positions
        on
            positions.loan_id = days.loan_id
            and positions.payer_view = 'all'
            and positions.from_on <= days.event_on
            and positions.to_on > days.event_on
    inner join periods on periods.loan_id = positions.loan_id and periods.period_no = positions.period_no
)

select
    happened.loan_id,
    happened.event_on,
    happened.kind,
    mornings.asset_class,
    cast(happened.waived_amount as decimal(18, 2)) as waived_amount,
    happened.rate_before,
    happened.rate_after,
    cast(
        case
            when happened.has_evening_before
                then coalesce({{ days_past_due('evenings.unpaid_since', 'evenings.state_on', 'evenings.day_count') }}, 0)
            else 0
        end as integer
    ) as days_before,
    cast(mornings.days_after as integer) as days_after,
    cast(
        case
            when happened.has_evening_before then amounts.overdue_principal + amounts.overdue_interest + amounts.overdue_fees
            else 0
        end as decimal(18, 2)
    ) as arrears_before
from happened
inner join evenings on evenings.loan_id = happened.loan_id and evenings.event_on = happened.event_on
inner join amounts on amounts.loan_id = evenings.loan_id and amounts.state_on = evenings.state_on
inner join mornings on mornings.loan_id = happened.loan_id and mornings.event_on = happened.event_on
