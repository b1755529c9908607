"""Deliveries that are read from a database: whole, or what is new; one snapshot; nothing half done, no secret shown."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pytest
from bad_input.lender import FIRST, SECOND, THIRD, Lender, Taken

from databases.servers import PASSWORD, Server, free_port
from flows.errors import UsageError
from flows.land import open_delivery
from flows.landing import databases

PAGE = Path(__file__).parents[2] / "docs" / "your-own-files.md"
BOTH = pytest.mark.parametrize("core", ["postgres", "maria"], indirect=True)
MAPPING = """
sources:
  core: {{kind: {kind}, url: "${{CORE_URL}}"}}
ledgers:
  customers:
    - source: core
      table: customers
  loans:
    - source: core
      query: select loan_no, cust_no, issued, principal, 'CNY' as currency from loans where state <> 'draft';
      columns: {{loan_id: loan_no, customer_id: cust_no, disbursed_on: issued}}
  installments:
    - source: core
      table: installments
  repayments:
    - source: core
      table: payments
      since: posted_at
      columns: {{repayment_id: id}}
"""
TABLES = """
create table customers (customer_id varchar(20) primary key, segment varchar(20));
create table loans (loan_no varchar(20) primary key, cust_no varchar(20), issued date, principal decimal(18, 2), state varchar(9));
create table installments (loan_id varchar(20), installment_no int, due_on date, principal_due decimal(18, 2));
create table payments (id varchar(20), loan_id varchar(20), paid_on date, amount decimal(18, 2), posted_at {timestamp});
insert into customers values ('C1', 'personal'), ('C2', 'corporate');
insert into loans values ('L1', 'C1', '2026-01-05', 1000.00, 'open'), ('L2', 'C2', '2026-01-05', 2500.50, 'open'),
    ('L3', 'C2', '2026-01-05', 7.77, 'draft');
insert into installments values ('L1', 1, '2026-02-05', 400.00), ('L1', 2, '2026-03-05', 600.00),
    ('L2', 1, '2026-04-05', 2500.50);
insert into payments values ('R1', 'L1', '2026-02-05', 400.00, '2026-02-05 10:00:00{zone}'),
    ('R2', 'L2', '2026-01-20', 100.25, null);
"""
MORE = "insert into payments values ('R3', 'L1', '2026-03-05', 600.00, '2026-03-05 10:00:00')"


def url_of(server: Server, password: str = PASSWORD) -> str:
    return f"{server.kind}://core:{quote(password, safe='')}@127.0.0.1:{server.port}/core"


@pytest.fixture
def lender(core: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lender:
    """A lender whose book stands in tables of its core system; its landing folder holds the mapping alone."""
    if core.kind == "postgresql":
        core.run("set client_min_messages = error; drop schema if exists public cascade; create schema public;")
    else:
        core.run("drop database core; create database core character set utf8mb4;")
    kinds = (
        {"timestamp": "timestamptz", "zone": "+08"}
        if core.kind == "postgresql"
        else {"timestamp": "datetime", "zone": ""}
    )
    core.run(TABLES.format(**kinds))
    monkeypatch.setenv("CORE_URL", url_of(core))
    lender = Lender(tmp_path)
    lender.landing.mkdir(exist_ok=True)
    (lender.landing / "mapping.yml").write_text(MAPPING.format(kind=core.kind), "utf-8")
    return lender


def opened(lender: Lender, name: str) -> Path:
    (lender.landing / name).mkdir()
    return lender.landing / name


def read(lender: Lender, name: str) -> Taken:
    opened(lender, name)
    return lender.take(name)


@BOTH
def test_a_whole_delivery(core: Server, lender: Lender) -> None:
    taken = read(lender, FIRST)
    assert [(r["loan_id"], r["principal"]) for r in taken.rows("loans")] == [
        ("L1", Decimal("1000.00")),
        ("L2", Decimal("2500.50")),
    ]
    assert taken.keys("repayments") == ["R1", "R2"]
    assert str(taken.rows("repayments")[0]["posted_at"]) == "2026-02-05 02:00:00"  # kept in UTC
    assert not taken.quarantine
    told = {r["file"]: r for r in taken.record["databases"]["readings"]}
    assert told["core.payments.parquet"]["rows"] == 2
    assert told["core.loans-2.parquet"]["query"].endswith("where state <> 'draft'")
    # how it was read stands in each file too
    path = lender.landing / FIRST / "core.payments.parquet"
    kept = dict(duckdb.sql(f"select decode(key), decode(value) from parquet_kv_metadata('{path}')").fetchall())
    assert kept["source"] == "core"
    assert kept["query"] == 'select * from "payments"'


@BOTH
def test_what_is_new_since_a_column(core: Server, lender: Lender) -> None:
    read(lender, FIRST)
    core.run(MORE)
    second = read(lender, SECOND)
    # the newest known row comes again and is counted, as does one without a time
    assert second.counts("core.payments.parquet", "repayments") == (3, 0, 1, 2, 0)
    assert second.keys("repayments") == ["R3"]
    third = read(lender, THIRD)
    assert third.counts("core.payments.parquet", "repayments") == (2, 0, 0, 2, 0)


@BOTH
def test_a_delivery_that_was_withdrawn_is_read_again(core: Server, lender: Lender) -> None:
    read(lender, FIRST)
    core.run(MORE)
    read(lender, SECOND)
    lender.withdraw(SECOND, after=SECOND)
    third = read(lender, THIRD)
    assert third.keys("repayments") == ["R3"]


@BOTH
def test_another_query_is_read_from_its_beginning(core: Server, lender: Lender) -> None:
    """What is known of one query says nothing of another, whatever their files are called."""
    mapping = lender.landing / "mapping.yml"
    first = mapping.read_text("utf-8").replace("table: payments", "query: select * from payments where amount > 200")
    mapping.write_text(first, "utf-8")
    assert read(lender, FIRST).keys("repayments") == ["R1"]
    mapping.write_text(first.replace("amount > 200", "amount > 0"), "utf-8")
    core.run("update payments set posted_at = '2026-01-20 10:00:00' where id = 'R2'")
    assert read(lender, SECOND).keys("repayments") == ["R2"]


@BOTH
def test_a_delivery_that_was_not_loaded_is_read_again(core: Server, lender: Lender) -> None:
    core.run("insert into installments values ('L9', 1, '2026-02-05', 1.00)")
    opened(lender, FIRST)
    lender.prepare_all()
    core.run("delete from installments where loan_id = 'L9'")
    assert not lender.take(FIRST).quarantine


def after_the_first_table(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Have something happen to the server between two tables of one delivery."""
    take = databases._take

    def taken(*args: Any) -> dict[str, Any]:
        came = take(*args)
        monkeypatch.setattr(databases, "_take", take)
        happens()
        return came

    monkeypatch.setattr(databases, "_take", taken)


