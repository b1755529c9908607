-- grain: customer and currency with a loan or advance of the book
-- as of: the end of the as-of date
-- decision: 0034 customer types: the item with most days past due speaks for the customer, of one without arrears the last begun

with items as (
    select
        customer_id,
        currency,
        'loan' as item_type,
        loan_id as item_id,
        disbursed_on as started_on,
        matures_on as ends_on,
        days_past_due
    from {{ ref('int_aging__loans_at') }}
    where as_of = {{ as_of() }} and not is_written_off
    union all
    select
        customer_id,
        currency,
        'advance' as item_type,
        advance_id as item_id,
        advanced_on as started_on,
        due_on as ends_on,
        days_past_due
    from {{ ref('int_advances__figures') }}
    where as_of = {{ as_of() }} and not is_written_off
),

ranked as (
    select
        *,
        row_number() over (
            partition by customer_id, currency
            order by days_past_due desc, started_on asc, item_id asc, item_type asc
        ) as place,
        max({{ calendar_months_between('started_on', 'ends_on') }}) over (partition by customer_id, currency) as longest_tenor_months
    from items
    where days_past_due > 0
),

of_all_items as (
    select
        customer_id,
        currency,
        max(started_on) as started_on,
        max({{ calendar_months_between('started_on', 'ends_on') }}) as longest_tenor_months
    from items
    group by customer_id, currency
    having max(days_past_due) = 0
),

judged as (
    select customer_id, currency, item_type, item_id, started_on, days_past_due, longest_tenor_months, true as is_overdue
    from ranked
    where place = 1
    union all
    select
        customer_id,
        currency,
        cast(null as varchar) as item_type,
        cast(null as varchar) as item_id,
        started_on,
        0 as days_past_due,
        longest_tenor_months,
        false as is_overdue
    from of_all_items
),

-- in any currency, closed ones too
earlier as (
    select
        judged.customer_id,
        judged.currency,
        count(*) as loans
    from judged
    inner join {{ ref('int_aging__loans') }} as loans
        on loans.customer_id = judged.customer_id and loans.disbursed_on < judged.started_on
    group by judged.customer_id, judged.currency
)

select
    judged.customer_id,
    judged.currency,
    judged.item_type,
    judged.item_id,
    judged.is_overdue,
    judged.started_on,
    judged.days_past_due,
    judged.longest_tenor_months,
    cast(coalesce(earlier.loans, 0) as bigint) as earlier_loans,
    coalesce(judged.started_on < {{ run_value('history_complete_from') }}, false) as is_before_history
from judged
left join earlier  -- a miss: no loan before
    on earlier.customer_id = judged.customer_id and earlier.currency = judged.currency
