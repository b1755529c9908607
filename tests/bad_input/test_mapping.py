"""`mapping.yml`: what it can say, and what is said where it is wrong."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from bad_input.lender import BOOK, FIRST, HEADERS, SECOND, Lender
from flows.errors import UsageError

# what it can say ----------------------------------------------------------------------------------------------------

CORE_SYSTEM = (
    "No,Client,Kind,Issued,Sum,Last change,Status\n"
    "L1,C1,信用,01/05/2026,1000.005,2026-02-01,open\n"
    "L1,C1,抵押,01/05/2026,1000.005,2026-02-11,open\n"
    "L2,C2,其他,01/05/2026,2500.494,2026-02-01,open\n"
    "L3,C2,,01/05/2026,1.10,2026-02-01,refused\n"
)
CORE_MAPPING = """
ledgers:
  customers:
    - file: core.csv
      columns: {customer_id: Client, segment: {const: personal}}
      keep: last by Last change
  loans:
    - file: core.csv
      where: {Status: [open]}
      columns:
        loan_id: No
        customer_id: Client
        currency: {const: CNY}
        disbursed_on: {source: Issued, date_format: "%m/%d/%Y"}
        security: {source: Kind, values: {信用: unsecured, 抵押: mortgaged, 其他: null}}
        principal: {source: Sum, round: half_up}
      keep: last by Last change
