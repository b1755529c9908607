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
),

counted as (
    select
        customer_id,
        loan_id,
        currency,
        moved_on,
        from_stage,
        from_stage_order,
        to_stage,
        to_stage_order,
        is_worse,
        {%- for what, counts in {'attempts': 'is_by_lender', 'reached': 'is_by_lender and is_reached'}.items() %}
        {%- for days in contact_horizons() %}
        cast(sum(case when {{ counts }} and days_after < 0 and days_after >= -{{ days }} then 1 else 0 end) as bigint)
            as {{ what }}_{{ days }}d_before,
        {%- endfor %}
        cast(sum(case when {{ counts }} and days_after = 0 then 1 else 0 end) as bigint) as {{ what }}_on_day,
        {%- for days in contact_horizons() %}
        cast(sum(case when {{ counts }} and days_after > 0 and days_after <= {{ days }} then 1 else 0 end) as bigint)
            as {{ what }}_{{ days }}d_after,
        {%- endfor %}
        {%- endfor %}
        is_reaged
    from moves
    group by customer_id, loan_id, currency, moved_on, from_stage, from_stage_order, to_stage, to_stage_order, is_worse, is_reaged
),

-- exits after the stages
stages as (
    select
        bucket as code,
        bucket_order as code_order,
        label_zh,
        label_en
    from {{ ref('int_aging__buckets') }}
    where scheme = 'CN_M_STAGE' and as_of = {{ as_of() }}
    union all
    select
        code,
        100 as code_order,
        label_zh,
        label_en
    from {{ ref('label') }}
    where code_set = 'exit' and code = 'closed'
)

select
    {{ as_of() }} as as_of,
    counted.customer_id,
    counted.loan_id,
    counted.currency,
    counted.moved_on,
    counted.from_stage,
    counted.from_stage_order,
    from_stages.label_zh as from_zh,
    from_stages.label_en as from_en,
    counted.to_stage,
    cast(to_stages.code_order as integer) as to_stage_order,
    to_stages.label_zh as to_zh,
    to_stages.label_en as to_en,
    counted.is_worse,
    counted.is_reaged,
    {%- for what in ['attempts', 'reached'] %}
    {%- for days in contact_horizons() %}
    counted.{{ what }}_{{ days }}d_before,
    {%- endfor %}
    counted.{{ what }}_on_day,
    {%- for days in contact_horizons() %}
    counted.{{ what }}_{{ days }}d_after,
    {%- endfor %}
    {%- endfor %}
    {%- for days in contact_horizons() %}
    {{ add_days('counted.moved_on', days) }} <= {{ as_of() }} as is_{{ days }}d_over,
    {%- endfor %}
    {{ run_value('policy_version') }} as policy_version
from counted
inner join stages as from_stages on from_stages.code = counted.from_stage
inner join stages as to_stages on to_stages.code = counted.to_stage
