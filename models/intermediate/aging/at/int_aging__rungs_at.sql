{{ config(materialized='view') }}
-- grain: obligation (rung) that exists on the as-of date, of a loan in int_aging__loans_at
-- as of: the end of the as-of date
-- decision: 0004 what of each rung is unpaid

{% set states %}(
    select *, as_of as state_on from {{ ref('int_aging__loans_at') }}
    where as_of = {{ as_of() }}
){% endset %}
{{ unpaid_rungs(states) }}
