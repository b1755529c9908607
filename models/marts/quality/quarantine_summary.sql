-- grain: ledger, reason and delivery; a row with several reasons counts under each
-- as of: none; what is known at the run's point of knowledge
-- decision: 0010 quarantine

with entries as (
    select
        ledger,
        delivery,
        amount,
        is_open,
        unnest(reasons) as reason
    from {{ source('raw', 'quarantine') }}
)

select
    {{ as_of() }} as as_of,
    ledger,
    reason,
    delivery,
    cast(count(*) as bigint) as rows,
    cast(sum(amount) as decimal(18, 2)) as amount,
    cast(sum(case when is_open then 1 else 0 end) as bigint) as open_rows,
    {{ run_value('policy_version') }} as policy_version
from entries
group by ledger, reason, delivery
