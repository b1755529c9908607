{#- A view in the working database: replaced in one statement. dbt's own way, a second view and two renames, guards readers that
    we do not have. -#}
{% materialization view, adapter='duckdb' %}
    {%- set target = this.incorporate(type='view') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- call statement('main') -%}
        {%- if existing is not none and existing.type != 'view' %}
            drop {{ existing.type }} if exists {{ existing }};
        {%- endif %}
        {%- if config.get('contract').enforced %}
            {{ get_assert_columns_equivalent(compiled_code) }}
        {%- endif %}
        create or replace view {{ target }} as (
            {{ compiled_code }}
        )
    {%- endcall %}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}
