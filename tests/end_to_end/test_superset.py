"""The Superset pack in a real Superset 6.1: imported twice, each chart against the marts, and a publication that comes after."""

from __future__ import annotations

import io
import json
import math
import os
import secrets
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
import yaml
from click.testing import CliRunner
from databases.servers import PASSWORD, free_port, postgresql

from bi.superset.make import CHARTS, DATABASE, dimensions_of, make, query_of
from flows.home import Home
from flows.postgresql import publish_to
from flows.publish import publications_of
from flows.switch import switch_to

ROOT = Path(__file__).parents[2]
SUPERSET = ROOT / "var" / "superset"
SPEC = yaml.safe_load(CHARTS.read_text("utf-8"))
START_SECONDS = 180


class Superset:
    """Its API, as the user admin."""

    def __init__(self, url: str, password: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=120)
        self.login = {"username": "admin", "password": password, "provider": "db"}

    def enter(self) -> None:
        token = self.client.post("/api/v1/security/login", json=self.login).raise_for_status().json()["access_token"]
        self.client.headers["Authorization"] = f"Bearer {token}"
        self.client.headers["Referer"] = str(self.client.base_url)
        self.client.headers["X-CSRFToken"] = self.get("security/csrf_token/")["result"]

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1/{path}").raise_for_status().json()

    def take(self, pack: bytes, password: str | None = None) -> None:
        secrets_of = {"passwords": json.dumps({f"databases/{DATABASE}.yaml": password})} if password else {}
        answer = self.client.post("/api/v1/assets/import/", files={"bundle": ("pack.zip", pack)}, data=secrets_of)
        assert answer.status_code == 200, answer.text

    def rows(self, chart: int) -> list[dict[str, Any]]:
        return self.get(f"chart/{chart}/data/?force=true")["result"][0]["data"]

    def charts(self) -> dict[str, int]:
        return {chart["slice_name"]: chart["id"] for chart in self.get("chart/?q=(page_size:100)")["result"]}


@pytest.fixture(scope="module")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    if not (SUPERSET / "installed").exists():
        pytest.skip(
            "Superset is not installed: `make superset` makes it an environment of its own in two to four minutes."
        )
    folder = tmp_path_factory.mktemp("superset")
    shutil.copyfile(SUPERSET / "metadata.db", folder / "metadata.db")
    port, password = free_port(), secrets.token_hex(16)
    command = [SUPERSET / "venv" / "bin" / "python", Path(__file__).with_name("superset_server.py")]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "SUPERSET_PASSWORD": password}
    with open(folder / "log", "wb") as log:
        arguments = [*command, "serve", folder / "metadata.db", str(port)]
        server = subprocess.Popen(arguments, env=environment, stdout=log, stderr=log, cwd=folder)
    try:
        ready = Superset(f"http://127.0.0.1:{port}", password)
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                ready.client.get("/health")
                break
            except httpx.HTTPError:
                assert server.poll() is None, (folder / "log").read_text()[-3000:]
                assert time.monotonic() < until, (folder / "log").read_text()[-3000:]
                time.sleep(0.2)
        ready.enter()
        yield ready
    finally:
        server.terminate()
        server.wait(30)


def pack_of(home: Path, folder: Path, *options: str, says: str) -> bytes:
    """The pack, whose command says for which database it is made."""
    made = CliRunner().invoke(make, [str(home), str(folder / "pack.zip"), *options], catch_exceptions=False)
    assert (made.exit_code, says in made.output) == (0, True), made.output
    return (folder / "pack.zip").read_bytes()


def with_titles(pack: bytes, title: str) -> bytes:
    """The same pack with another title on each chart: what an earlier version had."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(pack)) as before, zipfile.ZipFile(changed, "w") as after:
        for name in before.namelist():
            said = yaml.safe_load(before.read(name))
            if "slice_name" in said:
                said["slice_name"] = f"{title} {said['slice_name']}"
            after.writestr(name, yaml.safe_dump(said, allow_unicode=True))
    return changed.getvalue()


def expected(marts: Path, chart: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a chart as DuckDB has them."""
    dimensions = ", ".join(dimensions_of(chart))
    sums = [] if isinstance(chart["shows"], list) else list(chart["shows"].values())
    query = f"select {', '.join(filter(None, [dimensions, *sums]))} from ({query_of(chart['of'], SPEC['datasets'][chart['of']])})"
    if sums and dimensions:
        query += f" group by {dimensions}"
    with duckdb.connect(str(marts), read_only=True) as connection:
        relation = connection.sql(query)
        times = [kind in ("DATE", "TIMESTAMP") for kind in map(str, relation.types)]
        rows = [
            tuple(f"{cell:%Y-%m-%d %H:%M:%S}" if time and cell else cell for cell, time in zip(row, times, strict=True))
            for row in relation.fetchall()
        ]
    return in_order(rows)


