"""Keys that come twice, rows that lack their parent, corrections, reversals, withdrawals: one delivery after another."""

from __future__ import annotations

import re

import pytest

from bad_input.lender import BOOK, FIRST, HEADERS, SECOND, THIRD, Lender

LOANS, REPAYMENTS, CUSTOMERS = (HEADERS[name] for name in ("loans", "repayments", "customers"))
FOURTH = "2026-05-31"

# one key on several rows --------------------------------------------------------------------------------------------


def test_identical_rows_are_counted_duplicates(lender: Lender) -> None:
    taken = lender.load(
        loans=BOOK["loans"] + "L1,C1,20260105,2026/07/05,1e3,CNY\n",  # the same values, written otherwise
        repayments=BOOK["repayments"] + "R1,L1,2026-02-05,400\nR1,L1,2026-02-05,400.00\n",
    )
    assert taken.counts("loans.csv") == (3, 0, 2, 1, 0)
    assert taken.counts("repayments.csv") == (4, 0, 2, 2, 0)
    assert taken.row("repayments", "R1")["_line"] == 2, "the first one stays"


def test_identical_rows_in_two_files(lender: Lender) -> None:
    lender.deliver(files={"loans.part2.csv": BOOK["loans"]})
    taken = lender.take()
    assert [taken.counts(f, "loans")[2:4] for f in ("loans.csv", "loans.part2.csv")] == [(2, 0), (0, 2)]


@pytest.mark.parametrize("in_two_files", [False, True])
@pytest.mark.parametrize(
    ("ledger", "row", "key"),
    [
        ("loans", "L1,C1,2026-01-05,2026-07-05,1000.01,CNY", "loan_id"),
        ("installments", "L1,1,2026-02-06,400.00", "loan_id,plan_no,installment_no"),
        ("repayments", "R1,L1,2026-02-06,400.00", "repayment_id"),
    ],
)
def test_one_key_twice_with_different_content(
    lender: Lender, ledger: str, row: str, key: str, in_two_files: bool
) -> None:
    if in_two_files:
        lender.deliver(files={f"{ledger}.part2.csv": HEADERS[ledger] + row + "\n"})
        where = [(f"{ledger}.csv", 2), (f"{ledger}.part2.csv", 2)]
    else:
        lender.deliver(**{ledger: BOOK[ledger] + row + "\n"})
        where = [(f"{ledger}.csv", 2), (f"{ledger}.csv", BOOK[ledger].count("\n") + 1)]
    taken = lender.take()
    found = [(q["file"], q["line"]) for q in taken.quarantine if q["ledger"] == ledger]
    assert found == where, "all its rows"
    assert {r for q in taken.quarantine if q["ledger"] == ledger for r in q["reasons"]} == {
        f"conflict_in_delivery:{key}"
    }


def test_the_newest_delivery_of_a_master_key_wins_and_the_same_again_is_a_duplicate(known: Lender) -> None:
    changed = known.load(SECOND, loans=BOOK["loans"].replace("1000.00", "1200.00"))
    assert changed.counts("loans.csv") == (2, 0, 1, 1, 0)
    back = known.load(THIRD, loans=BOOK["loans"])
    assert back.keys("loans") == ["L1"], "what it was at first is news again"


def test_an_event_with_the_content_that_is_loaded_is_a_duplicate(known: Lender) -> None:
    taken = known.load(SECOND, repayments=BOOK["repayments"] + "R3,L1,2026-03-05,600.00\n")
    assert taken.counts("repayments.csv") == (3, 0, 1, 2, 0)
    assert taken.totals[0]["amount_duplicate"] == 500.25


def test_an_event_with_other_content_than_the_one_loaded_is_a_conflict(known: Lender) -> None:
    taken = known.load(SECOND, repayments=REPAYMENTS + "R1,L1,2026-02-05,410.00\n")
    assert taken.waiting() == [("repayments.csv", 2, ["conflict:repayment_id"])]
    assert taken.quarantine[0]["raw"] == "R1,L1,2026-02-05,410.00"
    again = known.load(THIRD, repayments=BOOK["repayments"])
    assert again.counts("repayments.csv") == (2, 0, 0, 2, 0), "what was loaded first still stands"


# rows without their parent ------------------------------------------------------------------------------------------


