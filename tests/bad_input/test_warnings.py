"""Rows that are loaded, and that somebody should look at: the landing gate lists them as warnings."""

from __future__ import annotations

import pytest

from bad_input.lender import BOOK, FIRST, HEADERS, SECOND, Lender


def test_the_sound_book_has_no_warning(lender: Lender) -> None:
    taken = lender.load()
    assert taken.warnings == []
    assert taken.quarantine == []


@pytest.mark.parametrize(
    ("file", "content", "warning"),
    [
        ("repayments", BOOK["repayments"] + "R3,L1,2026-03-01,1\n", ("repayments", "R3", "paid_on 2026-03-01")),
        ("loans", BOOK["loans"].replace("L2,C2,2026-01-05", "L2,C2,2027-01-05"), ("loans", "L2", "disbursed_on 2027-01-05")),
        (
            "contact_attempts",
            "attempt_id,customer_id,attempted_at,channel,outcome\nT1,C1,2026-03-01 00:30,phone,reached\nT2,C1,2026-02-28 23:59,phone,reached\n",
            ("contact_attempts", "T1", "attempted_at 2026-03-01 00:30:00+08"),
        ),
        (
            "advances",
            "advance_id,customer_id,kind,advanced_on,amount,currency\nA1,C2,guarantee,2026-03-05,900,CNY\n",
            ("advances", "A1", "advanced_on 2026-03-05"),
        ),
    ],
)  # fmt: skip
def test_dated_after_the_delivery(lender: Lender, file: str, content: str, warning: tuple[str, str, str]) -> None:
    taken = lender.load(**{file: content})
    assert taken.warned("dated_after_delivery") == [warning]
    assert warning[1] in taken.keys(file), "loaded all the same"
    assert not taken.quarantine


def test_repayment_before_disbursement(lender: Lender) -> None:
    taken = lender.load(repayments=BOOK["repayments"] + "R3,L1,2026-01-04,1\nR4,L1,2026-01-05,1\n")
    assert taken.warned("before_disbursement") == [
        ("repayments", "R3", "paid_on 2026-01-04, loan L1 disbursed on 2026-01-05")
    ]
    assert "R3" in taken.keys("repayments")
    later = lender.load(SECOND, repayments=HEADERS["repayments"] + "R5,L2,2025-12-31,1\n")
    assert [key for _, key, _ in later.warned("before_disbursement")] == ["R5"]


def test_loan_without_installments(lender: Lender) -> None:
    taken = lender.load(loans=BOOK["loans"] + "L3,C1,2026-01-05,2026-07-05,10,CNY\nL4,C1,2026-01-05,,10,CNY\n")
    assert taken.warned("no_installments") == [
        ("loans", "L3", "owes its principal on 2026-07-05"),
        ("loans", "L4", "owes its principal on no date"),
    ]


@pytest.mark.parametrize(
    ("installments", "details"),
    [
        (BOOK["installments"].replace("600.00", "599.99"), ["installments 999.99, principal 1000.00"]),
        (BOOK["installments"].replace("600.00", "600.01"), ["installments 1000.01, principal 1000.00"]),
    ],
)
def test_installments_that_do_not_add_up(lender: Lender, installments: str, details: list[str]) -> None:
    taken = lender.load(installments=installments)
    assert taken.warned("installments_do_not_add_up") == [("installments", "L1", detail) for detail in details]
    assert len(taken.rows("installments")) == 3


def test_a_changed_principal_no_longer_adds_up(lender: Lender) -> None:
    lender.load(FIRST)
    later = lender.load(SECOND, loans=BOOK["loans"].replace("1000.00", "1200.00"))
    assert later.warned("installments_do_not_add_up") == [
        ("installments", "L1", "installments 1000.00, principal 1200.00")
    ]