def in_order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    def plain(cell: Any) -> Any:
        if cell is None or isinstance(cell, str | bool):
            return cell
        return None if math.isnan(cell) else round(float(cell), 6)

    return sorted((tuple(plain(cell) for cell in row) for row in rows), key=repr)


def shown(superset: Superset, chart: dict[str, Any], ident: int, marts: Path) -> list[tuple[Any, ...]]:
    """The rows that Superset shows: it counts times in milliseconds."""
    with duckdb.connect(str(marts), read_only=True) as connection:
        query = query_of(chart["of"], SPEC["datasets"][chart["of"]])
        times = {
            name
            for name, kind, *_ in connection.execute(f"describe {query}").fetchall()
            if kind[:4] in ("DATE", "TIME")
        }
    names = [*dimensions_of(chart), *([] if isinstance(chart["shows"], list) else chart["shows"])]
    rows = []
    for row in superset.rows(ident):
        assert list(row) == names
        rows.append(
            tuple(
                time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(row[n] / 1000))
                if n in times and row[n] is not None
                else row[n]
                for n in names
            )
        )
    return in_order(rows)


def test_imported_twice_every_chart_says_what_the_marts_say_also_of_a_publication_that_comes_after(
    superset: Superset, home: Path, tmp_path: Path
) -> None:
    pack = pack_of(home, tmp_path, says=f"made for the file {home.absolute()}/published/current/marts.duckdb")
    superset.take(with_titles(pack, "before"))
    superset.take(pack)
    titles = {chart["title"]: chart for chart in SPEC["charts"].values()}
    charts = superset.charts()
    assert charts.keys() == titles.keys()
    boards = superset.get("dashboard/")["result"]
    assert {board["dashboard_title"] for board in boards} == {b["title"] for b in SPEC["dashboards"].values()}
    for board in boards:
        on_it = superset.get(f"dashboard/{board['id']}/charts")["result"]
        rows = SPEC["dashboards"][board["slug"].removeprefix("arrears-")]["rows"]
        assert {one["slice_name"] for one in on_it} == {SPEC["charts"][name]["title"] for row in rows for name in row}
    place = Home(home.absolute())
    kept = publications_of(place)
    asked = [place.current.resolve(), next(folder for folder in kept if folder != place.current.resolve())]
    answers = []
    for publication in asked:
        switch_to(home, publication.name, back=True, wait=0)
        answers.append({})
        for title, chart in titles.items():
            marts = publication / "marts.duckdb"
            answers[-1][title] = shown(superset, chart, charts[title], marts)
            assert answers[-1][title] == expected(marts, chart), title
    assert all(answers[0].values()), [title for title, rows in answers[0].items() if not rows]
    assert answers[0]["余额 · Balance"] != answers[1]["余额 · Balance"]  # or the second publication proves nothing


def test_on_the_postgresql_that_was_published_to_every_chart_says_what_the_marts_say(
    superset: Superset, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    secret = PASSWORD.replace("'", "''")
    with postgresql() as server:
        server.run(
            f"create role bi_owner login createrole password '{secret}'; grant create on database core to bi_owner;"
            f"create role board login password '{secret}';"
        )
        publish_to(demo, f"postgresql://bi_owner@127.0.0.1:{server.port}/core", None, False, "arrears_reader", None)
        server.run("grant arrears_reader to board;")
        uri = f"postgresql+psycopg2://board@127.0.0.1:{server.port}/core"
        said = f"made for PostgreSQL, database core on 127.0.0.1:{server.port}, schema marts, as the user board"
        pack = pack_of(demo, tmp_path, "--uri", uri, says=said)
        superset.take(pack, PASSWORD)
        charts, marts = superset.charts(), demo / "published" / "current" / "marts.duckdb"
        (database,) = superset.get("database/?q=(filters:!((col:database_name,opr:eq,value:arrears)))")["result"]
        assert database["backend"] == "postgresql"
        differ = {}
        for chart in SPEC["charts"].values():
            found, asked = shown(superset, chart, charts[chart["title"]], marts), expected(marts, chart)
            if found != asked or not found:
                differ[chart["title"]] = (found[:3], asked[:3])
        assert not differ


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("postgresql://board:geheim@host/bi", "the address holds a password"),
        ("postgresql://host/bi", "names no user"),
        ("mysql://board@host/bi", "give postgresql"),
        ("postgresql://board@host", "give postgresql"),
    ],
)
def test_a_pack_is_made_for_a_database_that_it_knows_and_carries_no_password(
    uri: str, said: str, tmp_path: Path
) -> None:
    current = tmp_path / "published" / "current"
    current.mkdir(parents=True)
    (current / "marts.duckdb").touch()
    made = CliRunner().invoke(make, [str(tmp_path), str(tmp_path / "pack.zip"), "--uri", uri])
    assert (made.exit_code, said in made.output, "geheim" in made.output) == (1, True, False)
    assert not (tmp_path / "pack.zip").exists()
