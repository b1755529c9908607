"""The worked examples of docs/your-own-files.md, loaded as they stand there (the database: databases/test_databases.py)."""

from __future__ import annotations

import re
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from bad_input.lender import BOOK, FIRST, Lender
from bad_input.test_exports import cells, workbook

from flows.errors import UsageError
from flows.ledgers import ledgers
from flows.template import write_templates

PAGE = (Path(__file__).parents[2] / "docs" / "your-own-files.md").read_text("utf-8")
CORE, SHEETS, _DATABASE, IDS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
LEDGER = """某某银行个人贷款台账,,,,,,
单位：万元,,,,,,
借据号,客户号,"放款
日期",贷款本金（万元）,年利率,币种,结清日期
L1,C1,2026年1月5日,0.1,4.35,人民币,1900-01-01
L2,C2,2026.1.5,0.25005,4.35%,RMB,2026-02-01
合计,,,0.35005,,,
"""


def test_an_export_of_a_core_banking_system(tmp_path: Path) -> None:
    taken = Lender(tmp_path).load(loans=None, files={"台账.csv": LEDGER.encode("gbk"), "mapping.yml": CORE})
    assert [
        (r["loan_id"], r["principal"], r["annual_rate"], r["currency"], r["closed_on"]) for r in taken.rows("loans")
    ] == [
        ("L1", Decimal("1000.00"), Decimal("0.0435"), "CNY", None),
        ("L2", Decimal("2500.50"), Decimal("0.0435"), "CNY", date(2026, 2, 1)),
    ]
    assert taken.counts("台账.csv", "loans") == (3, 1, 2, 0, 0)


def test_a_workbook(tmp_path: Path) -> None:
    loans = [["某某银行"], [], *cells(BOOK["loans"])]
    book = workbook(("台账", loans), ("还款", cells(BOOK["repayments"])))
    taken = Lender(tmp_path).load(loans=None, repayments=None, files={"报表.xlsx": book, "mapping.yml": SHEETS})
    assert taken.keys("loans") == ["L1", "L2"]
    assert taken.keys("repayments") == ["R1", "R2"]


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "repayments.parquet"
    query = (
        "select 'R1' as repayment_id, 'L1' as loan_id, date '2026-02-05' as paid_on, 400.10::decimal(18, 2) as amount"
    )
    duckdb.sql(f"copy ({query}) to '{path}' (format parquet)")
    taken = Lender(tmp_path).load(repayments=None, files={"repayments.parquet": path.read_bytes()})
    assert [r["amount"] for r in taken.rows("repayments")] == [Decimal("400.10")]


def test_ids_that_went_through_a_spreadsheet(tmp_path: Path) -> None:
    book = {name: text.replace("L1", "10000").replace("L2", "10001") for name, text in BOOK.items()}
    book["loans"] = book["loans"].replace("10000,", "10000.0,").replace("10001,", '="10001",')
    taken = Lender(tmp_path).load(files={"mapping.yml": IDS}, **book)
    assert taken.keys("loans") == ["10000", "10001"]
    assert not taken.quarantine


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("kind", ["csv", "workbook"])
def test_a_template_loads_as_it_stands(tmp_path: Path, lang: str, kind: str) -> None:
    lender = Lender(tmp_path)
    write_templates(tmp_path / "template", lang)
    shutil.copytree(tmp_path / "template" / kind, lender.landing / FIRST)
    taken = lender.take(FIRST)
    assert not taken.quarantine
    assert {name: total["rows_loaded"] for name, total in taken.record["ledgers"].items()} == dict.fromkeys(
        ledgers(), 1
    )
    assert not [rule for rule, *_ in taken.warnings if rule == "unmapped_column"]


def test_a_template_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("x")
    with pytest.raises(UsageError, match="is there already and is not empty"):
        write_templates(tmp_path, "en")
