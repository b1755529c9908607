"""`arrears case`: the report of one customer from what is published."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from flows.case import case_of, file_name_of
from flows.command import main
from flows.errors import UsageError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with one publication that knows two customers: C-1 is overdue and watched, C-2 is not."""
    folder = tmp_path / "published" / "2026-06-30-20260701T000000-abcd"
    folder.mkdir(parents=True)
    (tmp_path / "published" / "current").symlink_to(folder.name)
    with duckdb.connect(str(folder / "marts.duckdb")) as connection:
        connection.execute(
            """
            create table loan_aging as
            select date '2026-06-30' as as_of, unnest(['C-1', 'C-2']) as customer_id;
            create table case_files as
            select
                'C-1' as customer_id, '个人客户，1笔逾期。' as description_zh, 'Personal customer, 1 overdue, CNY 1234567.80.' as description_en,
                '收入未核实：未核实（underwriting L-1）；例外审批：例外 2 项（underwriting L-1）' as evidence_zh,
                'Income was not verified: not verified (underwriting L-1); Exceptions: 2 (underwriting L-1)' as evidence_en,
                '重新评估风险' as measures_zh, 'Assess the risk again' as measures_en,
                'L-1：装修，余额 100.00，缺口 10.00' as debts_zh,
                'L-1: renovation, balance 100.00, shortfall 10.00; A-2: Guarantee, balance 5000.00' as debts_en,
                4 as attempts, 1 as reached, date '2026-06-20' as last_attempt_on, 2 as promises, 1 as promises_kept, 1 as promises_broken,
                'Q: 2' as breaches, '禁止时段（Q）2次' as breaches_zh, 'Quiet hours (Q): 2' as breaches_en,
                '审批与调查（L-1）' as unanswered_zh, 'How it was underwritten (L-1)' as unanswered_en,
                '追加押品（CNY 21.12）；重新评估风险' as measures_sized_zh,
                'Ask for more collateral (CNY 2121.12); Assess the risk again' as measures_sized_en;
            create table watchlist as
            select
                'C-1' as customer_id, '高' as severity_zh, 'High' as severity_en, 60 as points,
                '逾期超过30天（L-1：逾期 45 天）' as evidence_zh,
                'More than 30 days past due (L-1: 45 days past due)' as evidence_en,
                '提前催收' as measures_zh, 'Collect earlier, Assess the risk again' as measures_en;
            create table risk_classification as
            select
                * from (values
                    ('C-1', 'loan', 'L-1', 'CNY', 100.00, 45, '关注', 'Special mention', 'CN23_SM_OVERDUE'),
                    ('C-2', 'loan', 'L-2', 'CNY', 200.00, 0, '正常', 'Pass', '')
                ) as items (customer_id, item_type, item_id, currency, balance, days_past_due, class_zh, class_en, rules_fired);
            """
        )
    return tmp_path


def test_a_case_is_told_in_both_languages_and_written(home: Path) -> None:
    told = case_of(home, "C-1", None, "en")
    for words in (
        "Personal customer, 1 overdue, CNY 1,234,567.80.",
        "Loan L-1: CNY 100.00, 45 days past due, Special mention (rules: CN23_SM_OVERDUE)",
        "- Income was not verified: not verified (underwriting L-1)\n- Exceptions: 2 (underwriting L-1)\n",
        "- More than 30 days past due (L-1: 45 days past due)\n",
        "severity High, 60",
        "- L-1: renovation, balance 100.00, shortfall 10.00\n- A-2: Guarantee, balance 5,000.00\n",
        "Attempts since the arrears began: 4, the debtor spoke in 1, the last on 2026-06-20.\nPromises: 2, kept 1, broken 1.\n",
        "Rules broken: Quiet hours (Q): 2.\n",
        "- How it was underwritten (L-1)\n",
        "- Ask for more collateral (CNY 2,121.12)\n- Assess the risk again\n",
    ):
        assert words in told["_text"]
    path = Path(told["report"])
    assert path == home / "cases" / "2026-06-30" / "C-1.en.md"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text("utf-8") in told["_text"]
    assert "贷款 L-1：CNY 100.00，逾期 45 天，关注" in case_of(home, "C-1", "2026-06-30", "zh")["_text"]


def test_a_customer_without_arrears_has_no_case(home: Path) -> None:
    told = case_of(home, "C-2", None, "en")
    assert "Nothing of this customer is overdue." in told["_text"]
    assert told["case"] is None


@pytest.mark.parametrize(
    ("customer", "as_of", "said"),
    [
        ("C-9", None, "There is no customer C-9"),
        ("C-1", "2026-05-31", "no publication of this date is kept. Kept: 2026-06-30."),
        ("C-1", "yesterday", "not a date"),
        (os.fsdecode(b"C\xff"), None, r"There is no customer C\\xff"),
    ],
)
def test_what_is_not_there_is_said(home: Path, customer: str, as_of: str | None, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        case_of(home, customer, as_of, "zh")
    assert caught.value.exit_code == 2


def test_the_command_prints_one_json_object_and_exits_2_for_the_unknown(home: Path) -> None:
    found = CliRunner().invoke(main, ["case", "C-1", "--home", str(home), "--json", "--lang", "en"])
    assert found.exit_code == 0, found.output
    assert '"customer_id": "C-1"' in found.output
    assert CliRunner().invoke(main, ["case", "C-9", "--home", str(home)]).exit_code == 2


def test_nothing_published_is_said(tmp_path: Path) -> None:
    (tmp_path / "published").mkdir()
    with pytest.raises(UsageError, match="Nothing is published"):
        case_of(tmp_path, "C-1", None, "zh")


def test_ids_of_any_kind_have_a_file_of_their_own() -> None:
    assert file_name_of("客户-1_a") == "客户-1_a"
    names = [file_name_of(customer) for customer in ("K/1", "K?1", "K_1", "..", "客" * 100, "客" * 101, "x" * 300)]
    assert len(set(names)) == len(names)
    assert all("/" not in name and len(name.encode()) < 140 for name in names)


def test_nothing_of_a_ledger_reaches_the_terminal_as_a_command(home: Path) -> None:
    with duckdb.connect(str(home / "published" / "current" / "marts.duckdb")) as connection:
        connection.execute("update case_files set debts_en = 'L-1: \x1b[2J\x07rent\r, balance 1.00'")
    told = case_of(home, "C-1", None, "en")["_text"]
    assert "rent" in told
    assert not set("\x1b\x07\r") & set(told)


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can become somebody who may not write")
def test_a_home_that_cannot_be_written_to_shows_the_case(home: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(home, Path(folder) / "home", symlinks=True)
        for path in (Path(folder), *copy.rglob("*"), copy):
            path.chmod(0o555 if path.is_dir() else 0o444)
        os.seteuid(65534)
        try:
            told = case_of(copy, "C-1", None, "zh")
        finally:
            os.seteuid(0)
        assert told["report"] is None
        assert told["_text"].endswith("HOME cannot be written to.")
        assert not (copy / "cases").exists()
