"""What is published, in a real PostgreSQL: typed, in one step, and nothing half done whatever happens to it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from bad_input.lender import BOOK
from support import load, new_home, publish_at

from databases.servers import PASSWORD, Server
from flows.errors import UsageError
from flows.landing.databases import extension_of
from flows.postgresql import NotPublished, Target, publish_to

DAY = date(2026, 2, 28)
MARTS = ("loan_aging", "aging_distribution", "headline")
BOTH = "select min(policy_version), max(policy_version) from (select policy_version from marts.loan_aging union all select policy_version from marts.aging_distribution) as t"


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one publication of a small book."""
    home = new_home(tmp_path_factory.mktemp("home"))
    folder = home.root / "landing" / str(DAY)
    folder.mkdir(parents=True)
    for ledger, text in BOOK.items():
        (folder / f"{ledger}.csv").write_text(text, "utf-8")
    load(folder.parent, home)
    publish_at(home, DAY, marts=MARTS)
    return home.root


@pytest.fixture
def home(one: Path, tmp_path: Path) -> Path:
    shutil.copytree(one, tmp_path / "home", symlinks=True)
    return tmp_path / "home"


@pytest.fixture
def bi(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, str]]:
    """The server with a user that may make schemas and roles, without anything of another test; and its address."""
    secret = PASSWORD.replace("'", "''")
    postgres.run(
        f"drop role if exists bi_owner; create role bi_owner login createrole password '{secret}'; grant create on database core to bi_owner;"
    )
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    yield postgres, f"postgresql://bi_owner@127.0.0.1:{postgres.port}/core"
    postgres.run("drop owned by bi_owner cascade;")
    for role in postgres.run(
        "select rolname from pg_roles where rolname ~ '^(arrears_reader|branch_|of_|teller)'"
    ).split():
        postgres.run(f"drop owned by {role}; drop role {role};")
    postgres.run("drop role bi_owner;")


def another(home: Path, number: int, *changes: str) -> str:
    """A further publication, each of its rows marked by its run."""
    first = next(path for path in sorted((home / "published").iterdir()) if not path.is_symlink())
    manifest = json.loads((first / "manifest.json").read_text())
    run = f"20261101T02{number:04}-{number:04x}"
    folder = home / "published" / f"{DAY}-{run}"
    shutil.copytree(first, folder)
    (folder / "manifest.json").write_text(json.dumps(manifest | {"run_id": run}))
    (folder / "marts.duckdb").chmod(0o600)
    with duckdb.connect(str(folder / "marts.duckdb")) as marts:
        for mart in ("loan_aging", "aging_distribution"):
            marts.execute(f"update {mart} set policy_version = '{run}'")
        for change in changes:
            marts.execute(change)
    return run


def bring(home: Path, url: str, run: str | None = None, rollback: bool = False, policy: Path | None = None) -> dict:
    return publish_to(home, url, run, rollback, "arrears_reader", policy)


def test_typed_tables_with_comments_behind_views(home: Path, bi: tuple[Server, str]) -> None:
    server, url = bi
    said = bring(home, url)
    with duckdb.connect(str(home / "published" / "current" / "marts.duckdb"), read_only=True) as marts:
        rows = marts.sql("select count(*), sum(outstanding_principal) from loan_aging").fetchone()
        views = marts.sql(
            "select count(*) from (select table_name from duckdb_tables() union all select view_name from duckdb_views() where not internal)"
        ).fetchone()[0]
        comment = marts.sql(
            "select comment from duckdb_columns() where table_name = 'loan_aging' and column_name = 'days_past_due'"
        ).fetchone()[0]
    assert said["views"] == views
    assert server.run("select count(*), sum(outstanding_principal) from marts.loan_aging") == f"{rows[0]}\t{rows[1]}"
    types = "select data_type, numeric_precision, numeric_scale from information_schema.columns where table_schema = 'marts' and table_name = 'loan_aging' and column_name"
    assert server.run(f"{types} = 'overdue_amount'") == "numeric\t18\t2"
    assert server.run(f"{types} = 'as_of'") == "date"
    assert (
        server.run(
            "select col_description('marts.loan_aging'::regclass, attnum) from pg_attribute where attrelid = 'marts.loan_aging'::regclass and attname = 'days_past_due'"
        )
        == comment
    )
    assert bring(home, url)["schema"] == said["schema"], "again is the same"