@BOTH
def test_one_snapshot_of_tables_that_grow(core: Server, lender: Lender, monkeypatch: pytest.MonkeyPatch) -> None:
    after_the_first_table(monkeypatch, lambda: core.run(MORE))
    assert read(lender, FIRST).keys("repayments") == ["R1", "R2"]
    assert read(lender, SECOND).keys("repayments") == ["R3"]


@BOTH
def test_a_connection_that_is_lost_half_way(core: Server, lender: Lender, monkeypatch: pytest.MonkeyPatch) -> None:
    read(lender, FIRST)
    core.run(MORE)
    folder = opened(lender, SECOND)
    after_the_first_table(monkeypatch, core.end_sessions)
    message = lender.refuse(SECOND)
    assert f"the database core ({lender.landing / 'mapping.yml'}, line 3) cannot be read" in message
    assert not list(folder.iterdir())
    assert lender.take(SECOND).keys("repayments") == ["R3"]


@BOTH
def test_a_wrong_password_is_not_shown(core: Server, lender: Lender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORE_URL", url_of(core, "no/tt@he one"))
    opened(lender, FIRST)
    message = lender.refuse()
    assert "in CORE_URL" in message
    for secret in ("no/tt@he one", quote("no/tt@he one", safe="")):
        assert secret not in message


@BOTH
def test_no_secret_is_written_down(core: Server, lender: Lender) -> None:
    read(lender, FIRST)
    secrets = [PASSWORD.encode(), quote(PASSWORD, safe="").encode(), b"127.0.0.1"]
    for path in (p for place in (lender.landing, lender.home.root) for p in place.rglob("*") if p.is_file()):
        assert not any(secret in path.read_bytes() for secret in secrets), path


@pytest.mark.parametrize("core", ["postgres"], indirect=True)
def test_amounts_never_pass_through_binary_floats(core: Server, lender: Lender) -> None:
    """`numeric` without a scale would become a double in the engine."""
    core.run("alter table payments alter column amount type numeric; update payments set amount = 9007199254740993.07")
    assert {r["amount"] for r in read(lender, FIRST).rows("repayments")} == {Decimal("9007199254740993.07")}


@BOTH
def test_what_the_database_does_not_understand(core: Server, lender: Lender) -> None:
    mapping = lender.landing / "mapping.yml"
    sound = mapping.read_text("utf-8")
    opened(lender, FIRST)
    for line, right, wrong, said in (
        (7, "table: customers", "table: customer", "core does not understand the table ("),
        (10, "select loan_no,", "selekt loan_no,", "core does not understand the query ("),
        (
            10,
            "select loan_no, cust_no",
            "delete from loans; select loan_no, cust_no",
            "core does not understand the query (",
        ),
        (
            17,
            "since: posted_at",
            "since: booked_at",
            "since: booked_at: there is no such column. Allowed: id, loan_id, paid_on",
        ),
    ):
        mapping.write_text(sound.replace(right, wrong), "utf-8")
        message = lender.refuse(error=UsageError)
        assert f"mapping.yml, line {line}: {said}" in message
    assert core.run("select count(*) from loans").strip() == "3"


@pytest.mark.parametrize("core", ["postgres"], indirect=True)
def test_the_example_of_the_page(core: Server, lender: Lender) -> None:
    """docs/your-own-files.md, as it stands there; the night opens the day's delivery by itself, once."""
    (example,) = (
        text for text in re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL) if "sources:" in text
    )
    core.run("drop schema if exists ledger cascade; alter schema public rename to ledger;")
    core.run("alter table ledger.loans rename column cust_no to customer_id;")
    core.run("alter table ledger.loans rename column issued to disbursed_on;")
    core.run("alter table ledger.loans add column currency text default 'CNY';")
    core.run("alter table ledger.payments rename column id to repayment_id;")
    (lender.landing / "mapping.yml").write_text(example, "utf-8")
    day = date.fromisoformat(FIRST)
    for _night in range(2):
        open_delivery(lender.landing, lender.home, day)
    assert lender.take(FIRST).keys("loans") == ["L1", "L2"]
    open_delivery(lender.landing, lender.home, day - timedelta(days=1))
    assert [p.name for p in lender.landing.iterdir() if p.is_dir()] == [FIRST]
    lender.withdraw(FIRST, after=FIRST)
    open_delivery(lender.landing, lender.home, day)
    assert lender.take(f"{FIRST}.2").keys("repayments") == ["R1", "R2"]


