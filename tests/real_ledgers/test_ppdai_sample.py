"""The repayment log of a Chinese lender: sentinels, \\N, and amounts with 4 decimals."""

from __future__ import annotations

import csv
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest

from real_ledgers.book import DATA, Book, land

AS_OF = date(2018, 12, 31)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return land("ppdai_sample", "2019-03-31", tmp_path_factory.mktemp("ppdai_sample"))


@pytest.fixture(scope="module")
def log(book: Book) -> list[dict[str, str]]:
    with open(DATA / "ppdai_sample" / "user_repay_logs_sample.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def cents(text: str) -> Decimal:
    return Decimal(text).quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_it_loads_whole(book: Book) -> None:
    book.nothing_is_lost()
    totals = book.record["ledgers"]
    assert totals["loans"]["rows_loaded"] == book.expected["listings"] == 12
    assert totals["installments"]["rows_loaded"] == book.expected["instalment_rows"] == 73
    assert (
        totals["repayments"]["rows_filtered"]
        == book.expected["repay_date_2200-01-01 (overdue when paid, real date masked)"]
    )
    assert totals["repayments"]["rows_loaded"] == 73 - 16
    assert sum(total["rows_quarantined"] for total in totals.values()) == 0
    assert totals["customers"]["rows_loaded"] == 16, "6 of the log, and 10 of user_info"


def test_four_decimals_are_rounded_half_up_and_counted(book: Book, log: list[dict[str, str]]) -> None:
    due = {(r["listing_id"], int(r["order_id"])): cents(r["due_amt"]) for r in log}
    found = book.rows("select loan_id, installment_no, principal_due from 'raw/installments.parquet'")
    assert {(r["loan_id"], r["installment_no"]): r["principal_due"] for r in found} == due
    paid = [r for r in log if r["repay_date"] != "2200-01-01"]
    assert book.record["rounded"] == {
        "installments.principal_due in user_repay_logs_sample.csv": sum(
            cents(r["due_amt"]) != Decimal(r["due_amt"]) for r in log
        ),
        "repayments.amount in user_repay_logs_sample.csv": sum(
            cents(r["repay_amt"]) != Decimal(r["repay_amt"]) for r in paid
        ),
    }


def test_a_backslash_n_is_null(book: Book) -> None:
    assert book.rows("select region, opened_on from 'raw/customers.parquet' where customer_id = '414650'") == [
        {"region": None, "opened_on": date(2017, 2, 1)}
    ]


def test_ageing(book: Book, log: list[dict[str, str]]) -> None:
    """A loan is as late as its oldest installment that was due before the day and not paid by its due date."""
    missed: dict[str, list[date]] = {}
    for row in log:
        if row["repay_date"] == "2200-01-01" and date.fromisoformat(row["due_date"]) < AS_OF:
            missed.setdefault(row["listing_id"], []).append(date.fromisoformat(row["due_date"]))
    loans = {loan["loan_id"]: loan for loan in book.loans_at(AS_OF)}
    assert {k: loan["days_past_due"] for k, loan in loans.items() if loan["days_past_due"]} == {
        k: (AS_OF - min(days)).days for k, days in missed.items()
    }
    assert {k: loans[k]["missed_installments"] for k in missed} == {k: len(days) for k, days in missed.items()}
