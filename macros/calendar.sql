{#- A due date as the product's convention moves it; `days` is the row of int_calendar__days for that date, joined on
    rolls_by so that a date that does not roll finds none. -#}
{% macro rolled(due_on, due_date_roll, days) -%}
    case {{ due_date_roll }}
        when 'following' then coalesce({{ days }}.following_on, {{ due_on }})
        when 'following_holiday' then coalesce({{ days }}.following_holiday_on, {{ due_on }})
        else {{ due_on }}
    end
{%- endmacro %}

{#- The calendar that a due date rolls by; null where it does not roll. -#}
{% macro rolls_by(relation) -%}
    case when {{ relation }}.due_date_roll <> 'none' then {{ relation }}.calendar end
{%- endmacro %}
