"""Files as lenders' systems and spreadsheets export them: titles, totals, units, sentinels, workbooks, archives, names."""

from __future__ import annotations

import gzip
import os
import zipfile
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import pytest
from openpyxl import Workbook

from bad_input.lender import BOOK, HEADERS, POLICY, Lender, with_settings
from flows.errors import UsageError
from flows.landing.headers import names_of, with_unit
from flows.ledgers import ledgers

CHINESE = "借据号,客户号,放款日期,到期日期,贷款本金,币种\n"
LOANS = CHINESE + "".join(BOOK["loans"].splitlines(keepends=True)[1:])


def workbook(*sheets: tuple[str, list[list[Any]]]) -> bytes:
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def cells(text: str) -> list[list[Any]]:
    return [line.split(",") for line in text.splitlines()]


def same_book(taken: Any) -> bool:
    found = [(r["loan_id"], r["disbursed_on"], r["principal"], r["currency"]) for r in taken.rows("loans")]
    return found == [
        ("L1", date(2026, 1, 5), Decimal("1000.00"), "CNY"),
        ("L2", date(2026, 1, 5), Decimal("2500.50"), "CNY"),
    ]


# headers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        '借据号,客户号,"放款\n日期",到期日期,"贷款\r\n本金",币种\n',
        "借据号 ,　客户号,放款 日期,到期日期,贷款　本金,\xa0币种\n",
        '"借 据 号",客户号,放款日期,到期日期,贷款本金,币种\n',
    ],
)
def test_breaks_and_blanks_in_a_header(lender: Lender, header: str) -> None:
    assert same_book(lender.load(loans=LOANS.replace(CHINESE, header)))


def test_a_mapping_names_a_header_with_a_break_without_it(lender: Lender) -> None:
    mapping = "ledgers: {loans: [{file: loans.csv, columns: {disbursed_on: 起息日期, principal: 合同 金额}}]}"
    loans = LOANS.replace("放款日期", '"起息\n日期"').replace("贷款本金", '"合同\n金额"')
    assert same_book(lender.load(loans=loans, files={"mapping.yml": mapping}))


TITLES = "某某银行,,,,,\n单位：元,,制表：张三,,,\n"


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_title_lines_above_the_header(lender: Lender, encoding: str) -> None:
    folder = lender.deliver(loans=(TITLES + LOANS).encode(encoding))
    message = lender.refuse()
    assert "Line 3 looks like the header: say `header_line: 3` for this file in mapping.yml." in message
    (folder / "mapping.yml").write_text("ledgers: {loans: [{file: loans.csv, header_line: 3}]}")
    taken = lender.take()
    assert same_book(taken)
    assert [(f["file"], f["preamble"]) for f in taken.record["files"] if f["preamble"]] == [("loans.csv", 2)]
    assert {row["_line"] for row in taken.rows("loans")} == {2, 3}


def test_title_lines_under_a_mapping_name_the_line_too(lender: Lender) -> None:
    mapping = "ledgers: {loans: [{file: loans.csv, columns: {principal: 贷款本金}}]}"
    lender.deliver(loans=TITLES + LOANS, files={"mapping.yml": mapping})
    assert "(`header_line: 3`)" in lender.refuse(error=UsageError)


def test_a_header_line_beyond_the_end(lender: Lender) -> None:
    lender.deliver(files={"mapping.yml": "ledgers: {loans: [{file: loans.csv, header_line: 9}]}"})
    assert "holds blank lines only from line 9 on" in lender.refuse()


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("贷款本金（万元）", ("principal", "万元", 10000)),
        ("贷款本金(千元)", ("principal", "千元", 1000)),
        ("贷款本金_万元", ("principal", "万元", 10000)),
        ("贷款本金万元", ("principal", "万元", 10000)),
        ("贷款本金（单位：亿元）", ("principal", "亿元", 100000000)),
        ("principal (in thousands)", ("principal", "in thousands", 1000)),
        ("年利率(%)", ("annual_rate", "%", Decimal("0.01"))),
        ("年利率（‰）", ("annual_rate", "‰", Decimal("0.001"))),
        ("贷款本金（元）", ("principal", "元", 1)),
        ("贷款本金（含税）", ("principal", "含税", None)),
        ("合同（万元）", None),
    ],
)
def test_a_unit_behind_a_header(header: str, unit: Any) -> None:
    assert with_unit(header, names_of(ledgers()["loans"])) == unit