ORPHANS = {
    "loans": ("L9,C9,2026-01-05,,1,CNY", "orphan:customer_id"),
    "installments": ("L8,1,2026-02-05,1", "orphan:loan_id"),
    "repayments": ("R9,L8,2026-02-05,1", "orphan:loan_id"),
    "charges": ("charge_id,loan_id,due_on,amount\nF9,L8,2026-02-05,1", "orphan:loan_id"),
    "adjustments": (
        "adjustment_id,loan_id,risk_class,reason,prepared_by,approved_by,valid_from,valid_until\n"
        "J1,L8,3,late,Wu,Li,2026-02-05,2026-03-05",
        "orphan:loan_id",
    ),
    "pauses": ("loan_id,from_on\nL8,2026-02-05", "orphan:loan_id"),
    "collateral": ("collateral_id,valued_on,loan_id,value\nK9,2026-02-05,L8,1", "orphan:loan_id"),
    "underwriting": ("loan_id,score\nL8,1", "orphan:loan_id"),
    "financials": ("customer_id,period_end\nC9,2025-12-31", "orphan:customer_id"),
    "advances": ("advance_id,customer_id,kind,advanced_on,amount,currency\nA9,C9,card,2026-02-05,1,CNY", "orphan:customer_id"),
    "advance_repayments": ("advance_repayment_id,advance_id,paid_on,amount\nB9,A8,2026-02-05,1", "orphan:advance_id"),
    "contact_points": ("contact_point_id,customer_id,kind\nP9,C9,phone", "orphan:customer_id"),
    "contact_attempts": ("attempt_id,customer_id,contact_point_id,attempted_at,channel,outcome\nT9,C1,P8,2026-02-05 10:00,phone,reached", "orphan:contact_point_id"),
}  # fmt: skip


def test_orphans(lender: Lender) -> None:
    taken = lender.load(**{ledger: BOOK.get(ledger, "") + rows + "\n" for ledger, (rows, _) in ORPHANS.items()})
    assert {q["ledger"]: q["reasons"] for q in taken.quarantine} == {k: [reason] for k, (_, reason) in ORPHANS.items()}


def test_keys_are_checked_after_the_whole_delivery_is_read(lender: Lender) -> None:
    lender.deliver(
        customers=BOOK["customers"],
        files={
            "customers.zz.csv": CUSTOMERS + "C9,personal\n",
            "loans.aa.csv": LOANS + "L9,C9,2026-01-05,,1,CNY\n",
        },
    )
    assert lender.take().keys("loans") == ["L1", "L2", "L9"]


def test_children_of_a_row_in_quarantine_wait_with_it(lender: Lender) -> None:
    taken = lender.load(loans=BOOK["loans"].replace("2500.50,CNY", "2500.50,AAA"))
    assert taken.waiting() == [
        ("installments.csv", 4, ["orphan:loan_id"]),
        ("loans.csv", 3, ["unknown_code:currency"]),
        ("repayments.csv", 3, ["orphan:loan_id"]),
    ]


def test_the_child_of_a_repeated_orphan_is_an_orphan_too(lender: Lender) -> None:
    taken = lender.load(
        loans=BOOK["loans"] + "L9,C9,2026-01-05,,1,CNY\nL9,C9,2026-01-05,,1,CNY\n",
        repayments=BOOK["repayments"] + "R9,L9,2026-02-05,1\n",
    )
    assert taken.waiting() == [
        ("loans.csv", 4, ["orphan:customer_id"]),
        ("loans.csv", 5, ["orphan:customer_id"]),
        ("repayments.csv", 4, ["orphan:loan_id"]),
    ]
    later = lender.load(SECOND, customers=CUSTOMERS + "C9,personal\n")
    assert (later.keys("loans"), later.keys("repayments")) == (["L9"], ["R9"])
    assert [c["how"] for c in later.closed] == ["tried_again"] * 3


