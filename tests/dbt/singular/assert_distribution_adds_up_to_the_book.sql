-- Every scheme has each loan of the book in exactly one bucket.
with book as (
    select
        currency,
        count(*) as loans,
        sum(outstanding_principal) as outstanding_principal,
        sum(overdue_amount) as overdue_amount,
        sum(overdue_balance) as overdue_balance
    from {{ ref('loan_aging') }}
    where not is_written_off
    group by currency
),

schemes as (
    select distinct scheme from {{ ref('int_aging__buckets') }}
),

distributed as (
    select
        scheme,
        currency,
        sum(loans) as loans,
        sum(outstanding_principal) as outstanding_principal,
        sum(overdue_amount) as overdue_amount,
        sum(overdue_balance) as overdue_balance
    from {{ ref('aging_distribution') }}
    group by scheme, currency
)

select
    schemes.scheme,
    book.currency,
    book.loans as book_loans,
    distributed.loans,
    book.outstanding_principal as book_principal,
    distributed.outstanding_principal
from schemes
cross join book
left join distributed on distributed.scheme = schemes.scheme and distributed.currency = book.currency
where
    book.loans is distinct from distributed.loans
    or book.outstanding_principal is distinct from distributed.outstanding_principal
    or book.overdue_amount is distinct from distributed.overdue_amount
    or book.overdue_balance is distinct from distributed.overdue_balance
