{#- Schemas are named as in the project file, without the target's as a prefix: marts is marts. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
