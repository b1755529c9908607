"""A simple book of any size, written by DuckDB: one product, installments paid oldest first, no special cases.

Usage:  python benchmarks/simple_book.py FOLDER --loans 100000 [--format parquet|csv]

About 19 installments and 17 repayments a loan: 13 to 25 monthly installments from 2024-02 on; of a hundred loans 80 pay on
the day, 12 up to 40 days late, 5 skip each seventh installment, 3 stop after half. `change` writes the next day's delivery:
one repayment for each of a share of the loans.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

import duckdb

DAY = date(2026, 10, 31)
NEXT_DAY = date(2026, 11, 30)

BOOK = """
    create temp table loans_made as
    select
        n, 'L-' || n as loan_id, 13 + hash(n, 'term') % 13 as term, hash(n, 'kind') % 100 as kind,
        (date '2024-01-01' + (hash(n, 'day') % 540)::integer) as disbursed_on, (3000 + hash(n, 'size') % 97000)::decimal(18, 2) as size
    from range({loans}) as numbers (n);

    create temp table installments_made as
    select
        loan_id, n, kind, i as installment_no, (disbursed_on + to_months(i::integer))::date as due_on,
        round(size / term, 2)::decimal(18, 2) as principal_due, round(size * 0.006, 2)::decimal(18, 2) as interest_due
    from loans_made, unnest(range(1, term::bigint + 1)) as numbers (i);
"""

LEDGERS = {
    "customers": """
        select distinct 'C-' || (n // 2) as customer_id, 'personal' as segment from loans_made order by all
    """,
    "products": "select 'P' as product_id, 'oldest_installment_first' as allocation",
    "loans": """
        select
            loan_id, 'C-' || (n // 2) as customer_id, 'P' as product_id, disbursed_on, max(due_on) as matures_on,
            sum(principal_due)::decimal(18, 2) as principal, 'CNY' as currency, 0.072 as annual_rate
        from loans_made inner join installments_made using (loan_id, n)
        group by loan_id, n, disbursed_on order by n
    """,
    "installments": """
        select loan_id, installment_no, due_on, principal_due, interest_due from installments_made order by n, installment_no
    """,
    "repayments": """
        select 'R-' || n || '-' || installment_no as repayment_id, loan_id, paid_on, amount
        from (
            select
                *, principal_due + interest_due as amount,
                case when kind < 80 then due_on when kind < 92 then due_on + (hash(n, installment_no) % 41)::integer else due_on end as paid_on
            from installments_made
        )
        where paid_on <= date '{day}'
            and not (kind between 92 and 96 and installment_no % 7 = 0)
            and not (kind >= 97 and installment_no > 8)
        order by n, installment_no
    """,
}


def write(folder: Path, loans: int, format: str = "parquet") -> Path:
    """The first delivery, as of DAY."""
    delivery = folder / str(DAY)
    delivery.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(BOOK.format(loans=loans))
        for ledger, query in LEDGERS.items():
            connection.execute(f"copy ({query.format(day=DAY)}) to '{delivery / ledger}.{format}'")
    return delivery


def change(folder: Path, loans: int, share: float, format: str = "parquet") -> Path:
    """The next delivery: a repayment of 100.00 for a share of the loans."""
    delivery = folder / str(NEXT_DAY)
    delivery.mkdir(parents=True)
    rows = f"""
        select 'N-' || n as repayment_id, 'L-' || n as loan_id, date '{NEXT_DAY}' as paid_on, 100.00::decimal(18, 2) as amount
        from range({loans}) as numbers (n) where n % {round(1 / share)} = 0
    """
    duckdb.sql(f"copy ({rows}) to '{delivery}/repayments.{format}'")
    return delivery


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--loans", type=int, default=100_000)
    parser.add_argument("--format", choices=["parquet", "csv"], default="parquet")
    given = parser.parse_args()
    print(write(given.folder, given.loans, given.format))
