"""The World Bank's statement of loans: billions, exact to the cent, and where its own identities break."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import duckdb
import pytest
from support import build_at, rows_of

from real_ledgers.book import DATA, Book, land, mapping_of

AS_OF = date(2025, 9, 30)
NO_PLAN = {"installments.csv": "loan_id,installment_no,due_on,principal_due\n"}
SUMS = [
    "Original_Principal_Amount", "Cancelled_Amount_", "Undisbursed_Amount_", "Disbursed_Amount_", "Repaid_to_IBRD_",
    "Due_to_IBRD_", "Exchange_Adjustment_", "Borrowers_Obligation_", "Sold_Third_Party_", "Repaid__Third_Party",
    "Due__Third_Party_", "Loans_Held_",
]  # fmt: skip


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return land("ibrd", AS_OF.isoformat(), tmp_path_factory.mktemp("ibrd"), NO_PLAN)


def expected(book: Book, column: str) -> Decimal:
    """A control total: expected.json has it as a float, exact to the cent at this size."""
    return Decimal(str(book.expected["sums"][column])).quantize(Decimal("0.01"))


def test_it_loads_whole(book: Book) -> None:
    book.nothing_is_lost()
    totals = book.record["ledgers"]
    assert totals["loans"]["rows_read"] == book.expected["loans"][0] == 1264
    assert (totals["loans"]["rows_loaded"], totals["loans"]["rows_filtered"]) == (1160, 104)
    assert totals["customers"]["rows_loaded"] == book.expected["loans"][3] == 28
    assert sum(total["rows_quarantined"] for total in totals.values()) == 0
    assert book.amount("loans", "loaded") == expected(book, "Disbursed_Amount_")
    assert book.amount("repayments", "loaded") == expected(book, "Repaid_to_IBRD_") + expected(
        book, "Sold_Third_Party_"
    )
    assert book.amount("gl_balances", "loaded") == expected(book, "Due_to_IBRD_")


@pytest.mark.parametrize("column", SUMS)
def test_every_control_total_to_the_cent(column: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    mapping = mapping_of("ibrd").replace("balance: Due_to_IBRD_", f"balance: {column}")
    book = land("ibrd", AS_OF.isoformat(), tmp_path_factory.mktemp("ibrd"), NO_PLAN, mapping)
    assert book.amount("gl_balances", "loaded") == expected(book, column)


def test_a_control_file_with_big_amounts(book: Book, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = "ibrd_statement_of_loans_2025-09-30_raw.csv"
    total = "102,733,073,530.00"
    mapping = mapping_of("ibrd").replace("principal: Disbursed_Amount_", "principal: Original_Principal_Amount")
    mapping = (
        mapping[: mapping.index("  customers:")]
        + mapping[mapping.index("  loans:") :]
        + (
            "  customers:\n    - {file: "
            + file
            + ", columns: {customer_id: Country/Economy_Code, segment: {const: corporate}}}\n"
        )
    )
    control = f'file,rows,amount_total\n{file},1264,"{total}"\ninstallments.csv,0,0\n'
    land("ibrd", AS_OF.isoformat(), tmp_path_factory.mktemp("ibrd"), {**NO_PLAN, "delivery.csv": control}, mapping)


def test_the_identity_breaks_are_the_loans_that_do_not_reconcile(book: Book) -> None:
    """Disbursed = Repaid + Due + Sold holds for all loans but six; what we owe from the first three is Due for the rest."""
    database = build_at(book.home, AS_OF, marts=("loan_aging",)).database
    loans = rows_of(
        database,
        """
        select a.loan_id, a.outstanding_principal - a.overpaid_amount - g.balance as difference
        from marts.loan_aging as a inner join raw.gl_balances as g on g.gl_account = a.loan_id
        """,
    )
    assert len(loans) == 1160
    theirs = duckdb.sql(
        f"""
        select Loan_Number
        from read_csv('{DATA / "ibrd" / "ibrd_statement_of_loans_2025-09-30_raw.csv"}', all_varchar = true)
        where abs(
            Disbursed_Amount_::decimal(18, 2) - Repaid_to_IBRD_::decimal(18, 2) - Due_to_IBRD_::decimal(18, 2)
            - Sold_Third_Party_::decimal(18, 2)
        ) > 1
        """
    ).fetchall()
    assert len(theirs) == 1264 - book.expected["identities_within_$1"]["Disbursed=Repaid+Due+Sold"] == 6
    assert {loan["loan_id"] for loan in loans if abs(loan["difference"]) > 1} == {number for (number,) in theirs}
