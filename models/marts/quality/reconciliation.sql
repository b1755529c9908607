-- grain: GL account and currency that holds something of the book, or has a balance of the as-of date
-- as of: the end of the as-of date; balances delivered for that date, and no other
-- decision: 0110 the book against the general ledger

with loans as (
    {{ version_at('loans', ['loan_id']) }}
),

held as (
    select
        loans.gl_account,
        aged.currency,
        aged.outstanding_principal as balance
    from {{ ref('int_aging__figures') }} as aged
    inner join loans on loans.loan_id = aged.loan_id
    where aged.as_of = {{ as_of() }} and not aged.is_written_off
    union all
    select
        gl_account,
        currency,
        outstanding as balance
    from {{ ref('int_advances__figures') }}
    where as_of = {{ as_of() }} and not is_written_off
),

ledger as (
    select
        coalesce(gl_account, 'not_stated') as gl_account,
        currency,
        count(*) as items,
        sum(balance) as balance
    from held
    group by coalesce(gl_account, 'not_stated'), currency
),

gl as (
    select
        gl_account,
        currency,
        balance
    from {{ ref('stg_gl_balances') }}
    where as_of = {{ as_of() }}
),

explained as (
    select
        gl_account,
        currency,
        sum(amount) as amount,
        {{ text_list("explanation || ' (' || approved_by || ')'", 'explanation', '; ') }} as explanation
    from {{ ref('reconciliation_explanation') }}
    where
        coalesce(valid_from, date '0001-01-01') <= {{ as_of() }}
        and valid_to >= {{ as_of() }}
    group by gl_account, currency
),

compared as (
    select
        coalesce(ledger.gl_account, gl.gl_account) as gl_account,
        coalesce(ledger.currency, gl.currency) as currency,
        coalesce(ledger.items, 0) as items,
        coalesce(ledger.balance, 0) as ledger_balance,
        gl.balance as gl_balance,
        coalesce(ledger.balance, 0) - gl.balance as difference,
        cast({{ run_value('reconciliation_tolerance') }} as decimal(18, 2)) as tolerance
    from ledger
    full outer join gl on gl.gl_account = ledger.gl_account and gl.currency = ledger.currency
),

judged as (
    select
        compared.*,
        explained.amount as explained_amount,
        explained.explanation,
        case
            when compared.gl_balance is null then 'no_gl'
            when abs(compared.difference) <= compared.tolerance then 'agrees'
            when abs(compared.difference - explained.amount) <= compared.tolerance then 'explained'
            else 'differs'
        end as status
    from compared
    left join explained  -- a miss: nobody has explained a difference
        on explained.gl_account = compared.gl_account and explained.currency = compared.currency
)

select
    {{ as_of() }} as as_of,
    judged.gl_account,
    judged.currency,
    cast(judged.items as bigint) as items,
    cast(judged.ledger_balance as decimal(18, 2)) as ledger_balance,
    cast(judged.gl_balance as decimal(18, 2)) as gl_balance,
    cast(judged.difference as decimal(18, 2)) as difference,
    judged.tolerance,
    cast(judged.explained_amount as decimal(18, 2)) as explained_amount,
    judged.explanation,
    judged.status,
    {{ labels_of('statuses', 'status') }},
    {{ run_value('policy_version') }} as policy_version
from judged
{{ join_labels('statuses', 'reconciliation', 'judged.status') }}
