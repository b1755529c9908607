"""Break one thing, see exactly that expectation fail.

Each defect is planted where nothing else depends on it: in the evidence rather than in the mart, or in a written-off loan,
which neither the book nor the distribution holds. An expectation without a planted defect fails `test_all_are_tried`.
"""

from __future__ import annotations

import pytest

from expectations import landing, publication
from expectations.business import rows
from expectations.engine import Finding, GateResult, Suite

MARTS = {"loan_aging", "aging_distribution", "quarantine_summary"}
LANDING = {
    (
        "gate.required_ledgers",
        "Every required ledger was delivered",
    ): "update gate.required_ledgers set delivered = false where ledger = 'loans'",
    (
        "gate.file_totals",
        "Every row read is accounted for",
    ): "update gate.file_totals set rows_loaded = rows_loaded - 1 where ledger = 'loans'",
    (
        "gate.file_totals",
        "Every amount read is accounted for",
    ): "update gate.file_totals set amount_loaded = amount_loaded - 0.01 where ledger = 'loans'",
    (
        "gate.file_totals",
        "No count of rows is below zero",
    ): "update gate.file_totals set rows_duplicate = -1, rows_loaded = rows_loaded + 1 where ledger = 'loans'",
    (
        "gate.ledger_totals",
        "The share of rows in quarantine is within its limit",
    ): "update gate.ledger_totals set quarantine_rate_rows = 0.005001 where ledger = 'loans'",
    (
        "gate.ledger_totals",
        "The share of the amount in quarantine is within its limit",
    ): "update gate.ledger_totals set quarantine_rate_amount = 0.005001 where ledger = 'loans'",
    (
        "gate.ledger_totals",
        "Every ledger has its quarantine rates and their limit",
    ): "update gate.ledger_totals set max_quarantine_rate = null where ledger = 'loans'",
    (
        "gate.quarantine",
        "No row is in quarantine",
    ): "insert into gate.quarantine values ('2026-10-31', 'repayments', 'repayments.csv', 7, 'orphan', 'R-7')",
    (
        "gate.warnings",
        "Every warning is of a rule that this gate knows",
    ): "insert into gate.warnings values ('2026-10-31', 'loans', 'new_rule', 'L-1', 'x')",
} | {
    ("gate.warnings", title): f"insert into gate.warnings values ('2026-10-31', 'loans', '{rule}', 'L-1', 'why')"
    for rule, (title, _) in landing.WARNINGS.items()
}

