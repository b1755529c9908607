{#- A moment in UTC as the clock of a time zone shows it. -#}
{% macro local_time(moment, time_zone) -%}
    {{ return(adapter.dispatch('local_time')(moment, time_zone)) }}
{%- endmacro %}

{% macro default__local_time(moment, time_zone) -%}
    timezone({{ time_zone }}, timezone('UTC', {{ moment }}))
{%- endmacro %}

{% macro spark__local_time(moment, time_zone) -%}
    from_utc_timestamp({{ moment }}, {{ time_zone }})
{%- endmacro %}
