-- grain: loan of the book that is secured by collateral, by what the ledger says of it or because some was valued
-- as of: the end of the as-of date, collateral at its newest valuation by then
-- decision: 0036 collateral shortfall

with haircuts as (
    select * from {{ ref('collateral_haircut') }}
),

valued as (
    select
        valuations.*,
        coalesce(own.haircut, of_any.haircut) as haircut,
        case when valuations.is_in_loan_currency then coalesce(own.label_zh, of_any.label_zh) end as label_zh,
        case when valuations.is_in_loan_currency then coalesce(own.label_en, of_any.label_en) end as label_en,
        {{ days_between('valuations.valued_on', as_of()) }} as age_days,
        coalesce(own.revalue_after_days, of_any.revalue_after_days) as revalue_after_days
    from {{ ref('int_portfolio__valuations') }} as valuations
    left join haircuts as own on own.kind = valuations.kind  -- a miss: a kind that has no row
    inner join haircuts as of_any on of_any.kind = '*'
),

collateral as (
    select
        loan_id,
        count(case when is_in_loan_currency then 1 end) as collaterals,
        count(case when not is_in_loan_currency then 1 end) as uncounted_collaterals,
        {{ text_list('distinct label_zh', 'label_zh', '、') }} as kinds_zh,
        {{ text_list('distinct label_en', 'label_en') }} as kinds_en,
        min(case when is_in_loan_currency then valued_on end) as oldest_valued_on,
        max(case when is_in_loan_currency then age_days end) as oldest_age_days,
        max(case when is_in_loan_currency and age_days > revalue_after_days then 1 else 0 end) = 1 as has_stale_valuation,
        sum(case when is_in_loan_currency then market_value else 0 end) as collateral_value,
        sum(case when is_in_loan_currency then round({{ times('market_value', '(1 - haircut)') }}, 2) else 0 end) as value_after_haircut
    from valued
    group by loan_id
),

loans as (
    select * from {{ ref('int_aging__figures') }}
    where as_of = {{ as_of() }} and not is_written_off
),

covered as (
    select
        loans.*,
        coalesce(collateral.collaterals, 0) as collaterals,
        coalesce(collateral.uncounted_collaterals, 0) as uncounted_collaterals,
        collateral.kinds_zh,
        collateral.kinds_en,
        collateral.oldest_valued_on,
        collateral.oldest_age_days,
        coalesce(collateral.has_stale_valuation, false) as has_stale_valuation,
        cast(coalesce(collateral.collateral_value, 0) as decimal(18, 2)) as collateral_value,
        cast(coalesce(collateral.value_after_haircut, 0) as decimal(18, 2)) as value_after_haircut,
        cast({{ run_value('target_loan_to_value') }} as decimal(9, 6)) as target_loan_to_value
    from loans
    left join collateral on collateral.loan_id = loans.loan_id  -- a miss: nothing was valued
    where loans.security in ('mortgaged', 'pledged', 'combined') or collateral.loan_id is not null
)

select
    as_of,
    loan_id,
    customer_id,
    segment,
    product_id,
    branch_id,
    security,
    currency,
    days_past_due,
    m_stage,
    cast(collaterals as bigint) as collaterals,
    cast(uncounted_collaterals as bigint) as uncounted_collaterals,
    kinds_zh,
    kinds_en,
    oldest_valued_on,
    cast(oldest_age_days as integer) as oldest_age_days,
    has_stale_valuation,
    collateral_value,
    value_after_haircut,
    outstanding_principal as balance,
    cast(greatest(0, outstanding_principal - value_after_haircut) as decimal(18, 2)) as shortfall,
    {{ bounded_share('outstanding_principal', 'value_after_haircut') }} as loan_to_value,
    target_loan_to_value,
    cast(greatest(0, {{ whole_for('outstanding_principal', 'target_loan_to_value') }} - value_after_haircut) as decimal(18, 2)) as collateral_to_ask
from covered
