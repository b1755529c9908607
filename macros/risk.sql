{#- Episodes of non-performance: from the first day on which one of `breaches` holds until the cure rule does. One row per item
    and episode. An item is unclean on days with a breach or that break its cure; it is cured once it has been clean for the
    months and the repayment periods of its treatment, the longer of both, and its debtor has no credit-impaired item
    (decision 0042). -#}
{% macro npl_episodes(breaches) -%}
with unclean as (
    select item_type, item_id, from_on, to_on, true as is_breach from {{ breaches }}
    union all
    select item_type, item_id, from_on, to_on, false as is_breach from {{ ref('int_risk__cure_breaks') }}
),

numbered as (
    {{ in_stretches('unclean', 'item_type, item_id') }}
),

stretches as (
    select
        item_type,
        item_id,
        min(from_on) as from_on,
        min(case when is_breach then from_on end) as breach_from,
        max(to_on) as clean_from
    from numbered
    group by item_type, item_id, stretch_no
),

-- the terms of cure are those of the first clean day
treated as (
    select
        stretches.*,
        case when stretches.item_type = 'loan' then stretches.item_id end as loan_id,
        claims.cure_months,
        claims.cure_periods,
        case when claims.cure_needs_unimpaired_debtor then claims.customer_id end as unimpaired_debtor_id
    from stretches
    left join {{ ref('int_risk__claims') }} as claims  -- a miss: it has left the book by then
        on
            claims.item_type = stretches.item_type
            and claims.item_id = stretches.item_id
            and claims.from_on <= stretches.clean_from
            and claims.to_on > stretches.clean_from
),

counted as (
    select
        treated.loan_id,
        treated.clean_from,
        due_days.passed_on,
        row_number() over (partition by treated.loan_id, treated.clean_from order by due_days.due_on) as periods_passed
    from treated
    inner join {{ ref('int_risk__due_days') }} as due_days
        on due_days.loan_id = treated.loan_id and due_days.due_on > treated.clean_from
),

paid as (
    select
        treated.*,
        case
            when treated.cure_months is null then date '9999-12-31'
            when treated.cure_periods = 0 then {{ add_months('treated.clean_from', 'treated.cure_months') }}
            else greatest(
                {{ add_months('treated.clean_from', 'treated.cure_months') }}, coalesce(counted.passed_on, date '9999-12-31')
            )
        end as paid_on
    from treated
    left join counted  -- a miss: no such period has passed, or none is needed
        on
            counted.loan_id = treated.loan_id
            and counted.clean_from = treated.clean_from
            and counted.periods_passed = treated.cure_periods
),

cures as (
    select
        paid.item_type,
        paid.item_id,
        paid.from_on,
        paid.breach_from,
        coalesce(impaired.to_on, paid.paid_on) as cured_on
    from paid
    left join {{ ref('int_risk__impaired_debtors') }} as impaired  -- a miss: none of the debtor's items is credit-impaired
        on
            impaired.customer_id = paid.unimpaired_debtor_id
            and impaired.from_on <= paid.paid_on
            and impaired.to_on > paid.paid_on
),

judged as (
    select
        *,
        cured_on < lead(from_on, 1, date '9999-12-31') over (partition by item_type, item_id order by from_on) as is_cured
    from cures
),

chained as (
    select
        *,
        coalesce(sum(case when is_cured then 1 else 0 end) over (
            partition by item_type, item_id order by from_on rows between unbounded preceding and 1 preceding
        ), 0) as chain_no
    from judged
)

select
    item_type,
    item_id,
    min(breach_from) as from_on,
    coalesce(max(case when is_cured then cured_on end), date '9999-12-31') as to_on
from chained
group by item_type, item_id, chain_no
having min(breach_from) is not null
{%- endmacro %}

{#- Days past due of `item` by the count that `rule` names. -#}
{% macro days_by(item, rule) -%}
    case {{ rule }}.day_count
        when 'include_due_date' then {{ item }}.days_including_due_date
        when 'exclude_due_date' then {{ item }}.days_excluding_due_date
        else {{ item }}.days_past_due
    end
{%- endmacro %}
