"""500 single-payment loans: the lender's own days past due, reproduced for 199 of 200 loans."""

from __future__ import annotations

import csv
from datetime import date
from typing import Any

import pytest

from real_ledgers.book import DATA, Book, land

AS_OF = date(2016, 12, 8)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return land("loan_payments_2016", AS_OF.isoformat(), tmp_path_factory.mktemp("loan_payments_2016"))


@pytest.fixture(scope="module")
def loans(book: Book) -> dict[str, dict[str, Any]]:
    return {loan["loan_id"]: loan for loan in book.loans_at(AS_OF)}


def lenders_rows(status: str) -> list[dict[str, str]]:
    with open(DATA / "loan_payments_2016" / "loan_payments.csv", encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["loan_status"] == status]


def test_it_loads_whole(book: Book) -> None:
    book.nothing_is_lost()
    loaded = {name: total["rows_loaded"] for name, total in book.record["ledgers"].items()}
    assert loaded == {"customers": 500, "loans": 500, "installments": 500, "repayments": 400}


def test_loans_in_collection(book: Book, loans: dict[str, dict[str, Any]]) -> None:
    rows = lenders_rows("COLLECTION")
    assert {r["Loan_ID"]: loans[r["Loan_ID"]]["days_past_due"] for r in rows} == {
        r["Loan_ID"]: int(r["past_due_days"]) for r in rows
    }
    for bucket, count, principal in book.expected["COLLECTION_buckets_at_2016-12-08"]:
        low, high = map(int, bucket.split("-"))
        found = [loans[r["Loan_ID"]] for r in rows if low <= loans[r["Loan_ID"]]["days_past_due"] <= high]
        assert (len(found), sum(loan["overdue_balance"] for loan in found)) == (count, principal), bucket


def test_loans_paid_late(loans: dict[str, dict[str, Any]]) -> None:
    """The lender counts to the moment of payment; a day counts here at its end, so the day of payment is not late."""
    differ = {}
    for row in lenders_rows("COLLECTION_PAIDOFF"):
        loan = loans[row["Loan_ID"]]
        late = (loan["last_paid_on"] - loan["matures_on"]).days
        assert (loan["days_past_due"], loan["max_days_past_due"]) == (0, late - 1)
        if late > 1:
            assert (loan["last_paid_on"] - loan["first_overdue_on"]).days + 1 == late
        else:
            assert loan["first_overdue_on"] is None, "paid on the day after it was due: late at the end of no day"
        if late != int(row["past_due_days"]):
            differ[row["Loan_ID"]] = (late, int(row["past_due_days"]))
    # due on 10/10 and paid on 10/11 at 11:02; the lender says 2
    assert differ == {"xqd20160428": (1, 2)}


def test_loans_paid_in_time_were_never_late(loans: dict[str, dict[str, Any]]) -> None:
    late = [r["Loan_ID"] for r in lenders_rows("PAIDOFF") if loans[r["Loan_ID"]]["max_days_past_due"] > 0]
    assert late == []
