-- grain: attempt by the lender and metric of frequency that it adds to
-- as of: attempts begun on or before the as-of date; a figure counts up to and including its attempt
-- decision: 0052 counts add up across staff, numbers and agencies; calls that the customer began count nowhere

with contacts as (
    select
        attempt_id,
        customer_id,
        loan_id,
        contact_no,
        local_on,
        {{ day_number('local_on') }} as day_number,
        channel,
        -- a limit is per person: nobody named counts with the debtor
        case when party = 'unknown' then 'debtor' else party end as party,
        contact_point_id,
        outcome,
        is_effective
    from {{ ref('int_collections__contacts') }}
    where is_by_lender
),

calls as (
    select * from contacts
    where channel = 'phone'
),

-- a call that did not get through to the number is none in the United States
connected as (
    select
        *,
        row_number() over (partition by loan_id, party order by contact_no) as calls_so_far,
        count(*) over (
            partition by loan_id, party order by day_number range between unbounded preceding and 7 preceding
        ) as calls_before_window,
        max(case when is_effective then day_number end) over (
            partition by loan_id, party order by contact_no rows between unbounded preceding and 1 preceding
        ) as last_conversation
    from calls
    where outcome <> 'invalid'
)

select
    attempt_id,
    'effective_calls' as metric,
    row_number() over (partition by customer_id, party, local_on order by contact_no) as figure
from calls
where is_effective
union all
select
    attempt_id,
    'unanswered_attempts_same_number' as metric,
    case
        when contact_point_id is not null
            then row_number() over (partition by contact_point_id, local_on order by contact_no)
    end as figure
from calls
where not is_effective
union all
select
    attempt_id,
    'visits' as metric,
    row_number() over (partition by customer_id, party, local_on order by contact_no) as figure
from contacts
where channel = 'visit'
union all
select
    attempt_id,
    'calls' as metric,
    case when loan_id is not null then calls_so_far - calls_before_window end as figure
from connected
union all
select
    attempt_id,
    'days_since_conversation' as metric,
    case when loan_id is not null then day_number - last_conversation end as figure
from connected
where loan_id is null or last_conversation is not null
