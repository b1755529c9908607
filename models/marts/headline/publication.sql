-- grain: the publication; one row
-- as of: what is known at the run's point of knowledge
-- decision: 0071 what a publication says of itself

with quarantined as (
    select
        cast(count(*) as bigint) as open_rows,
        cast(coalesce(sum(amount), 0) as decimal(18, 2)) as open_amount
    from {{ source('raw', 'quarantine') }}
    where is_open
),

flags as (
    select min({{ attribute_from('_delivery') }}) as known_from
    from {{ source('raw', 'loans') }}
    where credit_impaired is not null
)

select
    {{ as_of() }} as as_of,
    {{ run_value('known_at') }} as known_at,
    {{ run_value('policy_version') }} as policy_version,
    {{ run_value('reporting_currency') }} as reporting_currency,
    flags.known_from as flags_known_from,
    quarantined.open_rows as open_quarantine_rows,
    quarantined.open_amount as open_quarantine_amount,
    -- filled in when the gate has passed it
    cast(null as varchar) as run_id,
    cast(null as timestamp) as published_at,
    cast(null as varchar) as code_version,
    cast(null as varchar) as gates,
    cast(null as bigint) as expectations_held,
    cast(null as bigint) as warnings,
    cast(null as varchar) as warnings_told,
    cast(null as bigint) as deliveries_known,
    cast(null as varchar) as deliveries
from quarantined
cross join flags
