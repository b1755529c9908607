"""The landing gate: what came in, before anything is computed from it.

It runs against the tables of schema `gate` that landing writes for the deliveries it is about to load. Critical: nothing
was lost on the way, not too much was rejected, and what the night needs is there. Everything odd that was loaded all the
same is listed as a warning, so that somebody can ask the sender. One function per question.
"""

from __future__ import annotations

from expectations.business import Rows, rows
from expectations.results import Suite

# rule of gate.warnings: what it means, and what follows for the figures
WARNINGS = {
    "dated_after_delivery": (
        "No row is dated after the day it was delivered",
        "Loaded, and counted once its date has come. Usually a wrong year, or a file of another day.",
    ),
    "before_disbursement": (
        "No money moved before its loan was disbursed",
        "Loaded, and counted from its own date on. Usually a wrong loan number or date.",
    ),
    "no_installments": (
        "Every loan has installments",
        "A loan without any owes its whole principal on matures_on, and cannot be late before.",
    ),
    "installments_do_not_add_up": (
        "The installments of each loan add up to its principal",
        "The part that the plan leaves out is due on matures_on.",
    ),
    "rate_above_one": (
        "No yearly rate is above 100 %",
        "Loaded as it stands. Usually a rate in per cent, which the mapping takes with `scale: 0.01`.",
    ),
    "matures_before_disbursement": (
        "No loan matures before it was disbursed",
        "Loaded as it stands; days late are counted from its due dates. Usually two dates in the wrong order.",
    ),
    "due_before_disbursement": (
        "No installment is due before its loan was disbursed",
        "Loaded, and overdue from its own due date on. Usually a wrong year, or the plan of another loan.",
    ),
    "unmapped_column": (
        "Every column of a file has a meaning",
        "Kept out of the warehouse. If it is needed, name it in mapping.yml.",
    ),
    "ignored_file": (
        "Every file of a delivery belongs to a ledger",
        "Not read. If it should be, name it after its ledger or map it in mapping.yml.",
    ),
    "rounded": (
        "No amount had to be rounded",
        "The mapping allows rounding for this column; listed are the rows whose amount it changed.",
    ),
}


def suites() -> list[Suite]:
    """Every suite of the gate, in the order in which a reader asks."""
    return [
        Suite("gate.required_ledgers", required_ledgers(), title="What the night needs is there"),
        Suite("gate.file_totals", file_totals(), title="Nothing was lost on the way"),
        Suite("gate.ledger_totals", ledger_totals(), title="Not too much was rejected"),
        Suite("gate.quarantine", quarantine(), title="Rows in quarantine"),
        Suite("gate.warnings", warnings(), title="Loaded, but odd"),
    ]


def required_ledgers() -> list[Rows]:
    return [
        rows(
            title="Every required ledger was delivered",
            description="""Customers, loans, installments and repayments at least once, and each expected ledger in every
                delivery after the first: without today's repayments, good borrowers would be shown as late.""",
            sql="select delivery, ledger from {batch} where delivered is not true",
        ),
    ]


def file_totals() -> list[Rows]:
    return [
        rows(
            title="Every row read is accounted for",
            description="For each file and ledger, rows read = filtered + loaded + duplicate + quarantined.",
            sql="""
                select
                    delivery, file, ledger,
                    rows_read, rows_filtered, rows_loaded, rows_duplicate, rows_quarantined,
                    rows_read - (rows_filtered + rows_loaded + rows_duplicate + rows_quarantined) as lost
                from {batch}
                where rows_read is distinct from rows_filtered + rows_loaded + rows_duplicate + rows_quarantined
            """,
        ),
        rows(
            title="Every amount read is accounted for",
            description="For each file and ledger, amount read = filtered + loaded + duplicate + quarantined, to the cent.",
            sql="""
                select
                    delivery, file, ledger,
                    amount_read, amount_filtered, amount_loaded, amount_duplicate, amount_quarantined,
                    amount_read - (amount_filtered + amount_loaded + amount_duplicate + amount_quarantined) as lost
                from {batch}
                where amount_read is distinct from amount_filtered + amount_loaded + amount_duplicate + amount_quarantined
            """,
        ),
        rows(
            title="No count of rows is below zero",
            description="A negative count would let a loss balance.",
            sql="""
                select delivery, file, ledger, rows_read, rows_filtered, rows_loaded, rows_duplicate, rows_quarantined
                from {batch}
                where least(rows_read, rows_filtered, rows_loaded, rows_duplicate, rows_quarantined) < 0
            """,
        ),
    ]


def ledger_totals() -> list[Rows]:
    return [
        rows(
            title="The share of rows in quarantine is within its limit",
            description="The policy's max_quarantine_rate, per ledger and delivery. Above it the delivery is wrong as a whole.",
            sql="""
                select delivery, ledger, rows_read, rows_quarantined, quarantine_rate_rows, max_quarantine_rate
                from {batch}
                where quarantine_rate_rows > max_quarantine_rate
            """,
        ),
        rows(
            title="The share of the amount in quarantine is within its limit",
            description="The same limit on the money: few rows may carry much of it.",
            sql="""
                select delivery, ledger, amount_read, amount_quarantined, quarantine_rate_amount, max_quarantine_rate
                from {batch}
                where quarantine_rate_amount > max_quarantine_rate
            """,
        ),
        rows(
            title="Every ledger has its quarantine rates and their limit",
            description="A rate that is missing exceeds no limit, and would let anything pass.",
            sql="""
                select delivery, ledger, quarantine_rate_rows, quarantine_rate_amount, max_quarantine_rate
                from {batch}
                where quarantine_rate_rows is null or quarantine_rate_amount is null or max_quarantine_rate is null
            """,
        ),
    ]


def quarantine() -> list[Rows]:
    return [
        rows(
            title="No row is in quarantine",
            severity="warning",
            description="By ledger and reason, with one example. The row itself stays in the warehouse: it may hold personal data.",
            sql="""
                select
                    ledger, reasons, delivery,
                    count(*) as quarantined_rows,
                    min_by(file, (file, line)) as example_file,
                    min_by(line, (file, line)) as example_line,
                    min_by(key, (file, line)) as example_key
                from {batch}
                group by ledger, reasons, delivery
            """,
        ),
    ]


def warnings() -> list[Rows]:
    return [
        rows(
            title=title,
            severity="warning",
            description=description,
            sql=f"select delivery, ledger, key, detail from {{batch}} where rule = '{rule}'",
        )
        for rule, (title, description) in WARNINGS.items()
    ] + [
        rows(
            title="Every warning is of a rule that this gate knows",
            severity="warning",
            description="Landing found something that no expectation above lists.",
            sql=f"select rule, delivery, ledger, key, detail from {{batch}} where rule is null or rule not in {tuple(WARNINGS)}",
        ),
    ]