def test_a_row_that_lacked_only_its_parent_loads_with_the_delivery_that_brings_it(lender: Lender) -> None:
    lender.load(
        repayments="repayment_id,loan_id,paid_on,amount,posted_at,channel\nR9,L9,2026-02-05,1.00,2026-02-05 10:00,\n"
    )
    later = lender.load(SECOND, loans=LOANS + "L9,C1,2026-01-05,,1,CNY\n")
    row = later.row("repayments", "R9")
    assert (row["_delivery"], row["_origin"], row["_file"], row["_line"]) == (SECOND, FIRST, "repayments.csv", 2)
    assert (str(row["posted_at"]), row["channel"]) == ("2026-02-05 02:00:00", None), "typed as at first"
    assert [(c["delivery"], c["file"], c["line"], c["how"]) for c in later.closed] == [
        (FIRST, "repayments.csv", 2, "tried_again")
    ]
    assert later.record["loaded_from_quarantine"] == {"repayments": 1}
    assert later.counts("repayments.csv") == (0, 0, 0, 0, 0), "this delivery's own file is accounted for by itself"
    assert lender.load(THIRD).closed == []


def test_it_is_tried_again_with_every_later_delivery(lender: Lender) -> None:
    lender.load(repayments=BOOK["repayments"] + "R9,L9,2026-02-05,1.00\n")
    assert lender.load(SECOND).rows("repayments") == []
    assert lender.load(THIRD, loans=LOANS + "L9,C9,2026-01-05,,1,CNY\n").rows("repayments") == []
    last = lender.load(FOURTH, customers=CUSTOMERS + "C9,personal\n")
    assert (last.keys("loans"), last.keys("repayments")) == (["L9"], ["R9"])


def test_a_row_with_another_fault_is_not_tried_again(lender: Lender) -> None:
    lender.load(repayments=BOOK["repayments"] + "R9,L9,2026-02-05,1.239\n")
    later = lender.load(SECOND, loans=LOANS + "L9,C1,2026-01-05,,1,CNY\n")
    assert later.rows("repayments") == []
    assert later.closed == []


def test_of_two_waiting_versions_the_newest_delivery_counts(lender: Lender) -> None:
    lender.load(
        loans=BOOK["loans"] + "L9,C9,2026-01-05,,1,CNY\n", repayments=BOOK["repayments"] + "R9,L9,2026-02-05,1.00\n"
    )
    lender.load(SECOND, loans=LOANS + "L9,C9,2026-01-05,,2,CNY\n", repayments=REPAYMENTS + "R9,L9,2026-02-05,2.00\n")
    last = lender.load(THIRD, customers=CUSTOMERS + "C9,personal\n")
    assert [str(r["principal"]) for r in last.rows("loans")] == ["2.00"]
    assert [str(r["amount"]) for r in last.rows("repayments")] == ["2.00"]
    assert [(c["ledger"], c["delivery"], c["how"]) for c in last.closed] == [
        ("loans", FIRST, "corrected"),
        ("repayments", FIRST, "corrected"),
        ("loans", SECOND, "tried_again"),
        ("repayments", SECOND, "tried_again"),
    ]


def test_two_orphans_of_one_key_never_both_load(lender: Lender) -> None:
    taken = lender.load(repayments=BOOK["repayments"] + "R9,L9,2026-02-05,1.00\nR9,L9,2026-02-05,2.00\n")
    assert taken.waiting() == [
        ("repayments.csv", n, ["orphan:loan_id", "conflict_in_delivery:repayment_id"]) for n in (4, 5)
    ]
    later = lender.load(SECOND, loans=LOANS + "L9,C1,2026-01-05,,1,CNY\n")
    assert later.rows("repayments") == []


def test_an_orphan_and_a_sound_row_of_one_key_are_a_conflict(lender: Lender) -> None:
    taken = lender.load(loans=BOOK["loans"] + "L1,C9,2026-01-05,2026-07-05,1000.00,CNY\n")
    assert taken.waiting("loans.csv") == [
        ("loans.csv", 2, ["conflict_in_delivery:loan_id"]),
        ("loans.csv", 4, ["orphan:customer_id", "conflict_in_delivery:loan_id"]),
    ]


def test_a_waiting_row_gives_way_to_what_is_delivered_now(lender: Lender) -> None:
    lender.load(repayments=BOOK["repayments"] + "R9,L9,2026-02-05,1.00\n")
    later = lender.load(
        SECOND, loans=LOANS + "L9,C1,2026-01-05,,1,CNY\n", repayments=REPAYMENTS + "R9,L9,2026-02-05,2.00\n"
    )
    assert [(str(r["amount"]), r["_origin"]) for r in later.rows("repayments")] == [("2.00", SECOND)]
    assert [c["how"] for c in later.closed] == ["corrected"]