def test_a_reader_sees_views_alone(home: Path, bi: tuple[Server, str]) -> None:
    server, url = bi
    schema = bring(home, url)["schema"]
    asked = f"select has_schema_privilege('arrears_reader', 'marts', 'usage'), has_table_privilege('arrears_reader', 'marts.loan_aging', 'select'), has_table_privilege('arrears_reader', 'marts.loan_aging', 'update'), has_schema_privilege('arrears_reader', '{schema}', 'usage'), has_table_privilege('arrears_reader', '{schema}.loan_aging', 'select')"
    assert server.run(asked) == "t\tt\tf\tf\tf"


def test_rows_by_branch_and_segment(home: Path, bi: tuple[Server, str], tmp_path: Path) -> None:
    server, url = bi
    run = another(home, 1, "update loan_aging set branch_id = 'B1' where loan_id = 'L1'")
    server.run(
        "create role branch_1; create role of_all; create role teller login; create role teller_2 login; create role teller_3 login; grant branch_1 to teller; grant of_all to teller_2; grant arrears_reader to teller_3;"
        if server.run("select 1 from pg_roles where rolname = 'arrears_reader'")
        else "create role arrears_reader; create role branch_1; create role of_all; create role teller login; create role teller_2 login; create role teller_3 login; grant branch_1 to teller; grant of_all to teller_2; grant arrears_reader to teller_3;"
    )
    policy = tmp_path / "policy"
    policy.mkdir()
    (policy / "bi_access.csv").write_text(
        "role,branch,segment,evidence,citation\nbranch_1,B1,*,K,test\nof_all,*,*,K,test\n"
    )
    bring(home, url, run, policy=policy)

    def sees(user: str, mart: str) -> str:
        return server.run(f"set role {user}; select count(*) from marts.{mart};")

    assert (sees("teller", "loan_aging"), sees("teller_2", "loan_aging"), sees("teller_3", "loan_aging")) == (
        "1",
        "2",
        "0",
    )
    assert sees("teller", "headline") == "0", "what says no branch is for those who see all"
    assert int(sees("teller_2", "headline")) > 0
    (policy / "bi_access.csv").write_text("role,branch,segment,evidence,citation\nnobody,B1,*,K,test\n")
    with pytest.raises(UsageError, match=r"bi_access\.csv, line 2, role: .* has no role nobody"):
        bring(home, url, run, policy=policy)
    assert sees("teller", "loan_aging") == "1", "what stood stands"


def test_readers_through_ten_switches_see_no_error_and_no_mixture(home: Path, bi: tuple[Server, str]) -> None:
    server, url = bi
    runs = [another(home, number) for number in range(10)]
    bring(home, url, runs[0])
    server.run(
        "create view public.mine as select count(*) as loans from marts.loan_aging; alter view public.mine owner to bi_owner;"
    )
    over, seen, wrong = threading.Event(), set(), []

    def read() -> None:
        with duckdb.connect() as reader:
            reader.execute(f"load '{extension_of('postgresql')}'")
            reader.execute(f"attach '{url}' as target (type postgres, read_only)")
            while not over.is_set():
                try:
                    low, high = reader.execute("from postgres_query('target', ?)", [BOTH]).fetchone()
                except duckdb.Error as error:
                    wrong.append(str(error))
                    return
                seen.add(low)
                if low != high:
                    wrong.append((low, high))

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    try:
        for run in runs[1:]:
            bring(home, url, run)
    finally:
        over.set()
        for reader in readers:
            reader.join()
    assert not wrong
    assert len(seen) > 1
    assert server.run("select loans from public.mine") == "2"
    kept = server.run("select count(*) from pg_namespace where nspname like 'marts\\_%'")
    assert kept == "2", "the one shown and the one before"