def test_a_database_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lender = Lender(tmp_path)
    (lender.landing / "mapping.yml").write_text(MAPPING.format(kind="postgresql"), "utf-8")
    opened(lender, FIRST)
    assert "CORE_URL, which is not set" in lender.refuse(error=UsageError)
    monkeypatch.setenv("CORE_URL", "core.example")
    assert "no URL of a postgresql database" in lender.refuse(error=UsageError)
    monkeypatch.setenv("CORE_URL", f"postgresql://core:geheim@127.0.0.1:{free_port()}/core")
    message = lender.refuse()
    assert "Connection refused" in message
    assert "geheim" not in message


def test_sqlite(tmp_path: Path) -> None:
    """Values of any type in a column, numbers as they are told apart by SQLite; what is new by a number."""
    lender = Lender(tmp_path)
    text = MAPPING.format(kind="sqlite").replace("${CORE_URL}", "core.db").replace("posted_at", "no")
    (lender.landing / "mapping.yml").write_text(text, "utf-8")
    file = sqlite3.connect(lender.landing / "core.db")
    file.executescript(TABLES.format(timestamp="text", zone="").replace("posted_at", "no"))
    file.executescript("update payments set no = 9 where id = 'R1'; update payments set no = 8 where id = 'R2';")
    assert read(lender, FIRST).keys("repayments") == ["R1", "R2"]
    file.executescript("insert into payments values ('R3', 'L1', '2026-03-05', 600.00, 10)")
    second = read(lender, SECOND)
    assert second.counts("core.payments.parquet", "repayments") == (2, 0, 1, 1, 0)
    assert second.keys("repayments") == ["R3"]


def test_sources_in_a_mapping_are_checked(tmp_path: Path) -> None:
    lender = Lender(tmp_path)
    mapping = lender.landing / "mapping.yml"
    opened(lender, FIRST)
    sound = MAPPING.format(kind="postgresql")
    for right, wrong, said in (
        ("kind: postgresql", "kind: oracle", "oracle. Allowed: 'postgresql' or 'mysql' or 'sqlite'"),
        (', url: "${CORE_URL}"', "", "core without url"),
        (
            "source: core\n      table: customers",
            "source: cor\n      table: customers",
            "source: cor. Allowed: a name under",
        ),
        (
            "table: customers",
            "table: customers\n      query: select 1",
            "one of `table: NAME` and `query: SELECT …`",
        ),
        ("table: customers", "table: customers\n      file: x.csv", "both `file:` and `source:`"),
        ("table: customers", "table: customers\n      encoding: gbk", "`encoding` for files only"),
        ("table: payments", "table: installments", "installments read in two ways"),
    ):
        assert right in sound
        mapping.write_text(sound.replace(right, wrong, 1), "utf-8")
        message = lender.refuse(error=UsageError)
        assert said in message, message


def test_a_file_that_only_bears_the_name_of_the_account(tmp_path: Path) -> None:
    """A lender's own databases.json is looked at, and obeyed in nothing."""
    lender = Lender(tmp_path)
    (tmp_path / "precious").write_text("x", "utf-8")
    lender.deliver(FIRST, {"databases.json": "{no json"})
    assert lender.take(FIRST).record["databases"] == {}
    file = sqlite3.connect(lender.landing / "core.db")
    file.executescript(TABLES.format(timestamp="text", zone=""))
    mapping = MAPPING.format(kind="sqlite").replace("${CORE_URL}", "../core.db")
    folder = lender.deliver(
        SECOND,
        {"mapping.yml": mapping, "databases.json": '{"readings": [{"file": "../../precious"}]}'},
        repayments=None,
    )
    lender.take(SECOND)
    assert (tmp_path / "precious").exists()
    assert len(json.loads((folder / "databases.json").read_text("utf-8"))["readings"]) == 4