# corrections --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ("R9,L1,2026-02-30,1.00", "R9,L1,2026-02-28,1.00"),
        ("R9,L1,2026-02-28,1.239", "R9,L1,2026-02-28,1.24"),
        ("R9,L9,2026-02-28,1.00", "R9,L1,2026-02-28,1.00"),
    ],
)
def test_a_corrected_row_is_loaded_and_closes_its_entry(lender: Lender, bad: str, good: str) -> None:
    lender.load(repayments=BOOK["repayments"] + bad + "\n")
    later = lender.load(SECOND, repayments=REPAYMENTS + good + "\n")
    assert later.keys("repayments") == ["R9"]
    assert [(c["delivery"], c["file"], c["line"], c["how"]) for c in later.closed] == [
        (FIRST, "repayments.csv", 4, "corrected")
    ]


def test_a_row_corrected_wrongly_waits_beside_the_first(lender: Lender) -> None:
    lender.load(repayments=BOOK["repayments"] + "R9,L1,2026-02-30,1.00\n")
    later = lender.load(SECOND, repayments=REPAYMENTS + "R9,L1,2026-02-31,1.00\n")
    assert later.waiting() == [("repayments.csv", 2, ["bad_date:paid_on"])]
    assert later.closed == []
    last = lender.load(THIRD, repayments=REPAYMENTS + "R9,L1,2026-02-28,1.00\n")
    assert [(c["delivery"], c["how"]) for c in last.closed] == [(FIRST, "corrected"), (SECOND, "corrected")]


# reversals ----------------------------------------------------------------------------------------------------------

KINDS = "repayment_id,loan_id,paid_on,amount,kind,reverses_id\n"
PAID = KINDS + "R1,L1,2026-02-05,400.00,payment,\nW1,L1,2026-02-05,50.00,waiver,\nB1,L1,2026-02-05,20.00,chargeback,\n"


REVERSALS = {
    "all of it": (["V1,L1,2026-02-06,400.00,reversal,R1"], [None]),
    "on the same day": (["V1,L1,2026-02-05,400.00,reversal,R1"], [None]),
    "in two parts": (["V1,L1,2026-02-06,100.00,reversal,R1", "V2,L1,2026-02-07,300.00,reversal,R1"], [None, None]),
    "a waiver": (["V1,L1,2026-02-06,50.00,reversal,W1"], [None]),
    "of nothing": (["V1,L1,2026-02-06,400.00,reversal,"], ["missing:reverses_id"]),
    "of what nobody knows": (["V1,L1,2026-02-06,400.00,reversal,R7"], ["orphan:reverses_id"]),
    "of a chargeback": (["V1,L1,2026-02-06,20.00,reversal,B1"], ["reversal_of_chargeback:reverses_id"]),
    "of another loan": (["V1,L2,2026-02-06,400.00,reversal,R1"], ["reversal_of_other_loan_id:reverses_id"]),
    "before it": (["V1,L1,2026-02-04,400.00,reversal,R1"], ["reversal_before_original:paid_on"]),
    "of more than it": (["V1,L1,2026-02-06,400.01,reversal,R1"], ["reversal_exceeds_original:amount"]),
    "of more in two parts": (["V1,L1,2026-02-06,100.00,reversal,R1", "V2,L1,2026-02-07,300.01,reversal,R1"], [None, "reversal_exceeds_original:amount"]),
    "one too many, one that fits": (["V1,L1,2026-02-06,500.00,reversal,R1", "V2,L1,2026-02-07,400.00,reversal,R1"], ["reversal_exceeds_original:amount", None]),
    "one before it, one that fits": (["V1,L1,2026-02-04,400.00,reversal,R1", "V2,L1,2026-02-07,400.00,reversal,R1"], ["reversal_before_original:paid_on", None]),
    "of a reversal": (["V1,L1,2026-02-06,400.00,reversal,R1", "V2,L1,2026-02-07,400.00,reversal,V1"], [None, "reversal_of_reversal:reverses_id"]),
    "twice the same": (["V1,L1,2026-02-06,400.00,reversal,R1"] * 2, [None, "duplicate"]),
    "twice the same, too much": (["V1,L1,2026-02-06,401.00,reversal,R1"] * 2, ["reversal_exceeds_original:amount", "duplicate"]),
}  # fmt: skip


