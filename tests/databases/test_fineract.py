"""mappings/fineract.yml over a database in Fineract's schema: the days that its own tests expect, and what its BI project misses."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conformance import peers
from conformance.test_peer_cases import READINGS, Row
from support import backfill_at, load, new_home, rows_of

from databases.servers import Server
from databases.test_databases import url_of
from flows.policy import PROJECT

SCHEMA = (Path(__file__).parent / "fineract.sql").read_text("utf-8")
TYPES = {"payment": 2, "chargeback": 25}
CASES = [case for case in peers.cases() if (case["source"].get("repo") or "").startswith("apache/fineract")]
FIGURES = ("days_past_due", "delinquent_days", "overdue_amount", "overdue_since")
DELIVERED = date(2026, 7, 1)


def statements(cases: list[peers.Case]) -> Iterator[str]:
    """The cases as Fineract keeps them: a loan, a client and a product each, numbered from 1."""
    transaction = 0
    for n, case in enumerate(cases, 1):
        loan, rules = case["loan"], case["convention"]
        yield f"insert into m_client values ({n}, '{n:09}', 1, 1, 'Client {n}', null, '2000-01-01')"
        yield f"insert into m_product_loan values ({n}, 'Product {n}', {rules['grace_days']}, 0)"
        yield (
            "insert into m_loan (id, client_id, product_id, loan_status_id, currency_code, disbursedon_date, expected_maturedon_date, "
            f"principal_disbursed_derived) values ({n}, {n}, {n}, 300, '{loan['currency']}', '{loan['disbursed_on']}', "
            f"'{loan.get('maturity', '2099-12-31')}', {loan['principal']})"
        )
        for line in case["schedule"]:
            # what is charged back is added to the installment of its time
            back = sum(
                Decimal(event["amount"])
                for event in case["events"]
                if event["type"] == "chargeback" and line is _installment_of(case, event["date"])
            )
            yield (
                "insert into m_loan_repayment_schedule (loan_id, installment, duedate, principal_amount, interest_amount, credits_amount)"
                f" values ({n}, {line['n']}, '{line['due_date']}', {Decimal(line['principal']) + back}, {line['interest']}, {back})"
            )
        for event in case["events"]:
            transaction += 1
            yield (
                "insert into m_loan_transaction (id, loan_id, transaction_type_enum, transaction_date, amount, submitted_on_date) values "
                f"({transaction}, {n}, {TYPES[event['type']]}, '{event['date']}', {event['amount']}, '{event['date']}')"
            )
        for pause in rules["pauses"]:
            yield (
                "insert into m_loan_delinquency_action (loan_id, action, start_date, end_date) values "
                f"({n}, 'PAUSE', '{pause['from']}', '{pause['to']}')"
            )


def _installment_of(case: peers.Case, day: str) -> Any:
    return next((line for line in case["schedule"] if line["due_date"] >= day), case["schedule"][-1])


@pytest.fixture
def fineract(postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """An empty tenant, and a landing folder with the shipped mapping and an open delivery."""
    postgres.run(
        "set client_min_messages = error; drop schema if exists public cascade; create schema public;" + SCHEMA
    )
    monkeypatch.setenv("FINERACT_URL", url_of(postgres))
    (tmp_path / "landing" / str(DELIVERED)).mkdir(parents=True)
    shutil.copyfile(PROJECT / "mappings" / "fineract.yml", tmp_path / "landing" / "mapping.yml")
    return postgres


def figures(folder: Path, dates: list[date]) -> dict[tuple[str, date], Row]:
    home = new_home(folder / "home")
    load(folder / "landing", home)
    assert not rows_in_quarantine(home.raw)
    database = backfill_at(home, dates, marts=("loan_aging",)).database
    return {(row["loan_id"], row["as_of"]): row for row in rows_of(database, "from marts.loan_aging")}


def rows_in_quarantine(raw: Path) -> list[Row]:
    from flows.database import connect

    with connect() as connection:
        found = connection.sql(f"select file, line, reasons from read_parquet('{raw}/*/quarantine.parquet')")
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


@pytest.mark.skipif(not CASES, reason=peers.ABSENT)
def test_the_days_that_its_own_tests_expect(fineract: Server, tmp_path: Path) -> None:
    fineract.run(";".join(statements(CASES)) + ";")
    found = figures(tmp_path, sorted({date.fromisoformat(case["as_of"]) for case in CASES}))
    differs = {}
    for n, case in enumerate(CASES, 1):
        row = found[str(n), date.fromisoformat(case["as_of"])]
        expected = {**case["computed"], **case["expected"]}
        for name in FIGURES:
            ours = READINGS[name](row, case)
            if name in expected and ours != expected[name]:
                differs[case["id"], name] = f"{expected[name]} and ours {ours}"
    assert not differs
    assert len(CASES) > 40


def test_what_fineract_does_to_a_loan(fineract: Server, tmp_path: Path) -> None:
    """A rescheduling, a transaction undone and played again, a waiver, a pause resumed early, a group, a loan past its maturity."""
    fineract.run(
        """
        insert into m_client values (1, '1', 7, 2, '某某公司', '13800000000', '2020-01-01'), (2, '2', 7, 1, 'P', null, null);
        insert into m_group values (5, 8, 'Group', '2020-01-01');
        insert into m_code_value values (3, 1, 'Stock');
        insert into m_product_loan values (1, 'Plain', null, null), (2, 'Graced', 5, 0);
        insert into m_loan (id, client_id, group_id, product_id, loanpurpose_cv_id, loan_status_id, currency_code, annual_nominal_interest_rate,
            disbursedon_date, expected_maturedon_date, maturedon_date, principal_disbursed_derived) values
            (1, 1, null, 1, 3, 300, 'USD', 12.5, '2026-01-01', '2026-04-01', '2026-04-01', 3000),
            (2, null, 5, 2, null, 300, 'USD', 0, '2026-01-01', '2026-04-01', '2026-04-01', 3000),
            (3, 2, null, 1, null, 300, 'USD', 0, '2026-01-01', '2026-09-01', '2026-04-01', 300),
            (4, 2, null, 1, null, 200, 'USD', 0, null, '2026-04-01', null, 0);
        insert into m_loan_repayment_schedule (loan_id, installment, duedate, principal_amount, interest_amount, fee_charges_amount) values
            (1, 1, '2026-02-01', 1000, 30, 5), (1, 2, '2026-03-01', 1000, 20, 0), (1, 3, '2026-04-01', 1000, 10, 0),
            (2, 1, '2026-02-01', 1000, 0, 0), (2, 2, '2026-03-01', 1000, 0, 0), (2, 3, '2026-04-01', 1000, 0, 0),
            (3, 1, '2026-02-01', 100, 0, 0), (3, 2, '2026-08-01', 100, 0, 0), (3, 3, '2026-09-01', 100, 0, 0),
            (4, 1, '2026-04-01', 100, 0, 0);
        insert into m_loan_repayment_schedule_history (loan_id, installment, duedate, principal_amount, interest_amount, version) values
            (3, 1, '2026-02-01', 100, 0, 1), (3, 2, '2026-03-01', 100, 0, 1), (3, 3, '2026-04-01', 100, 0, 1);
        insert into m_loan_reschedule_request values (1, 3, 200, '2026-03-31'), (2, 1, 300, null);
        insert into m_loan_transaction (id, loan_id, is_reversed, transaction_type_enum, transaction_date, amount, submitted_on_date) values
            (1, 1, false, 1, '2026-01-01', 3000, '2026-01-01'), (2, 1, false, 2, '2026-02-01', 1005, '2026-02-01'),
            (3, 1, false, 4, '2026-02-02', 30, '2026-02-02'), (4, 1, true, 2, '2026-03-01', 1020, '2026-03-01'),
            (5, 1, false, 2, '2026-03-01', 20, '2026-03-20'), (6, 3, false, 2, '2026-02-01', 100, '2026-02-01'),
            (7, 1, false, 10, '2026-03-01', 20, '2026-03-20');
        insert into m_loan_delinquency_action (loan_id, action, start_date, end_date) values
            (2, 'PAUSE', '2026-02-10', '2026-05-01'), (2, 'RESUME', '2026-02-20', null);
        """
    )
    days = [date(2026, 2, 28), date(2026, 3, 30), date(2026, 3, 31), date(2026, 6, 30)]
    found = figures(tmp_path, days)
    assert {loan for loan, _ in found} == {"1", "2", "3"}
    assert [found["1", day]["days_past_due"] for day in days] == [0, 29, 30, 121]
    assert (found["1", days[3]]["overdue_amount"], found["1", days[3]]["customer_id"]) == (Decimal("2010.00"), "1")
    assert [found["2", day]["days_past_due"] for day in days] == [27, 57, 58, 149]
    assert found["2", days[3]]["delinquent_days"] == 149 - 5 - 10
    assert found["2", days[3]]["customer_id"] == "G5"
    assert [found["3", day]["days_past_due"] for day in days] == [0, 29, 0, 0]
    assert found["3", days[2]]["days_before_plan"] == 29
