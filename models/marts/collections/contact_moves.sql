-- grain: loan and day on which it moved from an M-stage to another, of the last contact_history_days
-- as of: the end of the as-of date
-- decision: 0058 contact and arrears

with moves as (
    select
        moves.*,
        contacts.is_by_lender,
        contacts.is_reached,
        {{ days_between('moves.moved_on', 'contacts.local_on') }} as days_after
    from {{ ref('int_collections__stage_moves') }} as moves
    left join {{ ref('int_collections__loan_contacts') }} as contacts  -- a miss: never any contact
        on contacts.loan_id = moves.loan_id
)

select
    {{ as_of() }} as as_of,
    customer_id,
    loan_id,
    currency,
    moved_on,
    from_stage,
    to_stage,
    is_worse,
    {%- for what, counts in {'attempts': 'is_by_lender', 'reached': 'is_by_lender and is_reached'}.items() %}
    {%- for days in contact_horizons() %}
    cast(sum(case when {{ counts }} and days_after < 0 and days_after >= -{{ days }} then 1 else 0 end) as bigint) as {{ what }}_{{ days }}d_before,
    {%- endfor %}
    cast(sum(case when {{ counts }} and days_after = 0 then 1 else 0 end) as bigint) as {{ what }}_on_day,
    {%- for days in contact_horizons() %}
    cast(sum(case when {{ counts }} and days_after > 0 and days_after <= {{ days }} then 1 else 0 end) as bigint) as {{ what }}_{{ days }}d_after,
    {%- endfor %}
    {%- endfor %}
    {%- for days in contact_horizons() %}
    {{ add_days('moved_on', days) }} <= {{ as_of() }} as is_{{ days }}d_over,
    {%- endfor %}
    {{ run_value('policy_version') }} as policy_version
from moves
group by customer_id, loan_id, currency, moved_on, from_stage, to_stage, is_worse
