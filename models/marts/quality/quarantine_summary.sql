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
),

counted as (
    select
        ledger,
        reason,
        {{ dbt.split_part('reason', "':'", 1) }} as reason_code,
        nullif({{ dbt.split_part('reason', "':'", 2) }}, '') as column_name,
        delivery,
        count(*) as row_count,
        sum(amount) as amount,
        sum(case when is_open then 1 else 0 end) as open_rows
    from entries
    group by ledger, reason, delivery
)

select
    {{ as_of() }} as as_of,
    counted.ledger,
    ledgers.label_zh as ledger_zh,
    ledgers.label_en as ledger_en,
    counted.reason,
    coalesce(reasons.label_zh, counted.reason_code) || coalesce('（' || counted.column_name || '）', '') as reason_zh,
    coalesce(reasons.label_en, counted.reason_code) || coalesce(' (' || counted.column_name || ')', '') as reason_en,
    counted.delivery,
    cast(counted.row_count as bigint) as rows,
    cast(counted.amount as decimal(18, 2)) as amount,
    cast(counted.open_rows as bigint) as open_rows,
    {{ run_value('policy_version') }} as policy_version
from counted
{{ join_labels('ledgers', 'ledger', 'counted.ledger') }}
{{ join_labels('reasons', 'quarantine_reason', 'counted.reason_code') }}
