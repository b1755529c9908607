"""What dbt compiled, run by the engine alone, leaves what dbt leaves: from nothing and from kept state, table by table."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import duckdb
import pytest
from reperformance import strategies
from support import build_at, load, new_home

from flows import compiled
from flows.build import Built
from flows.compiled import Node
from flows.dbt_project import DbtFailed, refuse_failed
from flows.errors import ValidationFailed
from flows.home import Delivery
from flows.policy import PROJECT

TABLES = (
    "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'ours' and schema_name <> 'raw'"
)
VIEWS = "select schema_name, view_name, sql from duckdb_views() where database_name = '{}' and not internal and schema_name <> 'raw'"


def differing(ours: Path, theirs: Path) -> list[str]:
    """Tables of ours that do not hold the same rows as theirs under the same columns, and views that ask something else."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{ours}' as ours (read_only); attach '{theirs}' as theirs (read_only)")
        tables = sorted(name for (name,) in connection.sql(TABLES).fetchall())
        views = [set(connection.sql(VIEWS.format(who)).fetchall()) for who in ("ours", "theirs")]
        assert len(tables) > 130
        assert len(views[0]) > 20
        columns = {
            table: [connection.sql(f"describe {who}.{table}").fetchall() for who in ("ours", "theirs")]
            for table in tables
        }
        found = [
            table for table in tables if columns[table][0] != columns[table][1] or not same_rows(connection, table)
        ]
        return found + [f"{schema}.{view}" for schema, view, _ in views[0] ^ views[1]]