"""


def test_one_file_feeds_several_ledgers(lender: Lender) -> None:
    lender.deliver(customers=None, loans=None, files={"core.csv": CORE_SYSTEM, "mapping.yml": CORE_MAPPING})
    taken = lender.take()
    assert taken.keys("customers") == ["C1", "C2"]
    found = [(r["loan_id"], r["security"], str(r["principal"]), str(r["disbursed_on"])) for r in taken.rows("loans")]
    assert found == [("L1", "mortgaged", "1000.01", "2026-01-05"), ("L2", None, "2500.49", "2026-01-05")]
    assert taken.counts("core.csv", "customers") == (4, 0, 2, 2, 0)
    assert taken.counts("core.csv", "loans") == (4, 2, 2, 0, 0), "refused, and superseded by the last change"
    assert taken.warned("rounded") == [(None, "loans.principal in core.csv", "3 amounts rounded half up to 2 decimals")]
    assert taken.record["rounded"] == {"loans.principal in core.csv": 3}
    assert not taken.warned("unmapped_column")


def test_rounding_is_half_up_by_exact_arithmetic_and_counted(lender: Lender) -> None:
    rounded = {
        "1.005": "1.01",
        "1.0049999999": "1.00",
        "943.9129": "943.91",
        "0.005": "0.01",
        '"1,234.565"': "1234.57",
        "1.2345e1": "12.35",
    }
    amounts = {**rounded, "2.50": "2.50", "2.5000": "2.50"}
    rows = [f"R{n},L1,2026-02-05,{text}\n" for n, text in enumerate(amounts)]
    taken = lender.load(
        repayments=HEADERS["repayments"] + "".join(rows) + "R9,L1,2026-02-05,abc\n",
        files={
            "mapping.yml": "ledgers: {repayments: [{file: repayments.csv, columns: {amount: {source: amount, round: half_up}}}]}"
        },
    )
    assert [row["amount"] for row in taken.rows("repayments")] == [Decimal(amount) for amount in amounts.values()]
    assert taken.record["rounded"] == {"repayments.amount in repayments.csv": len(rounded)}
    assert taken.waiting() == [("repayments.csv", 10, ["not_a_number:amount"])]


@pytest.mark.parametrize(
    ("where", "loaded"),
    [
        ('{Status: ["1"]}', ["R1"]),
        ('{Status: "1"}', ["R1"]),
        ("{Status: [1, 2]}", ["R1", "R2"]),
        ("{Status: {not: [1]}}", ["R2", "R3"]),
        ("{Status: {not: 1}}", ["R2", "R3"]),
        ("{Status: null}", ["R3"]),
        ("{Status: {not: null}}", ["R1", "R2"]),
        ("{Status: [1, null]}", ["R1", "R3"]),
        ("{Status: {not: [1, null]}}", ["R2"]),
        ("{Status: [1, 2], loan_id: L2}", ["R2"]),
        ("{Status: [7]}", []),
    ],
)
def test_where(lender: Lender, where: str, loaded: list[str]) -> None:
    taken = lender.load(
        repayments="repayment_id,loan_id,paid_on,amount,Status\nR1,L1,2026-02-05,1,1\nR2,L2,2026-02-05,2,2\nR3,L1,2026-02-05,3,NA\n",
        files={"mapping.yml": f"ledgers: {{repayments: [{{file: repayments.csv, where: {where}}}]}}"},
    )
    assert taken.keys("repayments") == loaded
    assert taken.counts("repayments.csv") == (3, 3 - len(loaded), len(loaded), 0, 0)


def test_a_filtered_row_may_be_as_bad_as_it_likes_but_not_ragged(lender: Lender) -> None:
    taken = lender.load(
        repayments="repayment_id,loan_id,paid_on,amount,Status\nR1,L9,never,-1.234,0\nR2,0\n,,,,\n",
        files={"mapping.yml": "ledgers: {repayments: [{file: repayments.csv, where: {Status: [1]}}]}"},
    )
    assert taken.waiting() == [("repayments.csv", 3, ["ragged_row"])]
    assert taken.counts("repayments.csv") == (3, 2, 0, 0, 1)


@pytest.mark.parametrize(
    ("values", "security"),
    [
        ("{A: unsecured}", ["unsecured", None, "pledged"]),
        ("{A: 信用, null: guaranteed}", ["unsecured", "guaranteed", "pledged"]),
        ('{A: null, "": guaranteed, pledged: combined}', [None, "guaranteed", "combined"]),
        ("{A: unsecured, NA: guaranteed}", ["unsecured", "guaranteed", "pledged"]),
    ],
)
def test_values(lender: Lender, values: str, security: list[str | None]) -> None:
    header = HEADERS["loans"].strip() + ",class\n"
    rows = [f"L{n},C1,2026-01-05,2026-07-05,1000.00,CNY,{text}\n" for n, text in enumerate(["A", "", "pledged"], 1)]
    mapping = f"ledgers: {{loans: [{{file: loans.csv, columns: {{security: {{source: class, values: {values}}}}}}}]}}"
    taken = lender.load(loans=header + "".join(rows), files={"mapping.yml": mapping})
    assert [r["security"] for r in taken.rows("loans")] == security


@pytest.mark.parametrize(
    ("date_format", "text", "day"),
    [
        ("%m/%d/%Y", "1/5/2026", "2026-01-05"),
        ("%d.%m.%Y", "05.01.2026", "2026-01-05"),
        ("%Y-%m-%d %H:%M:%S", "2026-01-05 23:59:59", "2026-01-05"),
        ("%m/%d/%Y %H:%M", "1/5/2026 9:05", "2026-01-05"),
        ("%Y年%m月%d日", "2026年01月05日", "2026-01-05"),
        ("%Y-%m-%dT%H:%M:%S%z", "2026-01-04T20:00:00+0000", "2026-01-05"),
    ],
)
def test_date_format(lender: Lender, date_format: str, text: str, day: str) -> None:
    mapping = f'ledgers: {{repayments: [{{file: repayments.csv, columns: {{paid_on: {{source: paid_on, date_format: "{date_format}"}}}}}}]}}'
    taken = lender.load(
        repayments=HEADERS["repayments"] + f"R1,L1,{text},1\nR2,L1,,1\nR3,L1,2026-02-30 x,1\n",
        files={"mapping.yml": mapping},
    )
    assert str(taken.row("repayments", "R1")["paid_on"]) == day
    assert taken.waiting() == [
        ("repayments.csv", 3, ["missing:paid_on"]),
        ("repayments.csv", 4, ["bad_date:paid_on"]),
    ]


def test_with_a_date_format_only_that_format_counts(lender: Lender) -> None:
    mapping = 'ledgers: {repayments: [{file: repayments.csv, columns: {paid_on: {source: paid_on, date_format: "%d/%m/%Y"}}}]}'
    taken = lender.load(repayments=HEADERS["repayments"] + "R1,L1,2026-02-05,1\n", files={"mapping.yml": mapping})
    assert taken.waiting() == [("repayments.csv", 2, ["bad_date:paid_on"])]


KEEP = HEADERS["loans"].strip() + ",version\n"


@pytest.mark.parametrize(
    ("keep", "versions", "kept"),
    [
        ("last", ["2", "9", "10"], "10"),  # as numbers
        ("first", ["10", "9", "2"], "2"),
        ("last", ["2026-02-01", "2026/1/31", "20260131"], "2026-02-01"),  # as dates
        ("last", ["2026-02-01 09:00", "2026-02-01 10:00", "2026-02-01"], "2026-02-01 10:00"),
        ("last", ["b", "c", "a"], "c"),
        ("last", ["1", "", "NA"], "1"),  # a null is neither first nor last
        ("first", ["", "1", "2"], "1"),
    ],
)
def test_keep(lender: Lender, keep: str, versions: list[str], kept: str) -> None:
    rows = [f"L1,C1,2026-01-05,2026-07-05,{n}.00,CNY,{v}\n" for n, v in enumerate(versions, start=1)]
    taken = lender.load(
        loans=KEEP + "".join(rows) + "L2,C2,2026-01-05,2026-07-05,2500.50,CNY,1\n",
        files={"mapping.yml": f"ledgers: {{loans: [{{file: loans.csv, keep: {keep} by version}}]}}"},
    )
    assert taken.row("loans", "L1")["principal"] == versions.index(kept) + 1
    assert taken.counts("loans.csv") == (4, 2, 2, 0, 0)


def test_keep_looks_at_repeated_content_too(lender: Lender) -> None:
    rows = ["100.00,CNY,1", "200.00,CNY,2", "100.00,CNY,3"]  # back to what it was
    taken = lender.load(
        loans=KEEP + "".join(f"L1,C1,2026-01-05,2026-07-05,{row}\n" for row in rows),
        files={"mapping.yml": "ledgers: {loans: [{file: loans.csv, keep: last by version}]}"},
    )
    assert (taken.row("loans", "L1")["principal"], taken.row("loans", "L1")["_line"]) == (100, 4)


def test_keep_that_does_not_decide_is_a_conflict(lender: Lender) -> None:
    rows = ["100.00,CNY,1", "200.00,CNY,2", "300.00,CNY,2"]
    taken = lender.load(
        loans=KEEP + "".join(f"L1,C1,2026-01-05,2026-07-05,{row}\n" for row in rows),
        files={"mapping.yml": "ledgers: {loans: [{file: loans.csv, keep: last by version}]}"},
    )
    assert taken.waiting("loans.csv") == [("loans.csv", n, ["conflict_in_delivery:loan_id"]) for n in (3, 4)]


def test_keep_chooses_among_all_files_of_its_entry(lender: Lender) -> None:
    lender.deliver(
        loans=KEEP + "L1,C1,2026-01-05,2026-07-05,1.00,CNY,2\n",
        files={
            "loans.part2.csv": KEEP + "L1,C1,2026-01-05,2026-07-05,2.00,CNY,10\n",
            "mapping.yml": 'ledgers: {loans: [{file: "loans*.csv", keep: last by version}]}',
        },
    )
    assert lender.take().row("loans", "L1")["principal"] == 2


def test_a_later_entry_replaces_an_earlier_one(lender: Lender) -> None:
    closed = "LoanId,Closed\nL1,2026-02-20\n"
    mapping = """
    ledgers:
      loans:
        - file: loans.csv
        - file: closed.csv
          columns: {loan_id: LoanId, closed_on: Closed, customer_id: {const: C1}, disbursed_on: {const: 2026-01-05},
                    principal: {const: "1000.00"}, currency: {const: CNY}, close_reason: {const: repaid}}
    """
    taken = lender.load(files={"closed.csv": closed, "mapping.yml": mapping})
    assert [(r["loan_id"], r["_file"], str(r["closed_on"])) for r in taken.rows("loans")] == [
        ("L1", "closed.csv", "2026-02-20"),
        ("L2", "loans.csv", "None"),
    ]
    assert taken.counts("loans.csv") == (2, 1, 1, 0, 0)


def test_gbk_and_delimiter_by_declaration(lender: Lender) -> None:
    # 锟斤拷: these GBK bytes are valid UTF-8 too, so only the mapping can say what they are
    content = "客户号;客户类型;地区\nC1;个人;上海\nC2;企业;x,y\n".encode("gbk")
    mapping = 'ledgers: {customers: [{file: clients.csv, encoding: gbk, delimiter: ";"}]}'
    taken = lender.load(customers=None, files={"clients.csv": content, "mapping.yml": mapping})
    assert [r["region"] for r in taken.rows("customers")] == ["上海", "x,y"]
    ambiguous = b"customer_id,segment,region\nC3,personal," + "联通".encode("gbk") + b"\n"
    mapping = "ledgers: {customers: [{file: customers.csv, encoding: gbk}]}"
    later = lender.load(SECOND, customers=ambiguous, files={"mapping.yml": mapping})
    assert later.rows("customers")[0]["region"] == "联通"


def test_declared_utf8_that_is_none(lender: Lender) -> None:
    mapping = "ledgers: {customers: [{file: customers.csv, encoding: utf-8}]}"
    lender.deliver(
        customers="customer_id,segment,region\nC1,personal,上海\n".encode("gbk"), files={"mapping.yml": mapping}
    )
    assert "customers.csv, line 2: the bytes c9 do not decode as UTF-8" in lender.refuse()


def test_a_column_left_out(lender: Lender) -> None:
    header = HEADERS["repayments"].strip() + ",channel,posted_at\n"
    mapping = "ledgers: {repayments: [{file: repayments.csv, columns: {channel: null, posted_at: {const: null}}}]}"
    taken = lender.load(repayments=header + "R1,L1,2026-02-05,1,branch,garbage\n", files={"mapping.yml": mapping})
    assert taken.row("repayments", "R1")["channel"] is None
    assert [detail for *_, detail in taken.warned("unmapped_column")] == [
        "column channel was kept out",
        "column posted_at was kept out",
    ]


def test_the_landing_folders_mapping_serves_every_delivery_without_its_own(lender: Lender) -> None:
    (lender.landing / "mapping.yml").write_text("ledgers: {loans: [{file: kredite.csv, columns: {loan_id: Nr}}]}")
    folder = lender.landing / FIRST
    folder.mkdir()
    for name, text in BOOK.items():
        (folder / ("kredite.csv" if name == "loans" else f"{name}.csv")).write_text(
            text.replace("loan_id,customer", "Nr,customer")
        )
    assert lender.take().keys("loans") == ["L1", "L2"]
    later = lender.load(SECOND, loans=BOOK["loans"], files={"mapping.yml": "ledgers: {}\n"})
    assert later.counts("loans.csv") == (2, 0, 0, 2, 0)


def test_a_key_made_of_several_columns(lender: Lender) -> None:
    mapping = "ledgers: {repayments: [{file: log.csv, columns: {repayment_id: [loan, no], loan_id: loan, channel: {source: [no, by]}}}]}"
    log = "loan,no,paid_on,amount,by\nL1,1,2026-02-05,1,\nL1,2,2026-02-06,1,app\n,3,2026-02-06,1,app\n"
    taken = lender.load(repayments=None, files={"log.csv": log, "mapping.yml": mapping})
    assert [(r["repayment_id"], r["channel"]) for r in taken.rows("repayments")] == [("L1-1", None), ("L1-2", "2-app")]
    assert taken.waiting() == [("log.csv", 4, ["missing:loan_id", "missing:repayment_id"])]


# what is said where it is wrong -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "given", "allowed"),
    [
        ("ledgers:\n  loan:\n    - file: loans.csv\n", 2, "ledgers: loan", "Did you mean loans?"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      columns: {loanid: Nr}\n", 4, "columns: loanid", "Did you mean loan_id?"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      filter: {a: b}\n", 4, "an entry of loans: filter", "one of file, source, table, query, since, where, columns, keep, encoding, delimiter"),
        ("ledger:\n  loans:\n", 1, "the file: ledger", "Did you mean ledgers?"),
        ("", 1, "the file is not a mapping", "name: value"),
        ("- loans\n", 1, "the file is not a mapping", "name: value"),
        ("{}\n", 1, "nothing under `ledgers:`", "the name of a ledger below it"),
        ("ledgers:\n  loans:\n    file: loans.csv\n", 3, "loans is not a list", "each item starting with `- `"),
        ("ledgers:\n  loans:\n    - columns: {loan_id: Nr}\n", 3, "an entry of loans with neither `file:` nor `source:`", "file: name.csv"),
        ("ledgers:\n  loans:\n    - file: ../loans.csv\n", 3, "file: ../loans.csv", "the name of a file in the delivery's folder"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n    - file: [a\n", 5, "not readable as YAML", ""),
        ("ledgers:\n\tloans: x\n", 2, "not readable as YAML", ""),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      columns:\n        principal: {source: a, const: b}\n", 5, "principal with source and const", "one of `source: HEADER` and `const: VALUE`"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      columns:\n        principal: {round: half_up}\n", 5, "principal with round", "one of `source: HEADER` and `const: VALUE`"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      columns:\n        principal: {source: null}\n", 5, "source: null for principal", "`source: HEADER`"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      columns:\n        principal: {source: principal, round: down}\n", 5, "down", "'half_up'"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      columns:\n        loan_id: {source: loan_id, round: half_up}\n", 5, "round: on loan_id", "on amounts only"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      columns:\n        principal: {source: principal, date_format: '%Y'}\n", 5, "date_format: on principal", "on dates and timestamps only"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      columns:\n        disbursed_on: {source: disbursed_on, date_format: '%Q'}\n", 5, "date_format: %Q", "a strptime format such as %Y-%m-%d"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      columns:\n        disbursed_on: {source: disbursed_on, date_format: yyyy-mm-dd}\n", 5, "date_format: yyyy-mm-dd", "a strptime format such as %Y-%m-%d"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      keep: newest\n", 4, "keep: newest", "`first by HEADER` or `last by HEADER`"),
        ("ledgers:\n  repayments:\n    - file: repayments.csv\n      keep: last by paid_on\n", 4, "keep: on repayments", "events are never replaced"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      encoding: latin-1\n", 4, "latin-1", "'utf-8' or 'gb18030' or 'gbk'"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      delimiter: ^\n", 4, "^", "','"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      where: {a: {is: 1}}\n", 4, "where a: is", "one of not"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      where: {a: [[1]]}\n", 4, "a list or mapping", "one value"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n  loans:\n    - file: b.csv\n", 4, "loans twice in ledgers", "each name once"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      ? [a, b]\n      : c\n", 4, "a name that is a list or mapping", "name: value"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      columns:\n        loan_id: []\n", 5, "loan_id with no header", "a list of headers"),
        # what only the file can tell
        ("ledgers:\n  loans:\n    - file: loans.csv\n      columns:\n        loan_id: LoanNo\n", 5, "the column LoanNo is not in the header of", "loan_id, customer_id, disbursed_on, matures_on, principal, currency"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      columns:\n        principal: {source: principle}\n", 5, "the column principle is not in the header of", "Did you mean principal?"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      where:\n        Status: [1]\n", 5, "the column Status is not in the header of", "loan_id"),
        ("ledgers:\n  loans:\n    - file: loans.csv\n      keep: last by Version\n", 4, "the column Version is not in the header of", "loan_id"),
    ],
)  # fmt: skip
def test_a_wrong_mapping(lender: Lender, text: str, line: int, given: str, allowed: str) -> None:
    folder = lender.deliver(files={"mapping.yml": text})
    message = lender.refuse(error=UsageError)
    assert message.startswith(f"{folder / 'mapping.yml'}, line {line}: ")
    assert given in message
    assert allowed in message
    assert "Allowed: " in message or not allowed


def test_a_mapping_that_is_no_utf8(lender: Lender) -> None:
    lender.deliver(files={"mapping.yml": "ledgers: {}  # 借据".encode("gbk")})
    assert "not readable as YAML" in lender.refuse(error=UsageError)


def test_a_mapped_header_that_stands_twice(lender: Lender) -> None:
    lender.deliver(
        loans="Nr,Nr,customer_id,disbursed_on,principal,currency\nL1,X,C1,2026-01-05,1,CNY\n",
        files={"mapping.yml": "ledgers: {loans: [{file: loans.csv, columns: {loan_id: Nr}}]}"},
    )
    message = lender.refuse(error=UsageError)
    assert "the column Nr is more than once in the header of" in message


def test_a_required_column_that_the_mapping_leaves_out(lender: Lender) -> None:
    lender.deliver(files={"mapping.yml": "ledgers: {loans: [{file: loans.csv, columns: {principal: null}}]}"})
    assert "the loans ledger needs the column principal (" in lender.refuse()


def test_a_mapping_that_names_files_which_are_not_there(lender: Lender) -> None:
    lender.deliver(
        loans=None,
        files={"kredite.csv": BOOK["loans"], "mapping.yml": "ledgers: {loans: [{file: kredit.csv}]}"},
    )
    message = lender.refuse()
    assert "holds no file for loans" in message
    assert "The mapping names files that are not there: kredit.csv (loans)." in message


def test_where_the_mapping_was(lender: Lender, tmp_path: Path) -> None:
    (lender.landing / "mapping.yml").write_text("ledgers: {loan: []}")
    (lender.landing / FIRST).mkdir()
    (lender.landing / FIRST / "loans.csv").write_text(BOOK["loans"])
    message = lender.refuse(error=UsageError)
    assert message.startswith(f"{tmp_path / 'landing' / 'mapping.yml'}, line 1: ")
