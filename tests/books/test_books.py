"""The generator keeps every rule of the ledgers' contract, except where it says that it plants a bad row."""

from __future__ import annotations

import csv
import gzip
from datetime import date
from pathlib import Path

import duckdb
import pytest

import books
from books import DEFAULT_DELIVERIES, LEDGERS, Book, generate

FIRST, SECOND = DEFAULT_DELIVERIES

PARENTS = {
    "loans": {"customer_id": "customers"},
    "installments": {"loan_id": "loans"},
    "repayments": {"loan_id": "loans", "reverses_id": "repayments"},
    "charges": {"loan_id": "loans", "reverses_id": "charges"},
    "pauses": {"loan_id": "loans"},
    "advances": {"customer_id": "customers", "loan_id": "loans"},
    "advance_repayments": {"advance_id": "advances", "reverses_id": "advance_repayments"},
    "collateral": {"loan_id": "loans"},
    "underwriting": {"loan_id": "loans"},
    "financials": {"customer_id": "customers"},
    "contact_points": {"customer_id": "customers"},
    "contact_attempts": {"customer_id": "customers", "loan_id": "loans", "contact_point_id": "contact_points"},
}
KEYS = {
    "customers": "customer_id",
    "products": "product_id, valid_from",
    "loans": "loan_id",
    "installments": "loan_id, plan_no, installment_no",
    "repayments": "repayment_id",
    "charges": "charge_id",
    "pauses": "loan_id, from_on",
    "advances": "advance_id",
    "advance_repayments": "advance_repayment_id",
    "collateral": "collateral_id, valued_on",
    "underwriting": "loan_id",
    "financials": "customer_id, period_end",
    "contact_points": "contact_point_id",
    "contact_attempts": "attempt_id",
    "gl_balances": "as_of, gl_account, currency",
    "fx_rates": "as_of, currency",
}
EVENTS = ("repayments", "charges", "advance_repayments", "contact_attempts")


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return generate(tmp_path_factory.mktemp("dirty"))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return generate(tmp_path_factory.mktemp("clean"), loans=3000, file_format="parquet", dirty_rows=0)


@pytest.fixture(scope="module")
def con(clean: Book) -> duckdb.DuckDBPyConnection:
    """Each ledger as a table of all delivered rows, with the delivery; `loan` is its newest version."""
    con = duckdb.connect()
    con.execute(f"set variable d = date '{SECOND}'")
    for ledger in LEDGERS:
        parts = [
            f"select date '{day}' as delivery, * from read_parquet('{path}')"
            for day, paths in clean.paths.items()
            for path in paths[ledger]
        ]
        con.execute(f"create table {ledger} as {' union all '.join(parts)}")
    con.execute("create view loan as select * from loans qualify delivery = max(delivery) over (partition by loan_id)")
    return con


