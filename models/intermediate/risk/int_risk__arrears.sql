-- grain: customer with something of the book overdue, and currency
-- as of: the end of the as-of date
-- decision: 0047 whom a case is about

select
    customer_id,
    currency,
    count(*) as items,
    max(days_past_due) as days_past_due,
    min({{ first_day_past_due('unpaid_since', 'day_count') }}) as late_from,
    cast(sum(overdue_amount) as decimal(18, 2)) as overdue_amount,
    cast(sum(balance) as decimal(18, 2)) as overdue_balance,
    {{ text_list('item_id', 'item_id') }} as item_ids
from {{ ref('int_risk__items') }}
where as_of = {{ as_of() }} and days_past_due > 0
group by customer_id, currency