@pytest.mark.parametrize("later", [False, True], ids=["with what they reverse", "in a later delivery"])
def test_reversals(lender: Lender, later: bool) -> None:
    """Every case has payments of its own, told apart by a number after each identifier."""
    paid, reversals, cases = "", "", []
    for number, (case, (rows, outcomes)) in enumerate(REVERSALS.items()):
        paid += "".join(f"{own(row, number)}\n" for row in PAID.splitlines()[1:])
        reversals += "".join(f"{own(row, number)}\n" for row in rows)
        cases += [(case, own(row, number).split(",")[0], outcome) for row, outcome in zip(rows, outcomes, strict=True)]
    if later:
        lender.load(repayments=KINDS + paid)
        taken, first = lender.load(SECOND, repayments=KINDS + reversals), 2
    else:
        taken, first = lender.load(repayments=KINDS + paid + reversals), 2 + paid.count("\n")
    waiting = {q["line"]: q["reasons"] for q in taken.quarantine}
    loaded = {row["_line"] for row in taken.rows("repayments") if row["_key"][0] == "V"}
    found = [
        (case, key, "duplicate" if line not in waiting and line not in loaded else waiting.get(line, [None])[0])
        for line, (case, key, _) in enumerate(cases, start=first)
    ]
    assert found == cases


def own(row: str, number: int) -> str:
    """A row whose repayments are numbered as one case's own."""
    return re.sub(r"\b([RWBV]\d)\b", rf"\1-{number}", row)


def test_reversals_add_up_over_deliveries(lender: Lender) -> None:
    lender.load(repayments=PAID + "V1,L1,2026-02-06,300.00,reversal,R1\n")
    later = lender.load(
        SECOND, repayments=KINDS + "V2,L1,2026-03-01,100.01,reversal,R1\nV3,L1,2026-03-02,100.00,reversal,R1\n"
    )
    assert later.waiting() == [("repayments.csv", 2, ["reversal_exceeds_original:amount"])]
    assert later.keys("repayments") == ["V3"]


def test_a_reversal_that_comes_before_its_payment_waits_for_it(lender: Lender) -> None:
    lender.load(repayments=KINDS + "V1,L1,2026-02-06,400.00,reversal,R1\n")
    later = lender.load(SECOND, repayments=PAID)
    assert later.keys("repayments") == ["B1", "R1", "V1", "W1"]


def test_a_reversal_waits_with_the_payment_that_waits_for_its_loan(lender: Lender) -> None:
    taken = lender.load(repayments=KINDS + "R9,L9,2026-02-05,5.00,payment,\nV9,L9,2026-02-06,5.00,reversal,R9\n")
    assert taken.waiting() == [("repayments.csv", 2, ["orphan:loan_id"]), ("repayments.csv", 3, ["orphan:loan_id"])]
    later = lender.load(SECOND, loans=LOANS + "L9,C1,2026-01-05,,1,CNY\n")
    assert later.keys("repayments") == ["R9", "V9"]


def test_reversals_of_charges(lender: Lender) -> None:
    rows = {
        "X1,L1,2026-02-06,5.00,reversal,F1": None,
        "X2,L1,2026-02-06,5.01,reversal,F2": "reversal_exceeds_original:amount",
        "X3,L1,2026-02-04,5.00,reversal,F2": "reversal_before_original:due_on",
        "X4,L2,2026-02-06,5.00,reversal,F2": "reversal_of_other_loan_id:reverses_id",
        "X5,L1,2026-02-06,5.00,reversal,F7": "orphan:reverses_id",
        "X6,L1,2026-02-06,5.00,reversal,X1": "reversal_of_reversal:reverses_id",
    }
    charges = (
        "charge_id,loan_id,due_on,amount,kind,reverses_id\nF1,L1,2026-02-05,5.00,fee,\nF2,L1,2026-02-05,5.00,penalty,\n"
    )
    taken = lender.load(files={"charges.csv": charges + "\n".join(rows) + "\n"})
    assert {q["raw"]: q["reasons"] for q in taken.quarantine} == {row: [why] for row, why in rows.items() if why}
    assert taken.keys("charges") == ["F1", "F2", "X1"]


