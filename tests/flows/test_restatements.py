"""`restatements` is what a reader would find who compared each earlier publication with what would be said today."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from reperformance import strategies
from support import build_at, load, new_home, publish_at, rows_of

from flows.home import Delivery, Home

FIGURES = "select * exclude (as_of, has_quarantine, calendar_confirmed, policy_version) from "
COLUMNS = "restated_as_of, loan_id, column_name, old_value, new_value"
MARTS = ("loan_aging", "restatements")


def by_comparison(home: Home, publication: Path, day: date) -> set[tuple[Any, ...]]:
    """Every figure of every loan, as published and as a build of that day says it now, where they differ."""
    then = {r["loan_id"]: r for r in _texts(duckdb.connect(), f"'{publication}/parquet/loan_aging.parquet'")}
    with duckdb.connect(str(build_at(home, day, marts=MARTS).database), read_only=True) as connection:
        now = {r["loan_id"]: r for r in _texts(connection, "marts.loan_aging")}
    found = set()
    for loan in then.keys() | now.keys():
        if loan not in then or loan not in now:
            found.add((day, loan, "loan_id", loan if loan in then else None, loan if loan in now else None))
            continue
        found |= {(day, loan, c, then[loan][c], now[loan][c]) for c in then[loan] if then[loan][c] != now[loan][c]}
    return found


def _texts(connection: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, str | None]]:
    """Labels and orders say the same as their codes."""
    relation = connection.sql(
        f"select columns(c -> not regexp_matches(c, '_(order|zh|en)$'))::varchar from ({FIGURES}{table})"
    )
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def restated(home: Home, as_of: date) -> list[dict[str, Any]]:
    return rows_of(build_at(home, as_of, marts=MARTS).database, "select * from marts.restatements")


def test_every_difference_is_listed_and_nothing_else(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    strategies.write_landing(strategies.random_ledgers(21, 300), landing)
    deliveries = sorted(d for d in (Delivery.parse(p.name) for p in landing.iterdir()) if d)
    home = new_home(tmp_path / "home")
    published = {}
    for delivery in deliveries:
        load(landing, home, upto=delivery)
        published[delivery.date] = publish_at(home, delivery.date, marts=MARTS)
    last = deliveries[-1].date
    expected = set().union(*(by_comparison(home, folder, day) for day, folder in published.items() if day < last))
    rows = restated(home, last)
    assert len(expected) > 20
    assert {tuple(row[c] for c in COLUMNS.split(", ")) for row in rows} == expected
    assert all(row["cause_key"] and Delivery.parse(row["cause_delivery"]) for row in rows)


LOANS = ["loan_id", "customer_id", "disbursed_on", "matures_on", "principal", "currency", "closed_on", "close_reason"]
INSTALLMENTS = ["loan_id", "installment_no", "due_on", "principal_due"]
REPAYMENTS = ["repayment_id", "loan_id", "paid_on", "amount", "kind", "reverses_id"]


def deliver(landing: Path, name: str, **ledgers: list[list[str]]) -> None:
    headers = {
        "customers": ["customer_id", "segment"],
        "loans": LOANS,
        "installments": INSTALLMENTS,
        "repayments": REPAYMENTS,
    }
    folder = landing / name
    folder.mkdir(parents=True)
    for ledger, rows in {"repayments": [], **ledgers}.items():
        with open(folder / f"{ledger}.csv", "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([headers[ledger], *rows])


def loan(name: str, closed_on: str = "", reason: str = "") -> list[str]:
    return [name, "C-1", "2026-01-05", "2026-07-05", "100.00", "CNY", closed_on, reason]


def test_a_late_payment_a_reversal_a_corrected_due_date_and_a_reopened_loan(tmp_path: Path) -> None:
    """Four loans of 100.00, due on 5 July, seen on 31 July. What August brings about July is restated, with its row."""
    landing, home = tmp_path / "landing", new_home(tmp_path / "home")
    deliver(
        landing,
        "2026-07-31",
        customers=[["C-1", "personal"]],
        loans=[loan("LATE-PAYMENT"), loan("REVERSED"), loan("CORRECTED"), loan("REOPENED", "2026-07-20", "repaid")],
        installments=[[n, "1", "2026-07-05", "100.00"] for n in ("LATE-PAYMENT", "REVERSED", "CORRECTED", "REOPENED")],
        repayments=[["R-1", "REVERSED", "2026-07-05", "100.00", "payment", ""]],
    )
    load(landing, home)
    july = publish_at(home, date(2026, 7, 31), marts=MARTS)
    deliver(
        landing,
        "2026-08-31",
        loans=[loan("REOPENED")],
        installments=[["CORRECTED", "1", "2026-08-05", "100.00"]],
        repayments=[
            ["R-2", "LATE-PAYMENT", "2026-07-04", "100.00", "payment", ""],
            ["R-3", "REVERSED", "2026-07-15", "100.00", "reversal", "R-1"],
            ["R-4", "CORRECTED", "2026-08-20", "40.00", "payment", ""],  # August's own: nothing of July changes
        ],
    )
    load(landing, home)
    rows = restated(home, date(2026, 8, 31))
    assert {tuple(row[c] for c in COLUMNS.split(", ")) for row in rows} == by_comparison(home, july, date(2026, 7, 31))
    days = {
        r["loan_id"]: (r["old_value"], r["new_value"]) for r in rows if r["column_name"] in ("days_past_due", "loan_id")
    }
    assert days == {
        "LATE-PAYMENT": ("26", "0"),
        "REVERSED": ("0", "26"),
        "CORRECTED": ("26", "0"),
        "REOPENED": (None, "REOPENED"),
    }
    assert {(r["loan_id"], r["cause_ledger"], r["cause_key"], r["cause_delivery"]) for r in rows} == {
        ("LATE-PAYMENT", "repayments", "R-2", "2026-08-31"),
        ("REVERSED", "repayments", "R-3", "2026-08-31"),
        ("CORRECTED", "installments", "CORRECTED|1|1", "2026-08-31"),
        ("REOPENED", "loans", "REOPENED", "2026-08-31"),
    }
    # known as in July, all is as it was published
    then = build_at(home, date(2026, 7, 31), upto=Delivery(date(2026, 7, 31)), marts=MARTS)
    said = f"select * from '{july}/parquet/loan_aging.parquet' order by all"
    assert rows_of(then.database, "select * from marts.loan_aging order by all") == rows_of(then.database, said)


def test_a_correction_of_a_loan_itself_is_restated_with_its_row(tmp_path: Path) -> None:
    """Amount, disbursement and write-off of July as August says they were: corrections, each listed (decision 0016)."""
    landing, home = tmp_path / "landing", new_home(tmp_path / "home")
    names = ("SMALLER", "LATER", "WRITTEN-OFF")
    deliver(
        landing,
        "2026-07-31",
        customers=[["C-1", "personal"]],
        loans=[loan(name) for name in names],
        installments=[[name, "1", "2026-07-05", "60.00"] for name in names],
    )
    load(landing, home)
    publish_at(home, date(2026, 7, 31), marts=MARTS)
    smaller, later, written_off = (loan(name) for name in names)
    smaller[LOANS.index("principal")] = "90.00"
    later[LOANS.index("disbursed_on")] = "2026-08-05"
    folder = landing / "2026-08-31"
    deliver(landing, folder.name, loans=[smaller, later])
    header, row = ",".join([*LOANS, "written_off_on"]), ",".join([*written_off, "2026-07-20"])
    (folder / "loans.part2.csv").write_text(f"{header}\n{row}\n", "utf-8")
    load(landing, home)
    rows = restated(home, date(2026, 8, 31))
    found = {
        (r["loan_id"], r["column_name"]): (r["old_value"], r["new_value"])
        for r in rows
        if r["column_name"] in ("principal", "loan_id", "is_written_off")
    }
    assert found == {
        ("SMALLER", "principal"): ("100.00", "90.00"),
        ("LATER", "loan_id"): ("LATER", None),
        ("WRITTEN-OFF", "is_written_off"): ("false", "true"),
    }
    assert {(r["cause_ledger"], r["cause_key"]) for r in rows} == {("loans", name) for name in names}


def test_another_policy_is_no_restatement_and_a_withdrawal_is_a_cause(tmp_path: Path) -> None:
    from flows.policy import read_policy
    from flows.withdraw import withdraw_delivery

    landing, home = tmp_path / "landing", new_home(tmp_path / "home")
    deliver(
        landing,
        "2026-07-31",
        customers=[["C-1", "personal"]],
        loans=[loan("L-1")],
        installments=[["L-1", "1", "2026-07-05", "100.00"]],
    )
    deliver(landing, "2026-07-31.2", repayments=[["R-1", "L-1", "2026-07-05", "100.00", "payment", ""]])
    deliver(landing, "2026-08-31")
    load(landing, home)
    publish_at(home, date(2026, 7, 31), upto=Delivery(date(2026, 7, 31), 2), marts=MARTS)
    assert restated(home, date(2026, 8, 31)) == []
    withdraw_delivery(home.root, "2026-07-31.2", "sent twice", 0)
    rows = restated(home, date(2026, 8, 31))
    assert {(r["cause_ledger"], r["cause_key"], r["cause_delivery"]) for r in rows} == {
        ("withdrawal", "2026-07-31.2", "2026-07-31.2")
    }
    policy = tmp_path / "policy"
    policy.mkdir()
    (policy / "policy.csv").write_text("setting,value\nfpd_days,31\n")
    built = build_at(home, date(2026, 8, 31), read_policy(policy), marts=MARTS)
    assert rows_of(built.database, "select * from marts.restatements") == []
