"""The Superset pack in a real Superset 6.1: imported twice, each chart against the marts, and a publication that comes after."""

from __future__ import annotations

import io
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
from databases.servers import free_port

from bi.superset.make import CHARTS, dimensions_of, make, query_of
from flows.home import Home
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

    def take(self, pack: bytes) -> None:
        answer = self.client.post("/api/v1/assets/import/", files={"bundle": ("pack.zip", pack)})
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


def pack_of(home: Path, folder: Path) -> bytes:
    made = CliRunner().invoke(make, [str(home), str(folder / "pack.zip")], catch_exceptions=False)
    assert made.exit_code == 0, made.output
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
    pack = pack_of(home, tmp_path)
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
