"""Re-performance in plain Python, beside what is about to go out. `recompute.py` has the rules, from the contract and not from
the SQL.

The arrears of late loans that the SQL of `_position.sql` leaves out, and of some others; and, as an auditor would, every figure of a sample of loans:
another one each night and the same one for the same date, half of it late loans, first those that the SQL leaves out, half of
it any. How many loans is the setting `reperformance_sample`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from flows.evidence.calendars import PolicyCalendar
from flows.evidence.recompute import (
    COLUMNS,
    BucketScheme,
    Ledgers,
    Row,
    Terms,
    arrears,
    delivery_of,
    loan_aging,
    terms_of,
)

OF_LOANS = ("loans", "installments", "repayments", "charges", "pauses")


AT_ONCE = 5_000  # loans whose rows are held at the same time
NOT_LATE = 5_000  # of the loans that the SQL leaves out, how many that are not shown as late are worked out as well


def recompute_left_out(candidate: duckdb.DuckDBPyConnection) -> None:
    """Complete `evidence.recomputed`, after `_position.sql`, by loans that it leaves out: all that are late or not shown, and
    others, another NOT_LATE of them each night. Leaves their ids as `left_out`."""
    (run,) = _rows(candidate, "select as_of, attribute_lag_days from work.raw.run")
    day = f"date '{run['as_of']}'"
    candidate.execute(
        f"""
        create or replace temp table left_out as
        with open_loans as (
            select loan.loan_id, coalesce(shown.days_past_due, 1) > 0 as is_late
            from loan
            anti join evidence.recomputed using (loan_id)
            left join marts.loan_aging as shown on shown.loan_id = loan.loan_id and shown.as_of = {day}
            where loan.disbursed_on <= {day} and coalesce(loan.closed_on > {day}, true)
        ),

        chosen as (
            select loan_id from open_loans
            qualify is_late or row_number() over (partition by is_late order by md5(loan_id || {day}::varchar), loan_id) <= {NOT_LATE}
        )

        select loan_id, (row_number() over (order by loan_id) - 1) // {AT_ONCE} as part from chosen
        """
    )
    calendar, defaults = _calendar(candidate), _defaults(candidate)
    import pyarrow as pa  # what only reads publications does without

    kinds = (pa.string(), pa.int32(), pa.decimal128(18, 2), pa.decimal128(18, 2))
    for (part,) in candidate.sql("select distinct part from left_out order by part").fetchall():
        candidate.execute(
            f"create or replace temp table part_of_them as select loan_id from left_out where part = {part}"
        )
        found = arrears(
            _ledgers(candidate, "part_of_them"),
            run["as_of"],
            calendar=calendar,
            attribute_lag_days=run["attribute_lag_days"],
            defaults=defaults,
        )
        columns = zip(*((loan_id, *figures) for loan_id, figures in found.items()), strict=True)
        table = pa.table([pa.array(c, kind) for c, kind in zip(columns, kinds, strict=True)], list("ldop"))
        candidate.register("found", table)
        candidate.execute("insert into evidence.recomputed from found")
        candidate.unregister("found")


def reperform(candidate: duckdb.DuckDBPyConnection) -> None:
    """`evidence.reperformed`: one row per sampled loan, as-of date and column, as published and as recomputed.

    Runs inside the candidate, with the working database attached as `work`, after `_ledgers.sql`.
    """
    (run,) = _rows(candidate, "select attribute_lag_days, fpd_days, reperformance_sample from work.raw.run")
    half = run["reperformance_sample"] // 2
    by_chance = "order by md5(loan_id || as_of::varchar), loan_id"
    candidate.execute(
        f"""
        create or replace temp table sampled as
        select * from (
            select as_of, loan_id from marts.loan_aging where days_past_due > 0
            {by_chance.replace("order by", "order by loan_id in (select loan_id from left_out) desc,")} limit {half}
        )
        union
        select * from (select as_of, loan_id from marts.loan_aging {by_chance} limit {run["reperformance_sample"] - half})
        """
    )
    ledgers, calendar, defaults = _ledgers(candidate, "sampled"), _calendar(candidate), _defaults(candidate)
    published: dict[date, dict[str, Row]] = defaultdict(dict)
    for row in _rows(candidate, "select * from marts.loan_aging semi join sampled using (as_of, loan_id)"):
        published[row["as_of"]][row["loan_id"]] = row
    found = []
    for day, shown in sorted(published.items()):
        again = loan_aging(
            _of_loans(ledgers, shown),
            day,
            calendar=calendar,
            attribute_lag_days=run["attribute_lag_days"],
            fpd_days=run["fpd_days"],
            bucket_schemes=_bucket_schemes(candidate, day),
            defaults=defaults,
        )
        for loan_id, row in shown.items():
            for column, value in again.get(loan_id, {"loan_id": None}).items():
                if column == "bucket" and value is None:
                    continue  # the product names a scheme that the policy does not have on this day
                found.append((day, loan_id, column, _text(row[column]), _text(value)))
    import pyarrow as pa  # what only reads publications does without

    table = pa.table(
        dict(zip(NAMES, map(list, zip(*found, strict=True)), strict=True)) if found else {name: [] for name in NAMES},
        pa.schema([("as_of", pa.date32()), *((name, pa.string()) for name in NAMES[1:])]),
    )
    candidate.register("found", table)
    candidate.execute("create table evidence.reperformed as select * from found order by all")
    candidate.unregister("found")


NAMES = ("as_of", "loan_id", "column_name", "published", "recomputed")


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    relation = connection.sql(query)
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return f"{value:.2f}" if isinstance(value, Decimal) else str(value)


def _defaults(connection: duckdb.DuckDBPyConnection) -> Terms:
    (terms,) = _rows(connection, "select * from work.policy.convention_default")
    return terms_of(terms, Terms())


def _ledgers(connection: duckdb.DuckDBPyConnection, loans: str) -> Ledgers:
    """Rows as known that figures of the loans in a table come from: theirs, their customers', and every product's."""
    wanted = dict.fromkeys(OF_LOANS, f"semi join {loans} using (loan_id)")
    wanted["customers"] = (
        f"where customer_id in (select customer_id from work.raw.loans semi join {loans} using (loan_id))"
    )
    wanted["products"] = ""
    ledgers: Ledgers = {}
    for name, condition in wanted.items():
        columns = ", ".join(COLUMNS[name])
        ledgers[name] = _rows(
            connection,
            f"select {columns}, _delivery from work.raw.{name} {condition} order by _delivery_no, _file, _line",
        )
        for row in ledgers[name]:
            row["_delivery"] = delivery_of(row["_delivery"])
    return ledgers


def _of_loans(ledgers: Ledgers, loans: Mapping[str, Row]) -> Ledgers:
    return ledgers | {name: [row for row in ledgers[name] if row["loan_id"] in loans] for name in OF_LOANS}


def _calendar(connection: duckdb.DuckDBPyConnection) -> PolicyCalendar:
    days: dict[str, dict[date, str]] = defaultdict(dict)
    for row in _rows(connection, "select calendar, day, kind from work.policy.calendar_day"):
        days[row["calendar"]][row["day"]] = row["kind"]
    return PolicyCalendar(days)


def _bucket_schemes(connection: duckdb.DuckDBPyConnection, day: date) -> dict[str, BucketScheme]:
    """The schemes in force on a day; one that begins at 1 day has `current` before it."""
    schemes: dict[str, list[tuple[str, int, int | None]]] = defaultdict(list)
    for row in _rows(
        connection,
        f"""
        select scheme, bucket, lower_days, upper_days from work.policy.bucket_scheme
        where coalesce(valid_from, date '0001-01-01') <= date '{day}' and coalesce(valid_to, date '9999-12-31') >= date '{day}'
        order by scheme, lower_days
        """,
    ):
        schemes[row["scheme"]].append((row["bucket"], row["lower_days"], row["upper_days"]))
    return {name: [("current", 0, 0), *rows] if rows[0][1] > 0 else rows for name, rows in schemes.items()}