def test_amounts_in_units_of_ten_thousand(lender: Lender) -> None:
    loans = LOANS.replace("贷款本金", "贷款本金（万元）").replace("1000.00", "0.1").replace("2500.50", "0.25005")
    folder = lender.deliver(loans=loans)
    message = lender.refuse()
    assert "needs the column principal" in message
    assert "'贷款本金（万元）' looks like principal in units of 万元" in message
    assert "`principal: {source: 贷款本金（万元）, scale: 10000}` takes it." in message
    mapping = "ledgers: {loans: [{file: loans.csv, columns: {principal: {source: 贷款本金（万元）, scale: 10000}}}]}"
    (folder / "mapping.yml").write_text(mapping, "utf-8")
    assert same_book(lender.take())


def test_scaling_is_exact_or_told(lender: Lender) -> None:
    header = HEADERS["repayments"]
    rows = ["0.0001", "1.23456", "1.234567", "1e-3", "'1,5'", "99999999999", "x", "0.00000000001"]
    text = header + "".join(f"R{n},L1,2026-02-05,{value}\n" for n, value in enumerate(rows))
    mapping = "ledgers: {repayments: [{file: repayments.csv, columns: {amount: {source: amount, scale: 10000}}}]}"
    taken = lender.load(repayments=text, files={"mapping.yml": mapping})
    assert [r["amount"] for r in taken.rows("repayments")] == [
        Decimal("1.00"),
        Decimal("12345.60"),
        Decimal("12345.67"),
        Decimal("10.00"),
        Decimal("999999999990000.00"),
    ]
    assert len(taken.quarantine) == 3


# values -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written", ["2026年1月5日", "2026年01月05日", "2026.01.05", "2026.1.5", "2026-1-5", "2026 年 1 月 5 日"]
)
def test_dates_as_they_are_written(lender: Lender, written: str) -> None:
    assert same_book(lender.load(loans=LOANS.replace("2026-01-05", written)))


def test_days_as_excel_counts_them(lender: Lender) -> None:
    taken = lender.load(loans=LOANS.replace("2026-01-05", "46027"))
    waiting = [q for q in taken.quarantine if q["ledger"] == "loans"]
    assert [q["reasons"] for q in waiting] == [["bad_date:disbursed_on"]] * 2
    assert "`disbursed_on: {source: 放款日期, date_format: excel_serial}`" in waiting[0]["hints"][0]


def test_days_as_excel_counts_them_by_the_mapping(lender: Lender) -> None:
    mapping = (
        "ledgers: {loans: [{file: loans.csv, columns: {disbursed_on: {source: 放款日期, date_format: excel_serial}}}]}"
    )
    assert same_book(lender.load(loans=LOANS.replace("2026-01-05", "46027"), files={"mapping.yml": mapping}))


def test_rates_in_per_cent(lender: Lender) -> None:
    rates = ["0.0435", "4.35%", "4.35％", "4.35 %", "43.5‰", "4.35"]
    rows = "".join(f"N{n},C1,2026-01-05,2026-07-05,1,CNY,{rate}\n" for n, rate in enumerate(rates))
    taken = lender.load(loans=HEADERS["loans"].strip() + ",annual_rate\n" + rows, installments=BOOK["installments"])
    assert [r["annual_rate"] for r in taken.rows("loans")] == [Decimal("0.0435")] * 5 + [Decimal("4.35")]
    ((ledger, key, said),) = taken.warned("rate_above_one")
    assert (ledger, key) == ("loans", "N5")
    assert "`annual_rate: {source: annual_rate, scale: 0.01}`" in said


