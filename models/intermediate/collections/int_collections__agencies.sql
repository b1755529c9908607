-- grain: attempt by an agency, and metric about it
-- as of: the attempt's local day
-- decision: 0052 an agency's record is a seed; where nothing of a kind is on record, nothing can be said

with recorded as (
    select
        *,
        -- through valid_to; open where there is none
        coalesce(valid_to, date '9999-12-31') as last_day
    from {{ ref('collection_agency') }}
),

kinds as (
    select
        sum(case when fact = 'listed' then 1 else 0 end) as listed
    from recorded
),

attempts as (
    select
        attempt_id,
        agency_id,
        local_on
    from {{ ref('int_collections__contacts') }}
    where agency_id is not null and is_by_lender
),

looked_up as (
    select
        attempts.attempt_id,
        attempts.local_on,
        max(case when recorded.fact = 'listed' and recorded.last_day >= attempts.local_on then 1 else 0 end) as is_listed,
        max(case when recorded.fact = 'evaluated' then recorded.valid_from end) as evaluated_on,
        max(case when recorded.fact = 'inspected' then recorded.valid_from end) as inspected_on
    from attempts
    left join recorded  -- a miss: nothing on record by then
        on recorded.agency_id = attempts.agency_id and recorded.valid_from <= attempts.local_on
    group by attempts.attempt_id, attempts.local_on
)

select
    looked_up.attempt_id,
    'on_public_list_flag' as metric,
    case when kinds.listed > 0 then looked_up.is_listed end as figure
from looked_up
cross join kinds
{%- for fact, done_on in {'evaluation': 'evaluated_on', 'inspection': 'inspected_on'}.items() %}
union all
-- months begun since: exactly twelve months later it is 12, a day later 13
select
    attempt_id,
    'months_since_last_{{ fact }}' as metric,
    {{ calendar_months_between(done_on, 'local_on') }}
    + case
        when {{ add_months(done_on, calendar_months_between(done_on, 'local_on')) }} < local_on then 1 else 0
    end as figure
from looked_up
{%- endfor %}
