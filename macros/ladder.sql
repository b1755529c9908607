{#- What of a charge in the queue is still to be paid by climbing money: charges_paid (by waivers, or by a replay that pays
    charges first) takes the oldest charges. -#}
{% macro charges_left_to(rung, money) -%}
    greatest(0, {{ rung }}.charged_to - {{ money }}.charges_paid)
{%- endmacro %}

{#- How far up the axis of money a rung reaches; under fees_first charges stand beside the axis, not on it. -#}
{% macro reaches_to(rung, money) -%}
    {{ rung }}.planned_to + {{ rung }}.charged_back_to
    + case when {{ money }}.allocation = 'fees_first' then 0 else {{ charges_left_to(rung, money) }} end
{%- endmacro %}

{#- Whether a rung is not fully paid. -#}
{% macro is_unpaid(rung, money) -%}
    case
        when {{ rung }}.kind = 'charge' and {{ charges_left_to(rung, money) }} = 0 then false
        when {{ rung }}.kind = 'charge' and {{ money }}.allocation = 'fees_first' then true
        else {{ reaches_to(rung, money) }} > {{ money }}.paid_to
    end
{%- endmacro %}

{#- The unpaid part of one component of a rung. component_order says what is paid first, so the last named is the last
    to be paid: unpaid of the third is least(third, unpaid), of the second what then remains, and so on. -#}
{% macro unpaid_component(component) -%}
    cast(
        case split_part(component_order, ',', 3)
            {%- for last in ['principal', 'interest', 'fee'] %}
            when '{{ last }}' then
                {%- if component == last %}
                least({{ last }}_due, unpaid)
                {%- else %}
                {%- set other = (['principal', 'interest', 'fee'] | reject('equalto', last) | reject('equalto', component) | list)[0] %}
                case
                    when split_part(component_order, ',', 2) = '{{ component }}'
                        then least({{ component }}_due, greatest(0, unpaid - {{ last }}_due))
                    else greatest(0, unpaid - {{ last }}_due - {{ other }}_due)
                end
                {%- endif %}
            {%- endfor %}
        end as decimal(18, 2)
    )
{%- endmacro %}
