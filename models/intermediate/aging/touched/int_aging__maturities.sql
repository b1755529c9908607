-- grain: loan touched whose maturity moved, and span of days with one maturity
-- as of: every day; from_on and to_on (exclusive) say which
-- decision: 0016 a maturity moved by a later delivery is an extension from that delivery's date on

with versions as (
    select
        loan_id,
        matures_on,
        cast(substring(_delivery, 1, 10) as date) as delivered_on,
        _delivery_no
    from {{ source('raw', 'loans') }}
    where {{ touched('loan_id') }}
),

moved as (
    select loan_id
    from versions
    group by loan_id
    having min(matures_on) < max(matures_on) or count(matures_on) < count(*)
),

-- the first maturity said counts since always, and so does one said before disbursement; a version without one says nothing
said as (
    select
        versions.loan_id,
        versions.matures_on,
        versions._delivery_no,
        case
            when
                versions.delivered_on <= loans.disbursed_on
                or row_number() over (partition by versions.loan_id order by versions._delivery_no) = 1
                then date '0001-01-01'
            else versions.delivered_on
        end as from_on
    from versions
    inner join moved on moved.loan_id = versions.loan_id
    inner join {{ ref('int_aging__loans') }} as loans on loans.loan_id = versions.loan_id
    where versions.matures_on is not null
),

-- of several on one day the newest
last_said as (
    select *
    from (
        select
            *,
            row_number() over (partition by loan_id, from_on order by _delivery_no desc) as version_rank
        from said
    ) as ranked
    where version_rank = 1
),

changes as (
    select *
    from (
        select
            *,
            lag(matures_on) over (partition by loan_id order by from_on) as matured_before
        from last_said
    ) as followed
    where matured_before is null or matured_before <> matures_on
)

select
    loan_id,
    matures_on,
    from_on,
    lead(from_on, 1, date '9999-12-31') over (partition by loan_id order by from_on) as to_on
from changes
