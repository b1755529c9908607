-- grain: earlier date of the history, loan and column whose figure would differ if that date were published now
-- as of: the end of each earlier date, known now; the old value is what the date's latest publication under this policy said
-- decision: 0013 restatements

{% set columns = [
    'customer_id', 'segment', 'product_id', 'branch_id', 'security', 'currency',
    'principal', 'disbursed_on', 'matures_on', 'plan_no', 'plan_effective_on', 'days_before_plan',
    'outstanding_principal', 'overpaid_amount', 'overdue_principal', 'overdue_interest', 'overdue_fees', 'overdue_amount',
    'overdue_balance', 'oldest_unpaid_due_on', 'days_past_due', 'customer_days_past_due', 'delinquent_days', 'business_days_past_due',
    'missed_installments', 'bucket', 'm_stage', 'first_overdue_on', 'max_days_past_due', 'last_paid_on',
    'is_first_payment_default', 'is_restructured', 'is_written_off',
] %}
{#- read from the master rows themselves, so a new version of those is the likelier cause #}
{% set attributes = ['customer_id', 'segment', 'product_id', 'branch_id', 'security', 'currency', 'principal'] %}

with changes as (
    select * from {{ ref('int_quality__changes_since') }}
),

changed as (
    select
        as_of,
        loan_id,
        count(*) as causes
    from changes
    group by as_of, loan_id
),

now_said as (
    select * from {{ ref('int_aging__loan_rows') }}
    where is_restated
),

then_said as (
    select published_loans.*
    from {{ source('raw', 'published_loans') }} as published_loans
    inner join changed on changed.as_of = published_loans.as_of and changed.loan_id = published_loans.loan_id
),

both_said as (
    select
        changed.as_of,
        changed.loan_id,
        then_said.loan_id is not null and now_said.loan_id is not null as is_in_both,
        then_said.loan_id as old_loan_id,
        now_said.loan_id as new_loan_id,
        {%- for column in columns %}
        then_said.{{ column }} as old_{{ column }},
        now_said.{{ column }} as new_{{ column }},
        {%- endfor %}
        changed.causes
    from changed
    left join then_said  -- a miss: the loan was not there then
        on then_said.as_of = changed.as_of and then_said.loan_id = changed.loan_id
    left join now_said  -- a miss: the loan is no longer there: disbursed later, or closed by then
        on now_said.as_of = changed.as_of and now_said.loan_id = changed.loan_id
),

-- a loan that came or went differs in its id, and not in each of its figures besides
differing as (
    select
        as_of,
        loan_id,
        causes,
        'loan_id' as column_name,
        old_loan_id as old_value,
        new_loan_id as new_value,
        false as is_attribute
    from both_said
    where old_loan_id is distinct from new_loan_id
    {%- for column in columns %}
    union all
    select
        as_of,
        loan_id,
        causes,
        '{{ column }}' as column_name,
        cast(old_{{ column }} as varchar) as old_value,
        cast(new_{{ column }} as varchar) as new_value,
        {{ 'true' if column in attributes else 'false' }} as is_attribute
    from both_said
    where is_in_both and old_{{ column }} is distinct from new_{{ column }}
    {%- endfor %}
),

-- the first row that came after the publication, of master rows first where the column is theirs
caused as (
    select
        differing.*,
        changes.ledger,
        changes.ledger_key,
        changes.delivery,
        row_number() over (
            partition by differing.as_of, differing.loan_id, differing.column_name
            order by
                case when differing.is_attribute = (changes.ledger in ('loans', 'customers')) then 0 else 1 end,
                changes.delivery_no, changes.ledger, changes.ledger_key
        ) as place
    from differing
    inner join changes on changes.as_of = differing.as_of and changes.loan_id = differing.loan_id
)

select
    {{ as_of() }} as as_of,
    as_of as restated_as_of,
    loan_id,
    column_name,
    old_value,
    new_value,
    ledger as cause_ledger,
    ledger_key as cause_key,
    delivery as cause_delivery,
    cast(causes as integer) as causes,
    {{ run_value('policy_version') }} as policy_version
from caused
where place = 1
