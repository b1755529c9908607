"""Values that can or cannot be what their column wants: dates, times, amounts, codes, nulls, booleans."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from bad_input.lender import BOOK, HEADERS, Lender

REPAYMENTS = BOOK["repayments"]


def many(header: str, make: str, values: list[str]) -> str:
    """A file with one row for each value; row i has key i."""
    return header + "".join(make.format(i=i, value=value) + "\n" for i, value in enumerate(values, start=1))


# dates and times ----------------------------------------------------------------------------------------------------

THE_DAY = [
    "2026-02-05",
    "20260205",
    "2026/02/05",
    "2026/2/5",
    "2026-02-05 09:30",
    "2026-02-05 09:30:00",
    "2026-02-05T09:30:00",
    "2026-02-05 09:30:00.123456",
    "2026/02/05 9:30:00",
    "20260205 09:30:00",
    "2026-02-05 00:00:00",
    "2026-02-05 23:59:59",
    "2026-02-04T16:00:00Z",  # midnight in Shanghai
    "2026-02-05T15:59:59Z",
    "2026-02-05 01:00:00+08:00",
    "2026-02-05 01:00:00+0800",
    "2026-02-05 01:00:00 +08",
    "2026-02-04 12:00:00-05:00",
    '" 2026-02-05 "',
]


def test_every_way_to_write_a_date(lender: Lender) -> None:
    taken = lender.load(repayments=many(HEADERS["repayments"], "R{i:02},L1,{value},1.00", THE_DAY))
    found = {THE_DAY[int(row["_key"][1:]) - 1]: row["paid_on"] for row in taken.rows("repayments")}
    assert found == dict.fromkeys(THE_DAY, date(2026, 2, 5))


NO_DAY = [
    "2026-02-30",
    "2025-02-29",
    "2026-13-01",
    "2026-00-10",
    "20260230",
    "2026/02/30",
    "05.02.2026",
    "02/05/2026",
    "5/2/2026",
    "26-02-05",
    "46058",  # a spreadsheet's serial number
    "2026-02-05 25:00:00",
    "2026-02-05 09:61:00",
    "2026-02-05x",
    "x2026-02-05",
    "0000-01-01",
    "2026-02",
    "tomorrow",
    "２０２６-02-05",
    "2026-02-05 09:30:00+25:00",
    "infinity",
    "-2026-02-05",
    "2026-02-05 (BC)",
]


def test_what_is_no_date(lender: Lender) -> None:
    taken = lender.load(repayments=many(HEADERS["repayments"], "R{i},L1,{value},1.00", NO_DAY))
    assert taken.waiting() == [("repayments.csv", n, ["bad_date:paid_on"]) for n in range(2, len(NO_DAY) + 2)]
    assert [q["raw"] for q in taken.quarantine] == [f"R{i},L1,{v},1.00" for i, v in enumerate(NO_DAY, start=1)]


TIMES = {
    "2026-02-05 09:30:00": datetime(2026, 2, 5, 1, 30),  # without a zone: Asia/Shanghai; kept in UTC
    "2026-02-05 09:30": datetime(2026, 2, 5, 1, 30),
    "2026/2/5 9:30:00": datetime(2026, 2, 5, 1, 30),
    "2026-02-05T09:30:00Z": datetime(2026, 2, 5, 9, 30),
    "2026-02-05 09:30:00+00": datetime(2026, 2, 5, 9, 30),
    "2026-02-05 09:30:00+05:30": datetime(2026, 2, 5, 4, 0),
    "2026-02-05 09:30:00 -0800": datetime(2026, 2, 5, 17, 30),
    "2026-02-05 09:30:00.5+08:00": datetime(2026, 2, 5, 1, 30, 0, 500000),
    "2026-02-05": datetime(2026, 2, 4, 16, 0),
    "20260205": datetime(2026, 2, 4, 16, 0),
}


def test_times_with_and_without_a_zone(lender: Lender) -> None:
    header = "repayment_id,loan_id,paid_on,amount,posted_at\n"
    taken = lender.load(repayments=many(header, "R{i:02},L1,2026-02-05,1.00,{value}", list(TIMES)))
    assert {list(TIMES)[int(r["_key"][1:]) - 1]: r["posted_at"] for r in taken.rows("repayments")} == TIMES


def test_an_impossible_time(lender: Lender) -> None:
    header = "repayment_id,loan_id,paid_on,amount,posted_at\n"
    taken = lender.load(repayments=header + "R1,L1,2026-02-05,1.00,2026-02-05 24:30:00\n")
    assert taken.waiting() == [("repayments.csv", 2, ["bad_timestamp:posted_at"])]


# amounts ------------------------------------------------------------------------------------------------------------

AMOUNTS = {
    "1000": "1000.00",
    "1000.5": "1000.50",
    "1000.": "1000.00",
    ".5": "0.50",
    "+7.25": "7.25",
    "007.10": "7.10",
    "1.2300": "1.23",
    "1.2300000000000000000000000000": "1.23",
    '"1,234.56"': "1234.56",
    '"1,234,567"': "1234567.00",
    "4e+05": "400000.00",
    "4E5": "400000.00",
    "1.5e3": "1500.00",
    "1.239e3": "1239.00",
    "1.239e1": "12.39",
    "1.2390e1": "12.39",
    "12390e-3": "12.39",
    "5e-1": "0.50",
    "5e-2": "0.05",
    "100e-2": "1.00",
    "1e+15": "1000000000000000.00",
    "9999999999999999.99": "9999999999999999.99",
    "0.01": "0.01",
    "123456789012345.67": "123456789012345.67",
    "0.1e1": "1.00",
}


def test_every_way_to_write_an_amount(lender: Lender) -> None:
    taken = lender.load(repayments=many(HEADERS["repayments"], "R{i:02},L1,2026-02-05,{value}", list(AMOUNTS)))
    found = {list(AMOUNTS)[int(row["_key"][1:]) - 1]: row["amount"] for row in taken.rows("repayments")}
    assert found == {text: Decimal(value) for text, value in AMOUNTS.items()}


@pytest.mark.parametrize(
    ("reason", "texts"),
    [
        ("too_many_decimals", ["1.239", "0.001", "1.2345e1", "1.239e0", "5e-3", "1e-5", "1.00000000000000000001", '"1,234.567"']),
        ("not_a_number", ["abc", "NaN", "nan", "inf", "-Infinity", "1.2.3", "--1", "1e", "e5", "0x10", "¥100", "100元", "1 000", '"1,00"', '"12,34.5"', '"1,2345"', "１００", "1_000", "."]),
        ("overflow", ["10000000000000000", "1e16", "1e+30", "1e400"[:5], "99999999999999999999.99"]),
        ("not_positive", ["0", "-1", "-0.01", "0.00", "-4e2", "0e5"]),
    ],
)  # fmt: skip
def test_what_is_no_amount(lender: Lender, reason: str, texts: list[str]) -> None:
    taken = lender.load(repayments=many(HEADERS["repayments"], "R{i},L1,2026-02-05,{value}", texts))
    assert taken.waiting() == [("repayments.csv", n, [f"{reason}:amount"]) for n in range(2, len(texts) + 2)]
    if reason != "not_positive":
        assert {q["amount"] for q in taken.quarantine} == {Decimal(0)}, "what cannot be typed counts 0"


def test_a_negative_amount_counts_in_the_totals(lender: Lender) -> None:
    taken = lender.load(
        loans=BOOK["loans"] + "L3,C1,2026-01-05,2026-07-05,-50.25,CNY\nL4,C1,2026-01-05,2026-07-05,0,CNY\n"
    )
    assert taken.waiting() == [("loans.csv", 4, ["negative:principal"])]
    assert taken.quarantine[0]["amount"] == Decimal("-50.25")
    assert "L4" in taken.keys("loans"), "a principal of 0 is one"


def test_balances_may_be_negative(lender: Lender) -> None:
    header = "as_of,gl_account,currency,balance\n"
    taken = lender.load(files={"gl_balances.csv": header + "2026-02-28,1305,CNY,-5000.25\n2026-02-28,1304,AAA,1\n"})
    assert str(taken.rows("gl_balances")[0]["balance"]) == "-5000.25"
    assert taken.waiting() == [("gl_balances.csv", 3, ["unknown_code:currency"])]


# rates, whole numbers, booleans -------------------------------------------------------------------------------------


def test_rates_and_whole_numbers(lender: Lender) -> None:
    header = "loan_id,score,debt_to_income,policy_exceptions\n"
    taken = lender.load(
        files={"underwriting.csv": header + "L1,6.5e2,0.3333,2\nL2,abc,50%%,2.5\n"},
    )
    row = taken.row("underwriting", "L1")
    assert (row["score"], row["debt_to_income"], row["policy_exceptions"]) == (650, Decimal("0.3333"), 2)
    assert taken.waiting() == [
        ("underwriting.csv", 3, ["bad_integer:policy_exceptions", "bad_rate:debt_to_income", "bad_rate:score"])
    ]


def test_booleans(lender: Lender) -> None:
    yes, no = ["true", "TRUE", "1", "Y", "y", "是"], ["false", "False", "0", "N", "n", "否"]
    header = HEADERS["loans"].strip() + ",credit_impaired\n"
    rows = many(header, "{i:02},C1,2026-01-05,2026-07-05,1,CNY,{value}", [*yes, *no, "", "NA", "yes", "2"])
    taken = lender.load(loans=rows, installments=HEADERS["installments"], repayments=HEADERS["repayments"])
    assert [r["credit_impaired"] for r in taken.rows("loans")] == [True] * 6 + [False] * 6 + [None] * 2
    assert taken.waiting() == [("loans.csv", n, ["bad_boolean:credit_impaired"]) for n in (16, 17)]


# nulls --------------------------------------------------------------------------------------------------------------


NULLS = ["", "NA", "NULL", "\\N", '""', '"NA"', "  ", "\u3000"]


def test_null_tokens(lender: Lender) -> None:
    header = "loan_id,customer_id,disbursed_on,matures_on,principal,currency,security,annual_rate,branch_id\n"
    optional = many(header, "L{i},C1,2026-01-05,{value},1000.00,CNY,{value},{value},{value}", NULLS)
    required = many("", "M{i},C1,2026-01-05,,{value},CNY,,,", NULLS)
    taken = lender.load(
        loans=optional + required, installments=HEADERS["installments"], repayments=HEADERS["repayments"]
    )
    assert taken.keys("loans") == [f"L{i}" for i in range(1, 9)]
    for row in taken.rows("loans"):
        assert [row[c] for c in ("matures_on", "security", "annual_rate", "branch_id")] == [None] * 4
    assert taken.waiting() == [("loans.csv", n, ["missing:principal"]) for n in range(10, 18)]


def test_other_words_are_no_null(lender: Lender) -> None:
    words = ["null", "None", "nan", "-", "n/a"]
    header = "customer_id,segment,region,opened_on\n"
    taken = lender.load(
        customers=many(header, "C{i},personal,{value},", words) + many("", "D{i},personal,x,{value}", words)
    )
    assert [row["region"] for row in taken.rows("customers")] == words
    assert taken.waiting() == [("customers.csv", n, ["bad_date:opened_on"]) for n in range(7, 12)]


def test_defaults_stand_in_for_nulls(lender: Lender) -> None:
    taken = lender.load(
        installments="loan_id,plan_no,installment_no,due_on,principal_due,interest_due\nL1,,1,2026-02-05,1000,NA\n",
        repayments="repayment_id,loan_id,paid_on,amount,kind,payer\nR1,L1,2026-02-05,400.00,,\\N\n",
    )
    installment, repayment = taken.rows("installments")[0], taken.rows("repayments")[0]
    assert (installment["plan_no"], installment["interest_due"], installment["fee_due"]) == (1, 0, 0)
    assert (repayment["kind"], repayment["payer"]) == ("payment", "customer")


# codes and required values ------------------------------------------------------------------------------------------


def test_chinese_headers_and_codes(lender: Lender) -> None:
    taken = lender.load(
        customers="客户号,客户类型,姓名\nC1,对私,张三\nC2,企业,东方公司\n",
        loans="借据号,客户号,放款日期,到期日期,贷款本金,币种,担保方式,已发生信用减值\nL1,C1,20260105,2026/07/05,1000.00,CNY,信用,否\nL2,C2,2026-01-05,,2500.50,CNY,组合,是\n",
        installments="借据号,期次,应还日期,应还本金,应还利息\nL1,1,2026-02-05,1000.00,0\nL2,1,2026-02-05,2500.50,1.5\n",
        repayments="还款流水号,借据号,还款日期,还款金额,还款类型,付款方\nR1,L1,2026-02-05,400.00,还款,借款人\nR2,L2,2026-02-05,1,减免,担保人\n",
    )
    assert [r["segment"] for r in taken.rows("customers")] == ["personal", "corporate"]
    assert [(r["security"], r["credit_impaired"]) for r in taken.rows("loans")] == [
        ("unsecured", False),
        ("combined", True),
    ]
    assert [(r["kind"], r["payer"]) for r in taken.rows("repayments")] == [
        ("payment", "customer"),
        ("waiver", "guarantor"),
    ]
    assert not taken.quarantine
    assert not taken.warned("unmapped_column")


BAD_ROWS = [
    ("customers", "C9,person", "unknown_code:segment"),
    ("loans", "L9,C1,2026-01-05,,1,RMB元", "unknown_code:currency"),
    ("loans", "L9,C1,2026-01-05,,1,AAA", "unknown_code:currency"),
    ("loans", ",C1,2026-01-05,,1,CNY", "missing:loan_id"),
    ("loans", "L9,,2026-01-05,,1,CNY", "missing:customer_id"),
    ("loans", "L9,C1,,,1,CNY", "missing:disbursed_on"),
    ("installments", "L1,,2026-02-05,1", "missing:installment_no"),
    ("installments", "L1,one,2026-02-05,1", "bad_integer:installment_no"),
    ("repayments", "R9,L1,2026-02-05,", "missing:amount"),
    ("repayments", ",L1,2026-02-05,1", "missing:repayment_id"),
]


def test_values_that_cannot_stand(lender: Lender) -> None:
    """Each in a line of its own, after the sound ones, which load."""
    files = dict(BOOK)
    for file, row, _ in BAD_ROWS:
        files[file] += row + "\n"
    taken = lender.load(**files)
    found = [(q["ledger"], q["file"], q["line"], q["raw"], q["reasons"]) for q in taken.quarantine]
    assert sorted(found) == sorted(
        (file, f"{file}.csv", files[file].splitlines().index(row) + 1, row, [reason]) for file, row, reason in BAD_ROWS
    )
    assert [len(taken.rows(file)) for file in BOOK] == [2, 2, 3, 2]


def test_codes_of_the_policy(lender: Lender) -> None:
    header = "product_id,calendar,bucket_scheme,day_count,component_order,grace_days\n"
    taken = lender.load(
        files={
            "products.csv": header
            + 'P1,CN,CN_M_STAGE,include_due_date,"principal,interest,fee",3\n'
            + 'P2,MARS,NO_SUCH,sometimes,"principal,interest",3\n'
        }
    )
    assert [k.split("|")[0] for k in taken.keys("products")] == ["P1"]
    assert taken.waiting() == [
        (
            "products.csv",
            3,
            [f"unknown_code:{c}" for c in ("bucket_scheme", "calendar", "component_order", "day_count")],
        )
    ]


def test_every_reason_is_told_at_once(lender: Lender) -> None:
    header = HEADERS["repayments"].strip() + ",kind,installment_no\n"
    taken = lender.load(repayments=header + "R1,L9,2026-02-30,1.239,gift,x\n")
    assert taken.waiting() == [
        (
            "repayments.csv",
            2,
            [
                "bad_date:paid_on",
                "bad_integer:installment_no",
                "too_many_decimals:amount",
                "unknown_code:kind",
                "orphan:loan_id",
            ],
        )
    ]
    assert (taken.quarantine[0]["key"], taken.quarantine[0]["loan_id"]) == ("R1", "L9")


def test_rules_between_columns(lender: Lender) -> None:
    taken = lender.load(
        installments="loan_id,plan_no,installment_no,due_on,principal_due,effective_on\n"
        "L1,1,1,2026-02-05,1000.00,\nL1,2,1,2026-03-05,600.00,\nL2,1,1,2026-02-05,2500.50,\n",
        files={"pauses.csv": "loan_id,from_on,to_on\nL1,2026-02-10,2026-02-01\nL2,2026-02-10,2026-02-10\n"},
    )
    assert taken.waiting() == [
        ("installments.csv", 3, ["missing:effective_on"]),
        ("pauses.csv", 2, ["ends_before_it_starts:to_on"]),
    ]


def test_nobody_approves_an_adjustment_of_their_own(lender: Lender) -> None:
    """Nor is there one without an end, a reason or a class of the five; Chinese words are classes too."""
    header = "adjustment_id,loan_id,risk_class,reason,prepared_by,approved_by,valid_from,valid_until\n"
    sound = "J1,L1,可疑,in court,Wu,Li,2026-02-01,2026-12-31\nJ2,L2,2,renewed,Wu,Li,2026-02-01,2026-02-01\n"
    rows = (
        "J3,L1,3,own,Wu, wu ,2026-02-01,2026-12-31\nJ4,L1,3,reversed,Wu,Li,2026-02-01,2026-01-31\nJ5,L1,3,,Wu,Li,2026-02-01,\n"
        "J6,L1,6,no class,Wu,Li,2026-02-01,2026-12-31\nJ7,L8,3,nobody's,Wu,Li,2026-02-01,2026-12-31\n"
    )
    taken = lender.load(files={"adjustments.csv": header + sound + rows})
    assert taken.waiting() == [
        ("adjustments.csv", 4, ["same_person:approved_by"]),
        ("adjustments.csv", 5, ["ends_before_it_starts:valid_until"]),
        ("adjustments.csv", 6, ["missing:reason", "missing:valid_until"]),
        ("adjustments.csv", 7, ["unknown_code:risk_class"]),
        ("adjustments.csv", 8, ["orphan:loan_id"]),
    ]
    assert [row["risk_class"] for row in taken.rows("adjustments")] == ["4", "2"]


def test_what_no_calendar_knows(lender: Lender) -> None:
    """A due date of 1899 cannot be counted in business days; one of 1900 can."""
    due = HEADERS["installments"] + "L1,1,1899-12-31,400.00\nL1,2,1900-01-01,600.00\nL2,1,2026-04-05,2500.50\n"
    loans = BOOK["loans"] + "L3,C1,0001-01-05,2026-07-05,1000.00,CNY\n"
    taken = lender.load(installments=due, loans=loans)
    assert taken.waiting() == [
        ("installments.csv", 2, ["out_of_calendar:due_on"]),
        ("loans.csv", 4, ["out_of_calendar:disbursed_on"]),
    ]


def test_a_plan_beyond_the_first_has_one_effective_date(lender: Lender) -> None:
    header = "loan_id,plan_no,installment_no,due_on,principal_due,effective_on\n"
    plan_one = "L1,1,1,2026-02-05,1000.00,\nL2,1,1,2026-02-05,2500.50,\n"
    taken = lender.load(
        installments=header + plan_one + "L1,2,1,2026-03-05,300,2026-02-10\nL1,2,2,2026-04-05,300,2026-02-11\n"
        "L2,2,1,2026-03-05,300,2026-02-10\nL2,2,2,2026-04-05,300,2026-02-10\n"
    )
    assert [(q["line"], q["reasons"]) for q in taken.quarantine] == [
        (n, ["several_values:effective_on"]) for n in (4, 5)
    ]
    # a later delivery may move the whole plan, and not a part of it
    moved = lender.load("2026-03-31", installments=header + "L2,2,1,2026-03-05,300,2026-02-20\n")
    assert [(q["line"], q["reasons"]) for q in moved.quarantine] == [(2, ["several_values:effective_on"])]
    moved = lender.load(
        "2026-04-30", installments=header + "L2,2,1,2026-03-05,300,2026-02-20\nL2,2,2,2026-04-05,300,2026-02-20\n"
    )
    assert not moved.quarantine
    assert [c["line"] for c in moved.closed] == [2]