def same_rows(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    both = f"(from ours.{table} except all from theirs.{table}) union all (from theirs.{table} except all from ours.{table})"
    return connection.sql(f"select count(*) from ({both})").fetchone() == (0,)


def test_the_engine_alone_leaves_what_dbt_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    strategies.write_landing(strategies.random_ledgers(7, 200), landing)
    first = min(d for d in (Delivery.parse(p.name) for p in landing.iterdir()) if d)
    homes = {who: new_home(tmp_path / who) for who in ("dbt", "engine")}

    def build(who: str, day: date) -> Built:
        with monkeypatch.context() as environment:
            if who == "dbt":
                environment.setenv("ARREARS_DBT", "1")
            return build_at(homes[who], day)

    for upto, day in ((first, date(2026, 1, 31)), (None, date(2026, 2, 28))):
        for home in homes.values():
            load(landing, home, upto=upto)
        theirs, ours = build("dbt", day), build("engine", day)
        assert ours.full_refresh == theirs.full_refresh == (upto is not None)
        assert differing(ours.database, theirs.database) == []
    assert len(ours.nodes) < len(theirs.nodes)  # views and what policy alone decides stand there already


def node(name: str, kind: str, sql: str, parents: tuple[str, ...] = (), path: str = "models/marts/x.sql") -> Node:
    return Node(name, kind, path, f'"arrears"."marts"."{name.split(".")[-1]}"', list(parents), sql, sql)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run nodes in, as if dbt had compiled them: no test waits for another's build."""
    (tmp_path / "target").mkdir()
    (tmp_path / "manifest.json").write_text("{}", "utf-8")
    monkeypatch.setattr(compiled, "_folder", lambda: tmp_path)
    return tmp_path


NODES = [
    node("seed.arrears.rule", "seed", ""),
    node("model.arrears.stg", "view", "", ("source.raw.loans",)),
    node("model.arrears.of_rule", "table", "", ("seed.arrears.rule",)),
    node("model.arrears.kept", "incremental", "", ("model.arrears.stg",)),
    node("test.arrears.key", "test", "", ("model.arrears.kept",), "models/intermediate/x.yml"),
    node("model.arrears.a", "table", "", ("model.arrears.kept", "model.arrears.of_rule")),
    node("model.arrears.b", "table", "", ("model.arrears.kept",)),
    node("test.arrears.of_a", "test", "", ("model.arrears.a",)),
    node("test.arrears.of_both", "test", "", ("model.arrears.a", "model.arrears.b")),
]


@pytest.mark.parametrize(
    ("marts", "keys_inside", "continues", "policy_stands", "left_out"),
    [
        ((), True, False, False, ""),
        ((), False, False, False, "key"),
        ((), True, False, True, "rule of_rule"),
        ((), True, True, True, "rule stg of_rule"),
        (("b",), True, False, False, "of_rule a of_a of_both"),
        (("a",), False, True, True, "rule stg of_rule key b of_both"),
    ],
)
def test_a_build_runs_what_it_needs(
    marts: tuple[str, ...], keys_inside: bool, continues: bool, policy_stands: bool, left_out: str
) -> None:
    chosen = {one.name for one in compiled.needed(NODES, marts, keys_inside, continues, policy_stands)}
    assert {one.name.split(".")[-1] for one in NODES if one.name not in chosen} == set(left_out.split())


def test_who_rests_on_what_is_left_out_waits_for_what_that_rests_on() -> None:
    view = node("model.arrears.seen", "view", "", ("model.arrears.kept",))
    reader = node("model.arrears.reader", "table", "", ("model.arrears.seen",))
    chosen = {one.name: one.parents for one in compiled.needed([*NODES, view, reader], (), True, True, True)}
    assert chosen["model.arrears.reader"] == ["model.arrears.kept"]


def test_what_policy_alone_decides_is_known_where_seeds_are_not_run_again() -> None:
    assert [one.name for one in compiled.of_policy(NODES[1:])] == ["model.arrears.of_rule"]


@pytest.mark.parametrize("rows", [0, 1_000_000, 10_000_000])
def test_each_node_runs_after_those_it_rests_on(work: Path, rows: int) -> None:
    """Many at once, or one after another: a node that began too early would find no table."""
    nodes = [node("model.arrears.n0", "table", "create table marts.n0 as select 1 as n")]
    for n in range(1, 40):
        parents = (n // 2, n // 3)
        said = " union all ".join(f"select n from marts.n{parent}" for parent in parents)
        of = tuple(f"model.arrears.n{parent}" for parent in parents)
        nodes.append(
            node(f"model.arrears.n{n}", "table", f"create table marts.n{n} as select sum(n) as n from ({said})", of)
        )
    ran = compiled.run(work / "arrears.duckdb", work, nodes, rows)
    refuse_failed(ran)
    assert [one["node"] for one in ran] == [one.name for one in nodes]


@pytest.mark.parametrize(
    ("failing", "said"),
    [
        (node("model.arrears.a", "table", "select 1 as n from nowhere"), "Table with name nowhere does not exist"),
        (node("test.arrears.of_a", "test", "select 1 as n"), "Got 1 result, configured to fail if != 0"),
    ],
)
def test_what_fails_is_named_and_leaves_nothing_of_itself(work: Path, failing: Node, said: str) -> None:
    half = "create table marts.half as select 1 as n; "
    nodes = [node("model.arrears.sound", "table", "create table marts.sound as select 1 as n")]
    nodes += [failing if failing.kind == "test" else node(failing.name, failing.kind, half + failing.statement)]
    after = "create table marts.after as select 1 as n"
    nodes += [node("model.arrears.after", "table", after, ("model.arrears.sound", failing.name))]
    ran = compiled.run(work / "arrears.duckdb", work, nodes)
    with pytest.raises(DbtFailed, match=f"1 dbt node failed, the first {failing.name}: .*{said}"):
        refuse_failed(ran)
    with duckdb.connect(str(work / "arrears.duckdb")) as connection:
        assert connection.sql("select table_name from duckdb_tables()").fetchall() == [("sound",)]


@pytest.mark.parametrize("sum_of_two", ["cast(sum(x) as decimal(18, 2))", "max(x) + max(x)"])
def test_a_sum_that_no_amount_can_hold_is_no_fault_of_ours(work: Path, sum_of_two: str) -> None:
    largest = "(values (9999999999999999.99::decimal(18, 2)), (9999999999999999.99)) as amounts (x)"
    nodes = [node("model.arrears.book", "table", f"create table marts.book as select {sum_of_two} as n from {largest}")]
    with pytest.raises(ValidationFailed, match=r"A sum in book is beyond 9,999,999,999,999,999\.99.*arrears withdraw"):
        refuse_failed(compiled.run(work / "arrears.duckdb", work, nodes))


def test_what_policy_alone_decides_is_computed_once_and_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, work = tmp_path / "cache", tmp_path / "work"
    (work / "target").mkdir(parents=True)
    monkeypatch.setattr(compiled, "_folder", lambda: cache)
    sql = "create table marts.of_rule as select 1 as n"
    nodes = [node("model.arrears.of_rule", "table", sql), node("model.arrears.a", "table", sql, ("source.raw.loans",))]
    database = work / "arrears.duckdb"
    assert not compiled.begin(database, work, nodes, "p1")  # no folder to keep it in: the build computes it itself
    assert not database.exists()
    cache.mkdir()
    (cache / "manifest.json").write_text("{}", "utf-8")
    assert compiled.begin(database, work, nodes, "p1")
    database.unlink()
    monkeypatch.setattr(compiled, "run", None)  # the second time nothing runs
    assert compiled.begin(database, work, nodes, "p1")
    with duckdb.connect(str(database)) as connection:
        assert connection.sql("from marts.of_rule").fetchall() == [(1,)]


def test_what_dbt_compiles_depends_on_the_code_alone() -> None:
    """What is kept is run on other dates and ledgers: nothing may look at them, or at the environment, while dbt compiles."""
    looks = re.compile(
        r"\b(run_query|env_var|var|graph|run_started_at|invocation_id|modules\.datetime)\s*[(.]|\bexecute\b"
    )
    files = [path for folder in ("models", "macros", "tests/dbt") for path in (PROJECT / folder).rglob("*.sql")]
    assert len(files) > 200
    assert [str(path.relative_to(PROJECT)) for path in files if looks.search(_jinja_of(path.read_text("utf-8")))] == []
    assert looks.search(_jinja_of("select {{ env_var('HOME') }}"))
    assert looks.search(_jinja_of("{% if execute %}x{% endif %}"))


def _jinja_of(sql: str) -> str:
    return " ".join(re.findall(r"\{\{.*?\}\}|\{%.*?%\}", sql, re.DOTALL))
