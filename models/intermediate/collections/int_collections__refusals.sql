-- grain: attempt by the lender, and metric of contact after somebody asked to be left alone
-- as of: attempts begun on or before the as-of date; a figure counts up to and including its attempt
-- decision: 0054 a third person who refuses or asks to stop is not contacted again; a debtor's stop closes the channel

with contacts as (
    select
        attempt_id,
        customer_id,
        contact_no,
        channel,
        party,
        -- attempts that name no contact point may have been at any of them
        coalesce(contact_point_id, '') as point_id,
        is_by_lender,
        is_with_debtor,
        is_stop_requested,
        party in ('contact', 'employer', 'third_party') as is_third_person,
        is_stop_requested or outcome = 'refused' as is_refusal
    from {{ ref('int_collections__contacts') }}
),

{% set earlier = 'rows between unbounded preceding and 1 preceding' %}

third_persons as (
    select
        *,
        sum(case when is_refusal then 1 else 0 end) over (
            partition by customer_id, party order by contact_no {{ earlier }}
        ) as refusals_of_party,
        sum(case when is_refusal then 1 else 0 end) over (
            partition by customer_id, party, point_id order by contact_no {{ earlier }}
        ) as refusals_at_point,
        sum(case when is_refusal and point_id = '' then 1 else 0 end) over (
            partition by customer_id, party order by contact_no {{ earlier }}
        ) as refusals_at_no_point
    from contacts
    where is_third_person
),

after_refusal as (
    select
        *,
        is_by_lender and case
            when point_id = '' then coalesce(refusals_of_party, 0) > 0
            else coalesce(refusals_at_point, 0) + coalesce(refusals_at_no_point, 0) > 0
        end as is_after_refusal
    from third_persons
),

debtors as (
    select
        *,
        coalesce(
            max(case when is_stop_requested then 1 else 0 end) over (
                partition by customer_id, channel order by contact_no {{ earlier }}
            ), 0
        ) = 1 as is_after_stop
    from contacts
    where is_with_debtor
)

select
    attempt_id,
    'contacts_after_refusal' as metric,
    sum(case when is_after_refusal then 1 else 0 end) over (
        partition by customer_id, party order by contact_no rows between unbounded preceding and current row
    ) as figure
from after_refusal
where is_after_refusal
union all
select
    attempt_id,
    'contacts_after_refusal' as metric,
    null as figure
from contacts
where party = 'unknown' and is_by_lender
union all
select
    attempt_id,
    'messages_after_stop' as metric,
    row_number() over (partition by customer_id, channel order by contact_no) as figure
from debtors
where is_after_stop and is_by_lender
