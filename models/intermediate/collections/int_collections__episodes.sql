-- grain: loan and stretch of days past due with a day among the last contact_history_days
-- as of: every day up to the as-of date
-- decision: 0058 an episode begins on the first day past due and ends on the first day that is none, or with the loan;
--           one out of which a new plan or an extension took days is re-aged, not cured

with stretches as (
    select
        loan_id,
        stretch_no,
        min(from_on) as entered_on,
        max(to_on) as cured_on
    from {{ ref('int_aging__late_spans') }}
    where from_on <= {{ as_of() }}
    group by loan_id, stretch_no
),

reaged as (
    select distinct
        stretches.loan_id,
        stretches.stretch_no
    from stretches
    inner join {{ ref('int_aging__reagings') }} as reagings on reagings.loan_id = stretches.loan_id
    where reagings.reaged_on > stretches.entered_on and reagings.reaged_on <= stretches.cured_on
),

ended as (
    select
        loans.customer_id,
        stretches.loan_id,
        stretches.stretch_no,
        loans.currency,
        stretches.entered_on,
        least(stretches.cured_on, coalesce(loans.closed_on, date '9999-12-31')) as ended_on,
        -- a loan that is paid on the day on which it is closed is cured
        case
            when stretches.cured_on > coalesce(loans.closed_on, date '9999-12-31') then 'closed'
            when reaged.loan_id is not null then 're_aged'
            else 'cured'
        end as ended_by
    from stretches
    left join reaged  -- a miss: no new plan took days away
        on reaged.loan_id = stretches.loan_id and reaged.stretch_no = stretches.stretch_no
    inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = stretches.loan_id
    where stretches.entered_on < coalesce(loans.closed_on, date '9999-12-31')
)

select
    customer_id,
    loan_id,
    stretch_no,
    currency,
    entered_on,
    case when ended_on <= {{ as_of() }} then ended_on end as ended_on,
    case when ended_on <= {{ as_of() }} then ended_by end as ended_by
from ended
where ended_on > {{ contact_history_from() }}