def test_reversals_of_advance_repayments(lender: Lender) -> None:
    taken = lender.load(
        files={
            "advances.csv": "advance_id,customer_id,kind,advanced_on,amount,currency\nA1,C2,guarantee,2026-01-05,900,CNY\n",
            "advance_repayments.csv": "advance_repayment_id,advance_id,paid_on,amount,kind,reverses_id\n"
            "B1,A1,2026-02-01,300,payment,\nB2,A1,2026-02-02,300,reversal,B1\nB3,A1,2026-02-02,1,reversal,B1\n",
        }
    )
    assert taken.waiting() == [("advance_repayments.csv", 4, ["reversal_exceeds_original:amount"])]


# withdrawals --------------------------------------------------------------------------------------------------------


def test_a_row_that_a_later_delivery_repeated_survives_the_withdrawal_of_the_first(lender: Lender) -> None:
    lender.load(repayments=BOOK["repayments"] + "R3,L1,2026-02-06,10.00\n")
    repeated = lender.load(SECOND, **{**BOOK, "repayments": BOOK["repayments"]})
    assert repeated.counts("repayments.csv") == (2, 0, 0, 2, 0)
    lender.withdraw(FIRST, after=SECOND)
    # R1, L1 and their like are known from the second delivery; R3 is not known any more, so it loads
    taken = lender.load(THIRD, repayments=BOOK["repayments"] + "R3,L1,2026-02-06,11.00\n", loans=BOOK["loans"])
    assert taken.counts("repayments.csv") == (3, 0, 1, 2, 0)
    assert taken.counts("loans.csv") == (2, 0, 0, 2, 0)
    assert taken.keys("repayments") == ["R3"]


def test_what_only_the_withdrawn_delivery_knew_is_no_parent(known: Lender) -> None:
    known.load(SECOND, loans=LOANS + "L9,C1,2026-01-05,,1,CNY\n")
    known.withdraw(SECOND, after=SECOND)
    taken = known.load(THIRD, repayments=REPAYMENTS + "R9,L9,2026-03-05,1.00\n")
    assert taken.waiting() == [("repayments.csv", 2, ["orphan:loan_id"])]


def test_a_conflict_with_a_withdrawn_row_can_be_delivered_again(known: Lender) -> None:
    known.load(SECOND, repayments=REPAYMENTS + "R3,L1,2026-03-05,600.00\n")
    conflict = known.load(THIRD, repayments=REPAYMENTS + "R3,L1,2026-03-05,60.00\n")
    assert conflict.waiting() == [("repayments.csv", 2, ["conflict:repayment_id"])]
    known.withdraw(SECOND, after=THIRD)
    again = known.load(FOURTH, repayments=REPAYMENTS + "R3,L1,2026-03-05,60.00\n")
    assert again.keys("repayments") == ["R3"]
    assert [(c["delivery"], c["how"]) for c in again.closed] == [(THIRD, "corrected")]


def test_the_quarantine_of_a_withdrawn_delivery_is_not_tried_again(known: Lender) -> None:
    known.load(SECOND, repayments=REPAYMENTS + "R9,L9,2026-03-05,1.00\n")
    known.withdraw(SECOND, after=SECOND)
    taken = known.load(THIRD, loans=LOANS + "L9,C1,2026-01-05,,1,CNY\n")
    assert taken.rows("repayments") == []
    assert taken.closed == []


def test_a_withdrawn_version_gives_way_to_the_one_before(known: Lender) -> None:
    known.load(SECOND, loans=BOOK["loans"].replace("1000.00", "9000.00"))
    known.withdraw(SECOND, after=SECOND)
    taken = known.load(THIRD, loans=BOOK["loans"])
    assert taken.counts("loans.csv") == (2, 0, 0, 2, 0)


def test_a_withdrawn_first_delivery_must_be_delivered_again(known: Lender) -> None:
    known.withdraw(FIRST, after=FIRST)
    known.deliver(SECOND)
    message = known.refuse(SECOND)
    assert "holds no file for customers, loans, installments, which must have been delivered at least once" in message