def violations(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    return con.execute(query).fetchall()


def files(landing: Path) -> dict[str, bytes]:
    return {str(path.relative_to(landing)): path.read_bytes() for path in landing.rglob("*.*") if path.is_file()}


@pytest.mark.parametrize("file_format", ["csv", "csv.gz", "parquet"])
def test_same_arguments_give_same_bytes(tmp_path: Path, file_format: books.FileFormat) -> None:
    once, again, other = (
        generate(tmp_path / name, loans=400, seed=seed, file_format=file_format)
        for name, seed in {"once": 7, "again": 7, "other": 8}.items()
    )
    assert files(once.landing) == files(again.landing)
    assert files(once.landing) != files(other.landing)


def test_every_ledger_has_the_contracts_rows_and_as_many_as_the_book_says(dirty: Book) -> None:
    for day, paths in dirty.paths.items():
        assert list(paths) == list(LEDGERS)
        for ledger, (path,) in paths.items():
            with path.open(encoding="utf-8", newline="") as file:
                assert len(list(csv.reader(file))) - 1 == dirty.rows[day][ledger], path
    assert all(dirty.rows[FIRST].values())


@pytest.mark.parametrize(("loans", "deliveries"), [(0, (FIRST, SECOND)), (1, (FIRST,)), (30, (date(2025, 1, 31),))])
def test_tiny_books_have_every_file(tmp_path: Path, loans: int, deliveries: tuple[date, ...]) -> None:
    book = generate(tmp_path, loans=loans, deliveries=deliveries)
    assert list(book.paths) == list(deliveries)
    assert all(path.stat().st_size for paths in book.paths.values() for parts in paths.values() for path in parts)
    for bad in book.dirty:
        assert book.rows[bad.delivery][bad.ledger] > 200, "there is no room for bad rows in so small a ledger"


def test_a_ledgers_gzip_is_read_to_its_end(tmp_path: Path) -> None:
    book = generate(tmp_path, loans=600, deliveries=(FIRST,), file_format="csv.gz")
    (path,) = book.paths[FIRST]["repayments"]
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        assert len(list(csv.reader(file))) - 1 == book.rows[FIRST]["repayments"]
    read = duckdb.sql(f"select count(*) from read_csv('{path}', all_varchar = true)").fetchone()
    assert read == (book.rows[FIRST]["repayments"],)


def test_impossible_arguments_are_refused(tmp_path: Path, dirty: Book) -> None:
    with pytest.raises(ValueError, match="later than the one before: 2026-10-31, 2026-09-30"):
        generate(tmp_path, deliveries=(SECOND, FIRST))
    with pytest.raises(ValueError, match="the one before: none"):
        generate(tmp_path, deliveries=())
    with pytest.raises(ValueError, match="loans=-1"):
        generate(tmp_path, loans=-1)
    with pytest.raises(FileExistsError, match="not empty"):
        generate(dirty.landing)


@pytest.mark.parametrize(("ledger", "column"), [(ledger, column) for ledger in PARENTS for column in PARENTS[ledger]])
def test_foreign_keys_exist_by_the_same_delivery(con: duckdb.DuckDBPyConnection, ledger: str, column: str) -> None:
    parent = PARENTS[ledger][column]
    key = KEYS[parent]
    orphans = f"""
        select child.* from {ledger} as child
        where child.{column} is not null
            and not exists (select 1 from {parent} as p where p.{key} = child.{column} and p.delivery <= child.delivery)
    """
    assert not violations(con, orphans)


@pytest.mark.parametrize("ledger", LEDGERS)
def test_later_deliveries_hold_only_what_is_new_or_changed(con: duckdb.DuckDBPyConnection, ledger: str) -> None:
    key = KEYS[ledger]
    assert not violations(con, f"select delivery, {key} from {ledger} group by delivery, {key} having count(*) > 1")
    same_again = f"select * exclude (delivery) from {ledger} group by all having count(*) > 1"
    assert not violations(con, same_again)
    if ledger in EVENTS:
        assert not violations(con, f"select {key} from {ledger} group by {key} having count(*) > 1")


def test_installments_add_up_to_the_principal(con: duckdb.DuckDBPyConnection) -> None:
    differing = """
        select loan_id, plan_no, any_value(principal), sum(principal_due)
        from installments
        inner join loan using (loan_id)
        where plan_no = 1 or product_id is distinct from 'P-08'       -- the product whose second plan lists only the rest
        group by loan_id, plan_no
        having sum(principal_due) != any_value(principal)
    """
    assert not violations(con, differing)
    assert not violations(con, "select * from installments where least(principal_due, interest_due, fee_due) < 0")
    assert not violations(con, "select * from installments where plan_no > 1 and effective_on is null")


@pytest.mark.parametrize(
    ("ledger", "key", "on"),
    [
        ("repayments", "repayment_id", "paid_on"),
        ("charges", "charge_id", "due_on"),
        ("advance_repayments", "advance_repayment_id", "paid_on"),
    ],
)
def test_reversals_stay_within_what_they_reverse(
    con: duckdb.DuckDBPyConnection, ledger: str, key: str, on: str
) -> None:
    wrong = f"""
        select event.{key}, sum(reversal.amount)
        from {ledger} as reversal
        inner join {ledger} as event on reversal.reverses_id = event.{key}
        where reversal.kind = 'reversal'
        group by event.{key}, event.amount, event.kind, event.{on}, event.loan_id
        having sum(reversal.amount) > event.amount or min(reversal.{on}) < event.{on} or event.kind = 'reversal'
            or any_value(reversal.loan_id) != event.loan_id
    """.replace("loan_id", "advance_id" if ledger == "advance_repayments" else "loan_id")
    assert not violations(con, wrong)
    assert not violations(con, f"select * from {ledger} where amount <= 0")
    assert not violations(con, f"select * from {ledger} where (kind = 'reversal') != (reverses_id is not null)")


def test_nothing_is_dated_before_its_loan_or_after_its_delivery(con: duckdb.DuckDBPyConnection) -> None:
    dated = {
        "customers": "opened_on",
        "loans": "greatest(disbursed_on, restructured_on, written_off_on, closed_on)",
        "repayments": "greatest(paid_on, posted_at::date)",
        "charges": "due_on",
        "pauses": "greatest(from_on, to_on)",
        "advances": "greatest(advanced_on, written_off_on)",
        "advance_repayments": "paid_on",
        "collateral": "valued_on",
        "underwriting": "decided_on",
        "financials": "period_end",
        "contact_points": "greatest(valid_from, valid_to)",
        "contact_attempts": "attempted_at::date",
        "gl_balances": "as_of",
        "fx_rates": "as_of",
    }
    for ledger, on in dated.items():
        assert not violations(con, f"select * from {ledger} where {on} > delivery"), ledger
    for ledger, on in {"repayments": "paid_on", "charges": "due_on", "installments": "due_on"}.items():
        early = f"select * from {ledger} inner join loan using (loan_id) where {on} < disbursed_on"
        assert not violations(con, early), ledger
    assert not violations(
        con, "select * from advance_repayments join advances using (advance_id) where paid_on < advanced_on"
    )


def test_a_loan_closed_as_repaid_has_received_all_it_was_owed(con: duckdb.DuckDBPyConnection) -> None:
    owing = """
        with flow as (
            select loan_id, if(kind in ('reversal', 'chargeback'), -amount, amount) as amount from repayments
            union all
            select loan_id, if(kind = 'reversal', amount, -amount) from charges
            union all
            select loan_id, -(principal_due + interest_due + fee_due)
            from installments
            where plan_no = 1
        )
        select loan_id, sum(flow.amount) from flow inner join loan using (loan_id)
        where close_reason = 'repaid' group by loan_id having sum(flow.amount) < 0
    """
    assert not violations(con, owing)


def test_six_to_ten_in_a_hundred_loans_of_the_book_are_overdue_in_every_bucket(con: duckdb.DuckDBPyConnection) -> None:
    buckets = dict(
        con.execute("""
        with owed as (
            select loan_id, due_on, principal_due + interest_due + fee_due as amount
            from installments
            qualify plan_no = max(plan_no) over (partition by loan_id)
            union all
            select loan_id, matures_on, principal from loan anti join installments using (loan_id)
        ),
        money as (
            select loan_id, sum(if(kind in ('reversal', 'chargeback'), -amount, amount)) as paid from repayments group by loan_id
        ),
        ladder as (
            select *, sum(amount) over (partition by loan_id order by due_on rows unbounded preceding) as owed_to from owed
        ),
        aged as (
            select loan_id,
                coalesce(max(getvariable('d') - due_on) filter (due_on < getvariable('d') and owed_to > coalesce(paid, 0)), 0) as days
            from ladder
            inner join loan using (loan_id)
            left join money using (loan_id)
            where closed_on is null and written_off_on is null
            group by loan_id
        )
        select least(7, ceil(days / 30))::integer, count(*) from aged group by all
    """).fetchall()
    )
    overdue = 1 - buckets[0] / sum(buckets.values())
    assert 0.05 < overdue < 0.12
    assert set(buckets) == set(range(8))


def test_the_general_ledger_is_the_books_unpaid_principal(con: duckdb.DuckDBPyConnection) -> None:
    """To the cent, for the product with the default conventions, recomputed from the delivered rows."""
    recomputed = con.execute("""
        with rung as (
            select loan_id, due_on, principal_due as owed, principal_due + interest_due + fee_due as amount
            from installments
            qualify plan_no = max(plan_no) over (partition by loan_id)
            union all
            select loan_id, paid_on, amount, amount from repayments where kind = 'chargeback'
        ),
        ladder as (
            select *, sum(amount) over (partition by loan_id order by due_on rows unbounded preceding) as owed_to,
                sum(amount) filter (due_on <= getvariable('d')) over (partition by loan_id) as due_by_now
            from rung
        ),
        paid as (
            select loan_id, sum(case kind when 'reversal' then -amount when 'chargeback' then 0 else amount end) as paid,
                coalesce(sum(amount) filter (kind = 'waiver' and installment_no is null), 0) as waived
            from repayments group by loan_id
        ),
        charged as (
            select loan_id, sum(if(kind = 'reversal', -amount, amount)) as charged from charges group by loan_id
        ),
        laid as (
            select owed, owed_to, coalesce(paid, 0) as money, coalesce(due_by_now, 0) as due_by_now,
                coalesce(charged, 0) as fees, least(coalesce(waived, 0), fees) as forgiven
            from ladder
            inner join loan using (loan_id)
            left join paid using (loan_id)
            left join charged using (loan_id)
            where product_id = 'P-01' and closed_on is null and written_off_on is null
        )
        select sum(least(owed, greatest(0,
            owed_to - least(money - forgiven, due_by_now) - greatest(0, money - due_by_now - fees))))
        from laid
    """).fetchone()
    delivered = con.execute(
        "select balance from gl_balances where as_of = getvariable('d') and gl_account = '130301'"
    ).fetchone()
    assert recomputed == delivered
    assert delivered is not None
    assert delivered[0] > 0


def test_later_deliveries_bring_what_lenders_later_learn(con: duckdb.DuckDBPyConnection) -> None:
    later = f"delivery = date '{SECOND}'"
    happened = {
        "back-dated repayment": f"select * from repayments where {later} and paid_on <= date '{FIRST}'",
        "reversal of an earlier delivery's payment": f"""
            select * from repayments as reversal inner join repayments as event on reversal.reverses_id = event.repayment_id
            where reversal.{later} and event.delivery < reversal.delivery
        """,
        "plan change": f"select * from installments where {later} and plan_no = 2",
        "written off since": f"select * from loans where {later} and written_off_on > date '{FIRST}'",
        "closed since": f"select * from loans where {later} and closed_on > date '{FIRST}'",
        "new phone": f"select customer_id from customers where {later} intersect select customer_id from customers where not {later}",
        "new convention": f"select * from products where {later}",
        "advance repayment reversed": "select * from advance_repayments where kind = 'reversal'",
        "refinanced": "select * from loan where close_reason = 'refinanced'",
        "sold": "select * from loan where close_reason = 'sold'",
    }
    for what, query in happened.items():
        assert violations(con, query), what
    kinds = {kind for (kind,) in con.execute("select distinct kind from repayments").fetchall()}
    assert kinds == {"payment", "reversal", "chargeback", "waiver"}
    payers = {payer for (payer,) in con.execute("select distinct payer from repayments").fetchall()}
    assert {"customer", "guarantor", "insurer"} <= payers


def test_bad_rows_stand_where_the_book_says_and_stay_under_the_limit(dirty: Book) -> None:
    assert [bad.reason for bad in dirty.dirty] == [reason for _, reason, _ in books.SPOILS[:6]]
    assert {bad.delivery for bad in dirty.dirty} == set(DEFAULT_DELIVERIES)
    sound = {"too many decimals": "10.005", "impossible date": "2026-02-30", "unknown code": "handshake",
             "ragged row": "one field too many", "orphan": "L-NOWHERE", "negative amount": "-10.00"}  # fmt: skip
    for bad in dirty.dirty:
        lines = bad.file.read_text(encoding="utf-8").splitlines()
        assert sum(sound[bad.reason] in line for line in lines) == 1, bad
        planted = sum(other.ledger == bad.ledger and other.delivery == bad.delivery for other in dirty.dirty)
        assert planted / dirty.rows[bad.delivery][bad.ledger] < 0.005


def test_repeated_rows_are_identical(dirty: Book) -> None:
    for ledger in books.IMMUTABLE:
        lines = [
            line for paths in dirty.paths.values() for line in paths[ledger][0].read_text("utf-8").splitlines()[1:]
        ]
        assert len(lines) - len(set(lines)) == sum(counts[ledger] for counts in dirty.duplicates.values()) > 0


def test_identity_numbers_are_well_formed_and_nobodys(con: duckdb.DuckDBPyConnection) -> None:
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    numbers = con.execute("select id_number, phone from customers where segment = 'personal'").fetchall()
    for number, phone in numbers:
        check = sum(int(digit) * weight for digit, weight in zip(number[:17], weights, strict=True)) % 11
        assert number[17] == "10X98765432"[check]
        assert number[4:6] == "99", "no county has this code"
        assert phone[:3] in ("142", "143", "154"), "no operator issues these"
        assert len(phone) == 11


def test_a_firm_has_borrowed_no_more_than_its_business_bears(con: duckdb.DuckDBPyConnection) -> None:
    """All that it was ever lent, against what it turns over in the best half-year on file."""
    query = """
        with lent as (
            select customer_id, sum(principal * if(currency = 'USD', 7, 1)) as amount from loan group by customer_id
        ),

        turned_over as (select customer_id, max(revenue) as revenue from financials group by customer_id)

        select customer_id, amount, revenue from lent inner join turned_over using (customer_id) where amount > {} * revenue
    """
    assert violations(con, query.format(0.1))
    assert not violations(con, query.format(1.5))
