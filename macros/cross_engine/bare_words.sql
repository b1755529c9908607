{#- A message for matching: lower case; for Chinese without spaces and punctuation, for English its words between single blanks. -#}
{% macro bare_chinese(text) -%}
    {{ return(adapter.dispatch('bare_chinese')(text)) }}
{%- endmacro %}

{% macro default__bare_chinese(text) -%}
    regexp_replace(lower({{ text }}), '[\s\p{P}\p{S}]+', '', 'g')
{%- endmacro %}

{% macro spark__bare_chinese(text) -%}
    regexp_replace(lower({{ text }}), '[\\s\\p{P}\\p{S}]+', '')
{%- endmacro %}

{% macro bare_english(text) -%}
    {{ return(adapter.dispatch('bare_english')(text)) }}
{%- endmacro %}

{% macro default__bare_english(text) -%}
    ' ' || regexp_replace(lower({{ text }}), '[^a-z0-9]+', ' ', 'g') || ' '
{%- endmacro %}

{% macro spark__bare_english(text) -%}
    ' ' || regexp_replace(lower({{ text }}), '[^a-z0-9]+', ' ') || ' '
{%- endmacro %}
