"""The assertions on every book (tests/dbt/singular) hold on a nasty one, and each notices what it is there for.

Break one thing in a copy of what was built, see exactly that assertion answer with rows.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from support import queries_of

from flows.build import Built

SINGULAR = Path(__file__).parents[1] / "dbt" / "singular"

# Assertion -> what is broken, in relations of the working database; `late` is a loan with something overdue.
DEFECTS = {
    "assert_every_loan_has_a_period": [
        """
        update intermediate.int_aging__positions set to_on = to_on - 1
        where to_on = date '9999-12-31' and loan_id = (select loan_id from late);
        update intermediate.int_aging__periods set to_on = to_on - 1
        where to_on = date '9999-12-31' and loan_id = (select loan_id from late)
        """,
        "delete from intermediate.int_aging__periods where loan_id = (select loan_id from late)",
    ],
    "assert_positions_cover_every_day_once": [
        "update intermediate.int_aging__positions set from_on = from_on + 1 where loan_id = (select loan_id from late)",
        "delete from intermediate.int_aging__positions where loan_id = (select loan_id from late) and from_on <= date '2026-04-30'",
        "insert into intermediate.int_aging__positions from intermediate.int_aging__positions where loan_id = (select loan_id from late)",
    ],
    "assert_ladder_holds_the_whole_principal": [
        """
        update intermediate.int_aging__ladder set principal_due = principal_due - 0.01
        where kind in ('installment', 'residual') and (loan_id, period_no, rung_no) in (
            select loan_id, period_no, min(rung_no) from intermediate.int_aging__ladder
            where kind = 'residual' and amount > 0 group by all limit 1
        )
        """,
    ],
    "assert_money_received_is_money_laid": [
        "update intermediate.int_aging__rungs_at set overpaid = overpaid + 0.01 where loan_id = (select loan_id from late)",
        "update intermediate.int_aging__rungs_at set unpaid = unpaid - 0.01 where is_overdue and loan_id = (select loan_id from late)",
    ],
    "assert_figures_agree_with_rungs": [
        "update intermediate.int_aging__days_at set oldest_unpaid_due_on = oldest_unpaid_due_on - 1 where loan_id = (select loan_id from late)",
        "update intermediate.int_aging__rungs_at set is_overdue = false where loan_id = (select loan_id from late)",
        "update intermediate.int_aging__loans_at set outstanding_principal = outstanding_principal + 0.01 where loan_id = (select loan_id from late)",
        "update intermediate.int_aging__loans_at set missed_installments = missed_installments - 1 where loan_id = (select loan_id from late)",
    ],
    "assert_every_open_loan_is_aged": [
        "update marts.loan_aging set loan_id = 'NOBODY' where is_written_off",
    ],
}


def failing(database: Path, built: Built) -> set[str]:
    """The assertions that answer with rows; their SQL as dbt compiled it."""
    found = set()
    with duckdb.connect(str(database)) as connection:
        for test, query in queries_of(built).items():
            name = test.split(".")[-1]
            if (
                name.startswith("assert_")
                and connection.sql(query.replace(f'"{built.database.stem}".', f'"{database.stem}".')).fetchone()
            ):
                found.add(name)
    return found


def test_they_hold_on_a_nasty_book(built: Built) -> None:
    assert failing(built.database, built) == set()


def test_all_are_tried() -> None:
    assert set(DEFECTS) == {path.stem for path in SINGULAR.glob("*.sql")}
    assert len(DEFECTS) <= 8, "they run every night"


@pytest.mark.parametrize(
    ("name", "defect"), [(name, defect) for name, defects in DEFECTS.items() for defect in defects]
)
def test_a_defect_is_noticed(name: str, defect: str, built: Built, tmp_path: Path) -> None:
    database = tmp_path / built.database.name
    shutil.copyfile(built.database, database)
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            """
            -- a view by itself cannot be broken
            create table intermediate.rungs as from intermediate.int_aging__rungs_at;
            drop view intermediate.int_aging__rungs_at;
            alter table intermediate.rungs rename to int_aging__rungs_at;
            create temp table late as
            select min(loan_id) as loan_id from marts.loan_aging where days_past_due > 0 and not is_written_off
            """
        )
        changed = connection.execute(defect).fetchone()[0]
        assert changed > 0, "the defect changed nothing"
    assert failing(database, built) == {name}
