-- grain: item of int_risk__claims, and episode in which it is non-performing, by itself or pulled by its debtor's other claims
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0042 once non-performing, an item stays so until the cure rule holds

with reasons as (
    select item_type, item_id, from_on, to_on from {{ ref('int_risk__breaches') }}
    union all
    select item_type, item_id, from_on, to_on from {{ ref('int_risk__pulls') }}
),

episodes as (
    {{ npl_episodes('reasons') }}
)

select * from episodes
