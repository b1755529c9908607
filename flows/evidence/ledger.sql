-- Balances of the general ledger for the as-of date, as delivered last; and whether anything was delivered on a later day, which that
-- ledger could not know when it was closed.

create table evidence.general_ledger as
select
    gl_account, currency, balance,
    left(_delivery, 10) < (select left(known_at, 10) from work.raw.run) as is_overtaken
from work.raw.gl_balances
where as_of = (select as_of from clock)
qualify row_number() over (partition by gl_account, currency order by _delivery_no desc) = 1;
