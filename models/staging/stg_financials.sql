with versions as (
    {{ newest_version('financials', ['customer_id', 'period_end']) }}
)

select
    customer_id,
    period_end,
    revenue,
    net_profit,
    operating_cash_flow,
    current_assets,
    current_liabilities,
    total_assets,
    total_liabilities,
    _delivery,
    _delivery_no,
    _origin,
    _file,
    _line
from versions
