{{ kept_by_loan() }}
-- grain: loan and period with one product version
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0001 two dates: a column without a date of its own counts from its delivery's date less the lag,
--           the first known version since always

with versions as (
    select
        loan_id,
        product_id,
        _delivery_no,
        {{ attribute_from('_delivery') }} as counts_from
    from {{ source('raw', 'loans') }}
    where {{ touched('loan_id') }}
),

-- of several versions on one day the newest counts; the first known one counts since always
dated as (
    select
        loan_id,
        product_id,
        case
            when row_number() over (partition by loan_id order by _delivery_no) = 1 then date '0001-01-01'
            else counts_from
        end as from_on,
        _delivery_no
    from versions
),

single as (
    select loan_id, product_id, from_on
    from (
        select
            *,
            row_number() over (partition by loan_id, from_on order by _delivery_no desc) as version_rank
        from dated
    ) as ranked
    where version_rank = 1
),

spans as (
    select
        loan_id,
        product_id,
        from_on,
        lead(from_on, 1, date '9999-12-31') over (partition by loan_id order by from_on) as to_on
    from single
),

conventions as (
    select * from {{ ref('int_aging__conventions') }}
)

select
    spans.loan_id,
    {{ conventions_of('conventions') }},
    greatest(spans.from_on, conventions.from_on) as from_on,
    least(spans.to_on, conventions.to_on) as to_on
from spans
inner join conventions
    on
        conventions.product_id = case
            when spans.product_id in (select known.product_id from conventions as known) then spans.product_id else ''
        end
        and conventions.from_on < spans.to_on
        and conventions.to_on > spans.from_on