A_DAY_EARLIER = "as_of - 1 as as_of, oldest_unpaid_due_on - 1 as oldest_unpaid_due_on"
NOTHING = "0 as loans, 0 as outstanding_principal, 0 as overdue_amount, 0 as overdue_balance"
PUBLICATION = {
    (
        "evidence.run",
        "The publication states its date, its knowledge and its policy",
    ): "update evidence.run set known_at = null",
    (
        "evidence.run",
        "The calendar of the as-of date has been announced",
    ): "update evidence.run set calendar_confirmed_until = '2026-10-30'",
    ("evidence.book", "No loan of the book is absent from loan_aging"): """
        insert into evidence.book values ('2026-10-31', 'L-9', 'CNY', 10);
        insert into evidence.recomputed values ('L-9', 0, 0, 10)""",
    (
        "evidence.book",
        "No loan is in loan_aging that the book does not have",
    ): "delete from evidence.book where loan_id = 'L-1'",
    (
        "evidence.book",
        "Every loan's currency and outstanding principal agree with the book",
    ): "update evidence.book set outstanding_principal = 1000.01 where loan_id = 'L-1'",
    ("evidence.book", "The book is not empty"): """
        delete from evidence.book; delete from evidence.recomputed; delete from evidence.previous;
        delete from marts.loan_aging; delete from marts.aging_distribution""",
    (
        "evidence.recomputed",
        "Late loans are flagged",
    ): "update evidence.recomputed set days_past_due = 1 where loan_id = 'L-1'",
    (
        "evidence.recomputed",
        "Flagged loans are late",
    ): "update evidence.recomputed set days_past_due = 0 where loan_id = 'L-2'",
    (
        "evidence.recomputed",
        "Late loans are late by the days recomputed",
    ): "update evidence.recomputed set days_past_due = 29 where loan_id = 'L-2'",
    (
        "evidence.recomputed",
        "The overdue amount is the one recomputed",
    ): "update evidence.recomputed set overdue_amount = 219.99 where loan_id = 'L-2'",
    (
        "evidence.recomputed",
        "The outstanding principal is the one recomputed",
    ): "update evidence.recomputed set outstanding_principal = 0 where loan_id = 'L-2'",
    (
        "evidence.recomputed",
        "Every loan of the book was recomputed",
    ): "delete from evidence.recomputed where loan_id = 'L-2'",
    (
        "evidence.closed_with_principal",
        "No loan was closed as repaid with principal unpaid",
    ): "insert into evidence.closed_with_principal values ('L-8', 'CNY', 5)",
    (
        "evidence.previous",
        "No mart has shrunk by more than a fifth",
    ): "update evidence.previous set \"rows\" = 11 where mart = 'loan_aging'",
    (
        "columns of the publication",
        "No column holds personal data",
    ): "alter table marts.quarantine_summary add column Phone varchar",
    (
        "marts.loan_aging",
        "Every row is of a date that was asked for",
    ): f"insert into marts.loan_aging select * replace ({A_DAY_EARLIER}) from marts.loan_aging where loan_id = 'W-1'",
    (
        "marts.loan_aging",
        "Every row names the policy it was computed under",
    ): "update marts.loan_aging set policy_version = 'policy-0' where loan_id = 'W-1'",
    (
        "marts.loan_aging",
        "No loan is listed twice",
    ): "insert into marts.loan_aging select * from marts.loan_aging where loan_id = 'W-1'",
    (
        "marts.loan_aging",
        "No amount is below zero",
    ): "update marts.loan_aging set overpaid_amount = -0.01 where loan_id = 'L-1'",
    (
        "marts.loan_aging",
        "The parts of what is overdue add up",
    ): "update marts.loan_aging set overdue_fees = 0.01 where loan_id = 'L-2'",
    (
        "marts.loan_aging",
        "A late loan has something overdue",
    ): "update marts.loan_aging set overdue_amount = 0, overdue_principal = 0, overdue_interest = 0 where loan_id = 'W-1'",
    (
        "marts.loan_aging",
        "A late loan is overdue with its whole outstanding principal",
    ): "update marts.loan_aging set overdue_balance = 700 where loan_id = 'W-1'",
    (
        "marts.loan_aging",
        "A loan that is not late has no overdue balance",
    ): "update marts.loan_aging set overdue_balance = 8000 where loan_id = 'W-2'",
    (
        "marts.loan_aging",
        "Days past due are counted from the oldest unpaid due date",
    ): "update marts.loan_aging set oldest_unpaid_due_on = oldest_unpaid_due_on + 1 where loan_id = 'L-2'; update marts.loan_aging set oldest_unpaid_due_on = oldest_unpaid_due_on + 2 where loan_id = 'L-3'",
    (
        "marts.loan_aging",
        "The M-stage follows from the days past due",
    ): "update marts.loan_aging set m_stage = 'M2' where loan_id = 'L-2'",
    ("marts.loan_aging", "Every loan has a bucket"): "update marts.loan_aging set bucket = null where loan_id = 'L-2'",
    (
        "marts.loan_aging",
        "A bucket named like an M-stage follows from a count of days",
    ): "update marts.loan_aging set bucket = 'M2' where loan_id = 'L-2'",
    (
        "marts.loan_aging",
        "Delinquent days are days past due less grace, pauses and tolerance",
    ): "update marts.loan_aging set delinquent_days = 31 where loan_id = 'L-2'",
    (
        "marts.loan_aging",
        "Business days are at most the calendar days",
    ): "update marts.loan_aging set business_days_past_due = 31 where loan_id = 'L-2'",
    (
        "marts.loan_aging",
        "No loan is later now than at its worst",
    ): "update marts.loan_aging set max_days_past_due = 29 where loan_id = 'L-2'",
    (
        "marts.loan_aging",
        "No figure of a loan rests on a repayment or plan in quarantine",
    ): "update marts.loan_aging set has_quarantine = true where loan_id = 'L-2'",
    (
        "marts.aging_distribution",
        "Every row is of a date that was asked for",
    ): f"insert into marts.aging_distribution select * replace (as_of - 1 as as_of, {NOTHING}) from marts.aging_distribution limit 1",
    (
        "marts.aging_distribution",
        "Every row names the policy it was computed under",
    ): "update marts.aging_distribution set policy_version = null where bucket = 'M0'",
    (
        "marts.aging_distribution",
        "No cell of the distribution is listed twice",
    ): f"insert into marts.aging_distribution select * replace ({NOTHING}) from marts.aging_distribution limit 1",
    ("marts.aging_distribution", "No amount of the distribution is below zero"): """
        update marts.aging_distribution set overdue_amount = overdue_amount - 1000 where bucket = 'M1';
        update marts.aging_distribution set overdue_amount = overdue_amount + 1000 where bucket = 'M2'""",
    (
        "marts.aging_distribution",
        "The buckets of each scheme add up to the book: number of loans",
    ): "update marts.aging_distribution set loans = loans + 1 where bucket = 'M1'",
    (
        "marts.aging_distribution",
        "The buckets of each scheme add up to the book: outstanding principal",
    ): "update marts.aging_distribution set outstanding_principal = outstanding_principal + 0.01 where bucket = 'M1'",
    (
        "marts.aging_distribution",
        "The buckets of each scheme add up to the book: overdue amount",
    ): "update marts.aging_distribution set overdue_amount = overdue_amount + 0.01 where bucket = 'M1'",
    (
        "marts.aging_distribution",
        "The buckets of each scheme add up to the book: overdue balance",
    ): "update marts.aging_distribution set overdue_balance = overdue_balance + 0.01 where bucket = 'M1'",
    (
        "marts.quarantine_summary",
        "Every row names the policy it was computed under",
    ): "update marts.quarantine_summary set policy_version = 'policy-0'",
    ("marts.quarantine_summary", "No row is left in quarantine"): "update marts.quarantine_summary set open_rows = 1",
    (
        "marts.quarantine_summary",
        "No more rows are open than were rejected",
    ): "update marts.quarantine_summary set open_rows = -1",
}
DEFECTS = [("landing", *key, sql) for key, sql in LANDING.items()]
DEFECTS += [("publication", *key, sql) for key, sql in PUBLICATION.items()]


