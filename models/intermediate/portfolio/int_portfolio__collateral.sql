-- grain: customer and currency with valued collateral for loans of the book
-- as of: the newest valuation dated on or before the as-of date
-- decision: 0032 exposure: collateral counts in its loan's currency only

select
    customer_id,
    currency,
    cast(sum(market_value) as decimal(18, 2)) as collateral_value
from {{ ref('int_portfolio__valuations') }}
where is_in_loan_currency
group by customer_id, currency
