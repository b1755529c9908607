{#- What a person reads for a code: its place, and its words in Chinese and English, from a joined row of the seed label. -#}
{% macro labels_of(joined, name) -%}
    {{ joined }}.code_order as {{ name }}_order,
    {{ joined }}.label_zh as {{ name }}_zh,
    {{ joined }}.label_en as {{ name }}_en
{%- endmacro %}

{#- The join that brings that row: every code that is shipped has one (flows/policy), so a miss is an empty code. -#}
{% macro join_labels(joined, code_set, code) -%}
    left join {{ ref('label') }} as {{ joined }} on {{ joined }}.code_set = '{{ code_set }}' and {{ joined }}.code = {{ code }}
{%- endmacro %}
