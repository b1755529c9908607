{#- Whether an item is one of a list written `a|b|c`. -#}
{% macro in_list(item, listed) -%}
    '|' || {{ listed }} || '|' like '%|' || {{ item }} || '|%'
{%- endmacro %}

{#- Minutes since midnight of a timestamp. -#}
{% macro minute_of_day(moment) -%}
    cast(60 * extract(hour from {{ moment }}) + extract(minute from {{ moment }}) as integer)
{%- endmacro %}

{#- Minutes since midnight of a clock text, 22:00 is 1320; and back. -#}
{% macro minute_of_clock(clock) -%}
    60 * cast(substring({{ clock }}, 1, 2) as integer) + cast(substring({{ clock }}, 4, 2) as integer)
{%- endmacro %}

{% macro clock_of_minute(minute) -%}
    lpad(cast(cast(floor({{ minute }} / 60) as integer) as varchar), 2, '0') || ':' || lpad(cast({{ minute }} % 60 as varchar), 2, '0')
{%- endmacro %}

{#- Whether a minute lies in [start, end); a window may reach over midnight. -#}
{% macro in_window(minute, start, ends) -%}
    case
        when {{ start }} <= {{ ends }} then {{ minute }} >= {{ start }} and {{ minute }} < {{ ends }}
        else {{ minute }} >= {{ start }} or {{ minute }} < {{ ends }}
    end
{%- endmacro %}

{#- A day as a whole number, for windows over days. -#}
{% macro day_number(day) -%}
    {{ days_between("date '1970-01-01'", day) }}
{%- endmacro %}

{#- Whether a seed row with valid_from and valid_to (both days included, empty is open) holds on a day. -#}
{% macro is_valid_on(seed, day) -%}
    coalesce({{ seed }}.valid_from, date '0001-01-01') <= {{ day }} and coalesce({{ seed }}.valid_to, date '9999-12-31') >= {{ day }}
{%- endmacro %}

{#- The means of contact of the ledger, and the steps of the ladder that attempts are counted by. -#}
{% macro contact_channels() -%}
    {{ return(['phone', 'sms', 'email', 'letter', 'visit', 'app', 'social', 'legal']) }}
{%- endmacro %}

{% macro collection_steps() -%}
    {{ return(['PHONE', 'SMS', 'EMAIL', 'AGENCY', 'VISIT', 'SOCIAL_CLUE', 'EMERGENCY_CONTACT', 'EMPLOYER', 'LETTER', 'COURT']) }}
{%- endmacro %}

{#- The first day on which contacts, overdue episodes and moves are looked at, and how many days they are followed. -#}
{% macro contact_history_from() -%}
    {{ add_days(as_of(), '1 - ' ~ run_value('contact_history_days')) }}
{%- endmacro %}

{% macro contact_horizons() -%}
    {{ return([7, 30]) }}
{%- endmacro %}

{#- Whether a word is one of a list written `a b c`; and its place in it, a number that grows with it. -#}
{% macro in_words(word, listed) -%}
    {{ place_in_words(word, listed) }} > 0
{%- endmacro %}

{% macro place_in_words(word, listed) -%}
    position(' ' || {{ word }} || ' ' in ' ' || {{ listed }} || ' ')
{%- endmacro %}
