-- grain: calendar and day, 1900-01-01 to 2199-12-31
-- as of: none; a calendar is the same on every day
-- decision: 0003 business days

with calendars as (
    select calendar, confirmed_from, confirmed_until from {{ ref('calendar') }}
),

exceptions as (
    select calendar, day, kind from {{ ref('calendar_day') }}
),

spine as (
    {{ day_series('1900-01-01', '2199-12-31') }}
),

kinds as (
    select
        calendars.calendar,
        spine.day,
        case
            when exceptions.kind = 'make_up_working_day' then true
            when exceptions.kind = 'day_off' then false
            else {{ weekday('spine.day') }} <= 5
        end as is_working_day,
        coalesce(exceptions.kind = 'day_off', false) as is_named_day_off,
        spine.day between calendars.confirmed_from and calendars.confirmed_until as is_confirmed
    from spine
    cross join calendars
    left join exceptions  -- a miss: an ordinary day of the week
        on exceptions.calendar = calendars.calendar and exceptions.day = spine.day
),

numbered as (
    select
        *,
        case when is_working_day then row_number() over (partition by calendar, is_working_day order by day) end as working_day_no
    from kinds
),

-- within a year there is a working day: a frame without an end costs three times as much
counted as (
    select
        *,
        coalesce(
            max(working_day_no) over (partition by calendar order by day rows between 366 preceding and current row), 0
        ) as working_days_to,
        min(case when is_working_day then day end) over (
            partition by calendar order by day rows between current row and 366 following
        ) as working_day_from
    from numbered
)

select
    calendar,
    day,
    is_working_day,
    is_named_day_off,
    is_confirmed,
    -- working days up to and including this one; any count of business days is the difference of two of these
    cast(working_days_to as integer) as working_days_to,
    -- where a due date on this day moves to, by convention (民法典 Art. 203 for `following`)
    coalesce(working_day_from, day) as following_on,
    case when is_named_day_off then coalesce(working_day_from, day) else day end as following_holiday_on
from counted