def test_rollback_shows_the_run_before(home: Path, bi: tuple[Server, str]) -> None:
    server, url = bi
    first, second = another(home, 1), another(home, 2)
    bring(home, url, first)
    with pytest.raises(UsageError, match=r"--rollback: .* keeps no run before"):
        bring(home, url, rollback=True)
    bring(home, url, second)
    bring(home, url, rollback=True)
    assert server.run(BOTH) == f"{first}\t{first}"
    bring(home, url, second)
    assert server.run(BOTH) == f"{second}\t{second}"


def test_a_column_more_and_a_column_less(home: Path, bi: tuple[Server, str]) -> None:
    server, url = bi
    plain = another(home, 1)
    more = another(home, 2, "alter table loan_aging add column a_new_one integer")
    bring(home, url, plain)
    server.run(
        "create view public.mine as select count(*) as loans from marts.loan_aging; alter view public.mine owner to bi_owner;"
    )
    bring(home, url, more)
    assert server.run("select count(*) from marts.loan_aging where a_new_one is null") == "2"
    with pytest.raises(
        NotPublished,
        match=r"did not take the publication: cannot drop view marts\.loan_aging because other objects depend on it",
    ):
        bring(home, url, plain)
    assert server.run(BOTH) == f"{more}\t{more}"
    server.run("drop view public.mine")
    bring(home, url, plain)
    assert server.run(BOTH) == f"{plain}\t{plain}"


@pytest.mark.parametrize("at", ["load", "point_views_at", "forget"])
def test_a_connection_lost_in_the_middle(
    home: Path, bi: tuple[Server, str], monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    server, url = bi
    standing, run = another(home, 1), another(home, 2)
    bring(home, url, standing)
    really: Callable = getattr(Target, at)

    def lost(self: Target, *given: object) -> object:
        answer = really(self, *given)
        server.run("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'bi_owner';")
        return answer

    monkeypatch.setattr(Target, at, lost)
    with pytest.raises(NotPublished, match="Nothing was changed there"):
        bring(home, url, run)
    monkeypatch.undo()
    assert server.run(BOTH) == f"{standing}\t{standing}"
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    bring(home, url, run)
    assert server.run(BOTH) == f"{run}\t{run}"


def test_killed_in_the_middle(home: Path, bi: tuple[Server, str]) -> None:
    server, url = bi
    standing, run = another(home, 1), another(home, 2)
    bring(home, url, standing)
    script = (
        "import os, signal, sys; from pathlib import Path; from flows import postgresql\n"
        "postgresql.Target.forget = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "postgresql.publish_to(Path(sys.argv[1]), sys.argv[2], sys.argv[3], False, 'arrears_reader', None)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, str(home), url, run],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    assert server.run(BOTH) == f"{standing}\t{standing}"
    bring(home, url, run)
    assert server.run(BOTH) == f"{run}\t{run}"


def test_two_at_once(home: Path, bi: tuple[Server, str]) -> None:
    server, url = bi
    runs = [another(home, number) for number in (1, 2)]
    failed: list[BaseException] = []

    def bring_one(run: str) -> None:
        try:
            bring(home, url, run)
        except BaseException as error:
            failed.append(error)

    both = [threading.Thread(target=bring_one, args=(run,)) for run in runs]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert not failed
    low, high = server.run(BOTH).split("\t")
    assert low == high
    assert low in runs


def test_a_wrong_password_is_not_shown(home: Path, bi: tuple[Server, str], monkeypatch: pytest.MonkeyPatch) -> None:
    _, url = bi
    monkeypatch.setenv("PGPASSWORD", "not-the-password")
    with pytest.raises(UsageError, match="password authentication failed") as refused:
        bring(home, url)
    assert "not-the-password" not in str(refused.value)
    with pytest.raises(UsageError, match="the address holds a password") as refused:
        bring(home, re.sub("@", ":not-the-password@", url))
    assert "not-the-password" not in str(refused.value)
    with pytest.raises(UsageError, match="not the address of a PostgreSQL"):
        bring(home, "mysql://somebody@nowhere/bi")