@pytest.mark.parametrize("written", ["RMB", "rmb", "人民币", "156", "cny", "CNY"])
def test_the_yuan_by_other_names(lender: Lender, written: str) -> None:
    assert same_book(lender.load(loans=LOANS.replace("CNY", written)))


@pytest.mark.parametrize(
    ("currency", "day", "reason"),
    [
        ("AAA", "2026-01-05", "unknown_code:currency"),
        ("XTS", "2026-01-05", "unknown_code:currency"),
        ("CNH", "2026-01-05", "unknown_code:currency"),
        ("HRK", "2026-01-05", "not_in_force:currency"),
        ("HRK", "2022-12-31", None),
        ("XXX", "2026-01-05", None),
    ],
)
def test_currencies_in_force(lender: Lender, currency: str, day: str, reason: str | None) -> None:
    taken = lender.load(loans=BOOK["loans"] + f"L3,C1,{day},2026-07-05,1,{currency}\n")
    assert taken.waiting("loans.csv") == ([("loans.csv", 4, [reason])] if reason else [])


@pytest.mark.parametrize("column", ["closed_on", "written_off_on"])
def test_dates_that_stand_for_none(lender: Lender, column: str) -> None:
    lines = BOOK["loans"].splitlines()
    loans = f"{lines[0]},{column}\n" + "".join(f"{line},1900-01-01\n" for line in lines[1:])
    taken = lender.load(loans=loans)
    waiting = [q for q in taken.quarantine if q["ledger"] == "loans"]
    assert [q["reasons"] for q in waiting] == [[f"before_disbursed_on:{column}"]] * 2
    assert f'`{column}: {{source: {column}, values: {{"1900-01-01": null}}}}`' in waiting[0]["hints"][0]


def test_dates_that_stand_for_none_by_the_mapping(lender: Lender) -> None:
    lines = BOOK["loans"].splitlines()
    loans = f"{lines[0]},closed_on\n" + "".join(f"{line},1900-01-01\n" for line in lines[1:])
    mapping = (
        'ledgers: {loans: [{file: loans.csv, columns: {closed_on: {source: closed_on, values: {"1900-01-01": null}}}}]}'
    )
    assert same_book(lender.load(loans=loans, files={"mapping.yml": mapping}))


@pytest.mark.parametrize("word", ["合计", "总计：", "Total"])
def test_a_line_of_totals(lender: Lender, word: str) -> None:
    taken = lender.load(loans=LOANS + f"{word},,,,3500.50,\n")
    (waiting,) = taken.quarantine
    assert (waiting["file"], waiting["line"]) == ("loans.csv", 4)
    assert f"`where: {{借据号: {{not: [{word}]}}}}`" in waiting["hints"][0]


def test_ids_as_a_spreadsheet_leaves_them(lender: Lender) -> None:
    installments = BOOK["installments"].replace("L1", "10000").replace("L2", "10001")
    repayments = BOOK["repayments"].replace("L1", '="10000"').replace("L2", "010001")
    loans = BOOK["loans"].replace("L1", "10000.0").replace("L2", "10001")
    taken = lender.load(loans=loans, installments=installments, repayments=repayments)
    said = {(q["file"], q["line"]): " ".join(q["hints"]) for q in taken.quarantine}
    assert (
        "loans has no '10000', but '10000.0': in mapping.yml, under loans, `loan_id: {source: …, plain_id: true}`"
        in (said["installments.csv", 2])
    )
    assert "loans has no '010001', but '10001': zeros in front were lost" in said["repayments.csv", 3]


def test_ids_as_a_spreadsheet_leaves_them_by_the_mapping(lender: Lender) -> None:
    plain = "columns: {loan_id: {source: loan_id, plain_id: true}}"
    mapping = f"ledgers: {{loans: [{{file: loans.csv, {plain}}}], repayments: [{{file: repayments.csv, {plain}}}]}}"
    taken = lender.load(
        loans=BOOK["loans"].replace("L1", "10000.0").replace("L2", "10001.00"),
        installments=BOOK["installments"].replace("L1", "10000").replace("L2", "10001"),
        repayments=BOOK["repayments"].replace("L1", '"=""10000"""').replace("L2", '="10001"'),
        files={"mapping.yml": mapping},
    )
    assert taken.keys("loans") == ["10000", "10001"]
    assert not taken.quarantine


