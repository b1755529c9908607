-- An audit sample (decision 0113), from `population`: one row a loan, with its amount. The order is that of a hash of seed and loan_id, so
-- nobody chose it and everybody finds it again. Amounts are whole cents here, so that each step is exact.

create temp table ordered as
with hashed as (
    select *, sha256($seed || '|' || loan_id) as draw_order, (amount * 100)::hugeint as cents
    from population
),

ranked as (
    select *, row_number() over (order by draw_order, loan_id) as place from hashed
)

select
    *,
    sum(greatest(cents, 0)) over (order by place) as ends_at,
    sum(greatest(cents, 0)) over (order by place) - greatest(cents, 0) as begins_at
from ranked;
