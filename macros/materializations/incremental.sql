{#- Kept state in the working database: what the pre-hook forgets and what the query finds anew, in one transaction and without
    a second table. The columns are those of the code that made the table: other code starts from nothing (flows/build.py). -#}
{% materialization incremental, adapter='duckdb' %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- call statement('main') -%}
        {%- if is_incremental() %}
            {%- for hook in pre_hooks %}
                {{ render(hook.get('sql')) }};
            {%- endfor %}
            insert into {{ target }} by name
            {{ compiled_code }}
        {%- else %}
            {%- if existing is not none %}
                drop {{ existing.type }} if exists {{ existing }};
            {%- endif %}
            {{ create_table_as(false, target, compiled_code) }}
        {%- endif %}
    {%- endcall %}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}
