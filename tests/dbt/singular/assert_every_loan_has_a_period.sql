-- The periods of a loan follow each other from the first day to the last: every day has one plan and one set of conventions.
with periods as (
    select
        loan_id,
        min(from_on) as first_on,
        max(to_on) as end_on,
        sum({{ days_between('from_on', 'to_on') }}) as days,
        min({{ days_between('from_on', 'to_on') }}) as shortest
    from {{ ref('int_aging__periods') }}
    where {{ touched('loan_id') }}
    group by loan_id
)

select
    loans.loan_id,
    periods.first_on,
    periods.end_on,
    periods.days
from {{ ref('int_aging__loans') }} as loans
left join periods on periods.loan_id = loans.loan_id  -- a miss: a loan that no figure would show
where
    {{ touched('loans.loan_id') }}
    and (
        periods.loan_id is null
        or periods.first_on <> date '0001-01-01'
        or periods.end_on <> date '9999-12-31'
        or periods.days <> {{ days_between("date '0001-01-01'", "date '9999-12-31'") }}
        or periods.shortest <= 0
    )
