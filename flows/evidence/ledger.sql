-- Balances of the general ledger for the as-of date, as delivered last.

create table evidence.general_ledger as
select gl_account, currency, balance
from work.raw.gl_balances
where as_of = (select as_of from clock)
qualify row_number() over (partition by gl_account, currency order by _delivery_no desc) = 1;
