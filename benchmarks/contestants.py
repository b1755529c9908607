"""Days past due, overdue amount and oldest unpaid due date of each loan of a simple book, four ways. One a process.

Usage:  python benchmarks/contestants.py (duckdb|polars|pandas) DELIVERY AS_OF RESULT.parquet

What is due before the day, laid end to end by due date; the first installment that the money received does not reach is the
oldest unpaid one. That is all a simple book needs; `loan_aging` has every convention beside it.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from datetime import date
from pathlib import Path


def by_duckdb(delivery: Path, as_of: date, result: Path) -> None:
    import duckdb

    ends = next(p.suffix for p in delivery.glob("loans.*"))
    duckdb.sql(f"""
        copy (
            with paid as (select loan_id, sum(amount) as paid from '{delivery}/repayments{ends}' where paid_on <= '{as_of}' group by 1),
            due as (
                select
                    loan_id, due_on,
                    sum(principal_due + interest_due) over (partition by loan_id order by due_on, installment_no) as reached
                from '{delivery}/installments{ends}'
                where due_on < '{as_of}'
            ),
            late as (
                select loan_id, min(due_on) as oldest_unpaid_due_on, max(reached) - coalesce(any_value(paid), 0) as overdue_amount
                from due left join paid using (loan_id) where reached > coalesce(paid, 0) group by 1
            )
            select loan_id, coalesce(date '{as_of}' - oldest_unpaid_due_on, 0)::integer as days_past_due,
                coalesce(overdue_amount, 0)::decimal(18, 2) as overdue_amount, oldest_unpaid_due_on
            from '{delivery}/loans{ends}' left join late using (loan_id)
        ) to '{result}'
    """)


def by_polars(delivery: Path, as_of: date, result: Path) -> None:
    import polars as pl

    ends = next(p.suffix for p in delivery.glob("loans.*"))

    def scan(ledger: str) -> pl.LazyFrame:
        path = delivery / f"{ledger}{ends}"
        return pl.scan_parquet(path) if ends == ".parquet" else pl.scan_csv(path, try_parse_dates=True)

    def cents(column: str) -> pl.Expr:
        return (pl.col(column) * 100).round().cast(pl.Int64)

    paid = (
        scan("repayments")
        .filter(pl.col("paid_on") <= as_of)
        .group_by("loan_id")
        .agg(cents("amount").sum().alias("paid"))
    )
    late = (
        scan("installments")
        .filter(pl.col("due_on") < as_of)
        .sort("loan_id", "due_on", "installment_no")
        .with_columns((cents("principal_due") + cents("interest_due")).cum_sum().over("loan_id").alias("reached"))
        .join(paid, on="loan_id", how="left")
        .with_columns(pl.col("paid").fill_null(0))
        .filter(pl.col("reached") > pl.col("paid"))
        .group_by("loan_id")
        .agg(
            pl.col("due_on").min().alias("oldest_unpaid_due_on"),
            (pl.col("reached").max() - pl.col("paid").first()).alias("cents"),
        )
    )
    (
        scan("loans")
        .select("loan_id")
        .join(late, on="loan_id", how="left")
        .select(
            "loan_id",
            (pl.lit(as_of) - pl.col("oldest_unpaid_due_on"))
            .dt.total_days()
            .fill_null(0)
            .cast(pl.Int32)
            .alias("days_past_due"),
            (pl.col("cents").fill_null(0) / 100).round(2).alias("overdue_amount"),
            "oldest_unpaid_due_on",
        )
        .collect(engine="streaming")
        .write_parquet(result)
    )


def by_pandas(delivery: Path, as_of: date, result: Path) -> None:
    import pandas as pd

    ends = next(p.suffix for p in delivery.glob("loans.*"))

    def read(ledger: str, dates: list[str]) -> pd.DataFrame:
        path = delivery / f"{ledger}{ends}"
        frame = pd.read_parquet(path) if ends == ".parquet" else pd.read_csv(path)
        return frame.assign(**{column: pd.to_datetime(frame[column]) for column in dates})

    def cents(column: pd.Series) -> pd.Series:
        return (column.astype(float) * 100).round().astype("int64")

    day = pd.Timestamp(as_of)
    repayments = read("repayments", ["paid_on"])
    repayments = repayments[repayments.paid_on <= day]
    paid = cents(repayments.amount).groupby(repayments.loan_id).sum()
    due = read("installments", ["due_on"])
    due = due[due.due_on < day].sort_values(["loan_id", "due_on", "installment_no"])
    due["reached"] = (cents(due.principal_due) + cents(due.interest_due)).groupby(due.loan_id).cumsum()
    due["paid"] = due.loan_id.map(paid).fillna(0)
    unpaid = due[due.reached > due.paid].groupby("loan_id")
    late = pd.DataFrame(
        {
            "oldest_unpaid_due_on": unpaid.due_on.min(),
            "overdue_amount": (unpaid.reached.max() - unpaid.paid.first()) / 100,
        }
    )
    loans = read("loans", [])[["loan_id"]].merge(late, on="loan_id", how="left")
    loans["days_past_due"] = (day - loans.oldest_unpaid_due_on).dt.days.fillna(0).astype("int32")
    loans["overdue_amount"] = loans.overdue_amount.fillna(0).round(2)
    loans.to_parquet(result)


if __name__ == "__main__":
    way, delivery, day, result = sys.argv[1:]
    began = time.perf_counter()
    globals()[f"by_{way}"](Path(delivery), date.fromisoformat(day), Path(result))
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": round(seconds, 3), "peak_mb": round(peak)}))