# files --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "loans_20261031.csv",
        "loans-part-3.csv",
        "Loans_2026-10-31.CSV",
        "loans20261031.csv",
        "loans (1).csv",
        "LOANS.part2.csv",
    ],
)
def test_names_with_a_date_or_a_part(lender: Lender, name: str) -> None:
    assert same_book(lender.load(loans=None, files={name: BOOK["loans"]}))


@pytest.mark.parametrize("name", ["loans_old.csv", "my_loans.csv", f"loans_{'1_' * 60}x.csv"])
def test_other_names_are_not_guessed(lender: Lender, name: str) -> None:
    taken = lender.load(files={name: BOOK["loans"].replace("L1", "L8")})
    assert [key for _, key, _ in taken.warned("ignored_file")] == [name]


@pytest.mark.parametrize("name", ["loans.zip", "all.7z", "loans.xls", "loans.xlsm", "rest.tar.gz"])
def test_archives_and_old_workbooks_are_told(lender: Lender, name: str) -> None:
    lender.deliver(files={name: b"PK\x03\x04"})
    message = lender.refuse()
    assert f"{name} is of a kind that is not read: " in message
    assert ("unpack it" in message) or ("save it as an .xlsx workbook" in message)


def test_a_pipe_a_link_out_of_the_folder_and_a_folder(lender: Lender, tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text("secret,of somebody else\n")
    folder = lender.deliver(repayments=None)
    file = folder / "repayments.csv"
    for make, said in (
        (lambda: os.mkfifo(file), "is a pipe, a socket or a device"),
        (lambda: file.symlink_to(outside), "is a link out of the landing folder"),
        (lambda: file.mkdir(), "is a folder"),
    ):
        make()
        message = lender.refuse()
        assert f"repayments.csv {said}, and only plain files are read" in message
        assert "secret" not in message
        file.rmdir() if file.is_dir() else file.unlink()


def test_a_link_inside_the_landing_folder_is_read(lender: Lender) -> None:
    folder = lender.deliver(repayments=None)
    (lender.landing / "repayments of the year.csv").write_text(BOOK["repayments"])
    (folder / "repayments.csv").symlink_to(lender.landing / "repayments of the year.csv")
    assert lender.take().keys("repayments") == ["R1", "R2"]


# what unpacks to much more than it is ---------------------------------------------------------------------------------


def test_a_gzip_that_unpacks_without_end(lender: Lender) -> None:
    lender.deliver(repayments=None, files={"repayments.csv.gz": gzip.compress(b"x" * (70 << 20))})
    assert "allowed are 67,108,864 (policy setting max_file_expansion, 200 times its size)" in lender.refuse()


@pytest.mark.parametrize(
    ("query", "setting"),
    [
        ("select 'R1' as repayment_id, 'L1' as loan_id, 1 as amount from range(40000000)", "max_file_expansion"),
        (
            "select 'R' || i as repayment_id, repeat('x', 1000000) as loan_id from range(100) as r(i)",
            "max_file_expansion",
        ),
        ("select 'R1' as repayment_id, repeat('x', 1048577) as loan_id", "max_file_cell"),
        (f"select {', '.join(f'{n} as c{n}' for n in range(2001))}", "max_file_columns"),
    ],
)
def test_a_parquet_file_that_unpacks_without_end(lender: Lender, tmp_path: Path, query: str, setting: str) -> None:
    duckdb.sql(f"copy ({query}) to '{tmp_path}/bomb.parquet' (format parquet, compression zstd)")
    content = (tmp_path / "bomb.parquet").read_bytes()
    lender.deliver(repayments=None, files={"repayments.parquet": content})
    assert f"(policy setting {setting}" in lender.refuse()


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
def test_more_rows_than_a_file_may_have(lender: Lender, tmp_path: Path, kind: str) -> None:
    duckdb.sql(f"copy (select 'R' || i as repayment_id from range(101) as r(i)) to '{tmp_path}/many.{kind}'")
    lender.deliver(repayments=None, files={f"repayments.{kind}": (tmp_path / f"many.{kind}").read_bytes()})
    said = lender.refuse(policy=with_settings(POLICY, max_file_rows="100"))
    assert "rows or more; allowed are 100 (policy setting max_file_rows)" in said


def test_a_workbook_that_unpacks_without_end(lender: Lender) -> None:
    out = BytesIO(workbook(("S", cells(LOANS))))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet9.xml", b" " * (70 << 20))
    lender.deliver(loans=None, files={"loans.xlsx": out.getvalue()})
    assert "(policy setting max_file_expansion" in lender.refuse()


# encodings ----------------------------------------------------------------------------------------------------------

NAMES = "customer_id,segment,name\nC1,personal,{}\nC2,corporate,{}\n"


@pytest.mark.parametrize("first", ["谢肖", "袁魏", "叶姚", "卢谭"])
def test_short_names_in_gbk_that_look_like_utf8(lender: Lender, first: str) -> None:
    """Each is valid UTF-8 (Cyrillic and the like) but for the last one."""
    assert [r["name"] for r in lender.load(customers=NAMES.format(first, "王伟").encode("gbk")).rows("customers")] == [
        first,
        "王伟",
    ]


def test_what_is_valid_in_both_is_read_as_the_others_are(lender: Lender) -> None:
    text = NAMES.format("谢肖", "袁魏").encode("gbk")
    assert text.decode("utf-8")
    taken = lender.load(customers=text, loans=LOANS.encode("gbk"))
    assert [r["name"] for r in taken.rows("customers")] == ["谢肖", "袁魏"]
    assert {f["file"]: f["encoding"] for f in taken.record["files"]}["customers.csv"] == "gb18030"


def test_alone_common_chinese_in_gbk_is_taken_for_it(lender: Lender) -> None:
    taken = lender.load(customers=NAMES.format("谢肖", "袁魏").encode("gbk"))
    assert [r["name"] for r in taken.rows("customers")] == ["谢肖", "袁魏"]


@pytest.mark.parametrize("names", [("José", "Müller"), ("Иван", "Ольга"), ("测试", "王小明甲"), ("Ёж", "Łódź")])
def test_alone_names_in_utf8_stay_so(lender: Lender, names: tuple[str, str]) -> None:
    taken = lender.load(customers=NAMES.format(*names).encode())
    assert [r["name"] for r in taken.rows("customers")] == list(names)


def test_chinese_in_utf8_stays_utf8_beside_gbk(lender: Lender) -> None:
    taken = lender.load(customers=NAMES.format("测试", "某某公司甲乙").encode(), loans=LOANS.encode("gbk"))
    assert [r["name"] for r in taken.rows("customers")] == ["测试", "某某公司甲乙"]


def test_a_declared_encoding_counts(lender: Lender) -> None:
    text = NAMES.format("谢肖", "袁魏").encode("gbk")
    mapping = "ledgers: {customers: [{file: customers.csv, encoding: gbk}]}"
    taken = lender.load(customers=text, files={"mapping.yml": mapping})
    assert [r["name"] for r in taken.rows("customers")] == ["谢肖", "袁魏"]


def test_a_message_about_bytes_names_the_option(lender: Lender) -> None:
    lender.deliver(customers=b"customer_id,segment,name\nC1,personal,\xff\xff\n")
    assert "say so in mapping.yml (`encoding: gb18030` or `encoding: utf-8`)" in lender.refuse()


# workbooks ----------------------------------------------------------------------------------------------------------


def test_a_workbook_equals_the_csv_of_the_same_rows(lender: Lender) -> None:
    rows = cells(LOANS)
    rows[1][2], rows[2][2] = date(2026, 1, 5), datetime(2026, 1, 5)
    rows[1][4], rows[2][4] = 1000, 2500.5
    rows.insert(1, [None] * 6)
    taken = lender.load(loans=None, files={"loans.xlsx": workbook(("放款", rows), ("其他", [["x"]]))})
    assert same_book(taken)
    assert [row["_line"] for row in taken.rows("loans")] == [2, 3]


def test_numbers_of_a_workbook_are_what_the_cell_holds(lender: Lender) -> None:
    rates = [0.0435, 4.35, 0.1, 1e-7, 1 / 3, 36500, 0.07]
    rows = [[*HEADERS["loans"].strip().split(","), "annual_rate"]]
    rows += [[10000 + n, "C1", date(2026, 1, 5), None, 0.29, "CNY", rate] for n, rate in enumerate(rates)]
    taken = lender.load(
        loans=None,
        installments=HEADERS["installments"],
        repayments=HEADERS["repayments"],
        files={"loans.xlsx": workbook(("Sheet1", rows))},
    )
    assert taken.keys("loans") == [str(10000 + n) for n in range(len(rates))]
    assert [r["principal"] for r in taken.rows("loans")] == [Decimal("0.29")] * len(rates)
    assert [r["annual_rate"] for r in taken.rows("loans")] == [round(Decimal(repr(float(r))), 10) for r in rates]


def test_sheets_and_title_rows_of_a_workbook(lender: Lender) -> None:
    loans = [["某某银行"], [None, "单位：元"], *cells(LOANS)]
    folder = lender.deliver(
        loans=None, repayments=None, files={"book.xlsx": workbook(("台账", loans), ("还款", cells(BOOK["repayments"])))}
    )
    mapping = "ledgers: {loans: [{file: book.xlsx, sheet: 台账}], repayments: [{file: book.xlsx, sheet: 还款}]}"
    (folder / "mapping.yml").write_text(mapping, "utf-8")
    assert "Line 3 looks like the header: say `header_line: 3`" in lender.refuse()
    (folder / "mapping.yml").write_text(mapping.replace("台账", "台账, header_line: 3"), "utf-8")
    taken = lender.take()
    assert same_book(taken)
    assert {row["_file"] for row in taken.rows("repayments")} == {"book.xlsx#还款"}


def test_a_sheet_that_is_not_there(lender: Lender) -> None:
    mapping = "ledgers: {loans: [{file: loans.xlsx, sheet: 总账}]}"
    lender.deliver(loans=None, files={"loans.xlsx": workbook(("台账", cells(LOANS))), "mapping.yml": mapping})
    assert "has no sheet '总账', which mapping.yml names. It has the sheet '台账'" in lender.refuse()


def test_formulas_count_by_their_stored_value_and_errors_are_told(lender: Lender) -> None:
    rows = cells(BOOK["repayments"])
    rows[1][3], rows[2][3] = "=200+200", "#DIV/0!"
    taken = lender.load(repayments=None, files={"repayments.xlsx": workbook(("Sheet1", rows))})
    # written without Excel, the formula has no stored value: it is no number, and is not taken for nothing
    assert [q["reasons"] for q in taken.quarantine] == [["not_a_number:amount"]] * 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 512, "is protected by a password, or is an old .xls"),
        (b"PK\x03\x04" + b"\0" * 400, "cannot be read as an Excel workbook"),
        (b"loan_id,customer_id\n", "cannot be read as an Excel workbook"),
        (workbook(("空", [])), "holds no header"),
        ("macros", "holds macros, which are not read"),
        ("no sheets", "cannot be read as an Excel workbook"),
    ],
)  # fmt: skip
def test_workbooks_that_are_none(lender: Lender, content: bytes | str, said: str) -> None:
    if isinstance(content, str):
        out = BytesIO(workbook(("S", cells(LOANS))))
        if content == "macros":
            with zipfile.ZipFile(out, "a") as archive:
                archive.writestr("xl/vbaProject.bin", b"x")
        else:
            out = BytesIO()
            with zipfile.ZipFile(out, "w") as archive:
                archive.writestr("xl/nothing.xml", b"<x/>")
        content = out.getvalue()
    lender.deliver(loans=None, files={"loans.xlsx": content})
    assert said in lender.refuse()