def failed(result: GateResult) -> list[Finding]:
    return [finding for finding in result.results if finding.outcome != "passed"]


@pytest.mark.parametrize("gate", ["landing", "publication"])
def test_sound_data_passes(run_with, gate):
    result = run_with(gate)
    assert failed(result) == []
    assert result.success


@pytest.mark.parametrize(
    ("gate", "table", "title", "defect"), DEFECTS, ids=lambda value: value[:60] if isinstance(value, str) else None
)
def test_exactly_that_one_fails(run_with, gate, table, title, defect):
    result = run_with(gate, defect)
    assert [(finding.table, finding.title, finding.outcome) for finding in failed(result)] == [(table, title, "failed")]
    (finding,) = failed(result)
    assert finding.failing >= 1
    assert len(finding.samples) == min(finding.failing, 20)
    assert finding.description or finding.title
    assert result.success is (finding.severity != "critical")


def test_all_are_tried():
    for planted, suites in ((LANDING, landing.suites()), (PUBLICATION, publication.suites(MARTS))):
        wanted = {(suite.table, expectation.title) for suite in suites for expectation in suite.expectations}
        assert wanted == set(planted)
        assert sum(len(suite.expectations) for suite in suites) == len(wanted), "two of one title in one suite"


def test_a_written_off_loan_is_not_of_the_book(run_with):
    result = run_with("publication", "update marts.loan_aging set is_written_off = true where loan_id = 'L-1'")
    assert "No loan of the book is absent from loan_aging" in [finding.title for finding in result.failed]


def test_a_currency_that_a_scheme_lacks_is_missed(run_with):
    result = run_with(
        "publication", "delete from marts.aging_distribution where scheme = 'NINETY' and currency = 'USD'"
    )
    assert len(result.failed) == 4
    assert result.failed[0].samples == [
        {"as_of": "2026-10-31", "scheme": "NINETY", "currency": "USD", "in_buckets": 0, "in_book": 2, "difference": -2}
    ]


def test_a_distribution_without_a_row_is_missed(run_with):
    result = run_with("publication", "delete from marts.aging_distribution")
    assert len(result.failed) == 4


def test_a_backfill_of_several_dates_passes(run_with):
    later = "as_of + 1 as as_of, oldest_unpaid_due_on + 1 as oldest_unpaid_due_on"
    result = run_with(
        "publication",
        f"""
        insert into evidence.run select * replace (as_of + 1 as as_of) from evidence.run;
        insert into evidence.book select * replace (as_of + 1 as as_of) from evidence.book;
        insert into marts.loan_aging select * replace ({later}) from marts.loan_aging;
        insert into marts.aging_distribution select * replace (as_of + 1 as as_of) from marts.aging_distribution;
        """,
    )
    assert failed(result) == []


def test_a_publication_without_a_date_is_refused(run_with):
    result = run_with("publication", "delete from evidence.run")
    assert "The publication states its date, its knowledge and its policy" in [
        finding.title for finding in result.failed
    ]


def test_a_mart_that_vanished_is_drift(run_with):
    result = run_with("publication", "insert into evidence.previous values ('vintages', 3)")
    assert [finding.samples for finding in result.warnings] == [[{"mart": "vintages", "rows_before": 3, "rows_now": 0}]]


def test_a_mart_without_a_suite_of_its_own_is_looked_at():
    (suite,) = (suite for suite in publication.suites({"vintages"}) if suite.table == "marts.vintages")
    assert suite.title == "Vintages"
    assert [expectation.title for expectation in suite.expectations] == [
        "Every row names the policy it was computed under"
    ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"title": "x", "sql": "select 1"}, "must name its table as {batch}"),
        ({"title": "x", "sql": "select {column} from {batch}"}, "no other field"),
        ({"title": " ", "sql": "select 1 from {batch}"}, "needs a title"),
        ({"title": "x", "sql": "select 1 from {batch}", "severity": "bad"}, "allowed: critical, warning, info"),
    ],
)
def test_an_expectation_that_cannot_be_meant_is_refused(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        rows(**arguments)


def test_two_suites_of_one_table_are_refused(run_with, sound, tmp_path):
    from expectations.engine import run_gate

    with pytest.raises(ValueError, match=r"more than one suite for gate_warnings"):
        run_gate("x", sound["landing"], [Suite("gate.warnings", []), Suite("gate.warnings", [])], tmp_path, title="x")
