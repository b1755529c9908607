-- grain: product and period of validity; product '' is the one that was not delivered
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0002 conventions as data

with products as (
    select * from {{ ref('stg_products') }}
),

defaults as (
    select * from {{ ref('convention_default') }}
),

delivered as (
    select
        products.product_id,
        {%- for column in convention_columns() %}
        coalesce(products.{{ column }}, defaults.{{ column }}) as {{ column }},
        {%- endfor %}
        products.valid_from as from_on
    from products
    cross join defaults
),

-- before its first row is valid a product has the defaults
undelivered as (
    select
        products.product_id,
        {{ conventions_of('defaults') }},
        date '0001-01-01' as from_on
    from (
        select product_id from products
        group by product_id
        having min(valid_from) > date '0001-01-01'
        union all
        select '' as product_id
    ) as products
    cross join defaults
),

rows_of_all as (
    select * from delivered
    union all
    select * from undelivered
)

select
    *,
    lead(from_on, 1, date '9999-12-31') over (partition by product_id order by from_on) as to_on
from rows_of_all
