"""How large the book is beside the last publication: each at its last date, whatever dates a backfill published."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from flows import publish
from flows.home import Home

AGED = """
    select loan_id, 'P' as product_id, 'B' as branch_id, as_of::date as as_of, 'policy-1' as policy_version
    from (values {rows}) as aged (loan_id, as_of)
"""
SQL = (Path(publish.__file__).parent / "evidence" / "book.sql").read_text("utf-8")


def rows(as_of: str, *loans: int) -> str:
    return ", ".join(f"('L{n}', '{as_of}')" for n in loans)


@pytest.mark.parametrize(
    ("now", "expected", "gone"),
    [
        # six loans of September's ten were repaid before the backfill's last date: they are no loss of this night
        (rows("2026-11-30", 1, 2, 3, 4), (4, 4, True), []),
        (rows("2026-11-30", 1, 2, 11), (4, 3, True), ["L3", "L4"]),
        (f"{rows('2026-10-31', *range(1, 8))}, {rows('2026-11-30', 1)}", (4, 1, True), ["L2", "L3", "L4"]),
    ],
)
def test_each_book_counts_at_its_last_date(
    tmp_path: Path, now: str, expected: tuple[int, int, bool], gone: list[str]
) -> None:
    home = Home(tmp_path)
    (home.published / "run" / "parquet").mkdir(parents=True)
    home.current.symlink_to("run")
    before = f"{rows('2026-09-30', *range(1, 11))}, {rows('2026-10-31', 1, 2, 3, 4)}"
    duckdb.sql(f"copy ({AGED.format(rows=before)}) to '{home.current}/parquet/loan_aging.parquet'")
    with duckdb.connect() as candidate:
        candidate.execute(
            f"""
            attach ':memory:' as work; attach ':memory:' as marts; attach ':memory:' as evidence; create schema work.raw;
            create table work.raw.run as
            select date '2026-11-30' as as_of, 'policy-1' as policy_version, 0.2 as max_shrink, 'CNY' as reporting_currency;
            create table work.raw.fx_rates (currency varchar, as_of date);
            create table work.raw.advances (currency varchar, advanced_on date, written_off_on date);
            create table evidence.run as select as_of from work.raw.run;
            create temp view clock as select as_of from work.raw.run;
            create temp table loan (
                loan_id varchar, customer_id varchar, product_id varchar, branch_id varchar, currency varchar, principal decimal(18, 2),
                disbursed_on date, closed_on date, written_off_on date
            );
            create table marts.loan_aging as {AGED.format(rows=now)};
            """
        )
        publish._show_book_before(candidate, home)
        candidate.execute(SQL)
        size = candidate.sql("select loans_before, loans_now, is_comparable from evidence.book_size").fetchall()
        left = candidate.sql("select loan_id from evidence.left_the_book order by 1").fetchall()
    assert size == [expected]
    assert [loan for (loan,) in left] == gone
