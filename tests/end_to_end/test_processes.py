"""Runs that are killed, watched, locked out or short of disk: each in a process of its own, on a small home."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest
from end_to_end.nights import hashes, next_delivery, nightly
from support import FULL, sized

from books import generate

ARREARS = Path(sys.executable).parent / "arrears"
KILLS = sized(0, 200, "ARREARS_KILLS")
MOMENTS = ["Reading delivery", "Computing", "Staging", "Validating the candidate", "Publishing"]


@pytest.fixture(scope="module")
def october(tmp_path_factory: pytest.TempPathFactory, arrears) -> Path:
    """A home with one publication."""
    home = tmp_path_factory.mktemp("october") / "home"
    generate(home / "landing", loans=200, seed=1, deliveries=(date(2026, 10, 31),))
    ended = arrears(*nightly(home))
    assert ended.code == 0, ended.err
    return home


@pytest.fixture
def home(october: Path, tmp_path: Path) -> Path:
    shutil.copytree(october, tmp_path / "home", symlinks=True)
    return tmp_path / "home"


@dataclass(frozen=True)
class Undisturbed:
    """The November night as readers saw it go by, and what it published."""

    seen: list[dict[str, str]]
    hashes: dict[str, str]


def start(home: Path, server: str, alone: bool = False) -> subprocess.Popen:
    """A night; `alone`: the leader of a group of its own."""
    environment = os.environ | {"PREFECT_API_URL": server}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([str(ARREARS), *nightly(home)], env=environment, start_new_session=alone, **quiet)


@pytest.fixture(scope="module")
def undisturbed(october: Path, tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Undisturbed:
    home = tmp_path_factory.mktemp("undisturbed") / "home"
    shutil.copytree(october, home, symlinks=True)
    next_delivery(home)
    night = start(home, prefect_server)
    seen = list(read_until_it_ends(home, night))
    assert night.returncode == 0
    return Undisturbed(seen, hashes(home / "published" / "current"))


def read_until_it_ends(home: Path, night: subprocess.Popen) -> Iterator[dict[str, str]]:
    """The dates of the publication as a reader finds it, again and again, and once more when the night has ended."""
    while True:
        ended = ends_within(0.2, night)
        current = (home / "published" / "current").resolve()
        manifest = json.loads((current / "manifest.json").read_text())
        with duckdb.connect(str(current / "marts.duckdb"), read_only=True) as reader:
            as_of, rows = reader.sql("select max(as_of), count(*) from marts.loan_aging").fetchone()
        yield {
            "manifest": f"{manifest['as_of']}, {manifest['marts']['loan_aging']['rows']} rows",
            "read": f"{as_of}, {rows} rows",
        }
        if ended:
            return


def ends_within(seconds: float, process: subprocess.Popen) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def test_readers_see_one_whole_run_while_the_next_one_goes_on(undisturbed: Undisturbed) -> None:
    assert len(undisturbed.seen) > 10
    assert all(seen["read"] == seen["manifest"] for seen in undisturbed.seen)
    assert {seen["read"].split(",")[0] for seen in undisturbed.seen} == {"2026-10-31", "2026-11-20"}


@pytest.mark.parametrize("moments", [[one] for one in MOMENTS] if FULL else [MOMENTS], ids=", ".join)
def test_a_kill_at_any_point_leaves_the_last_publication_and_the_next_run_mends_it(
    home: Path, prefect_server: str, arrears, undisturbed: Undisturbed, moments: list[str]
) -> None:
    """Killed at one point after another, each run going on from what the one before left, and the last one let be."""
    next_delivery(home)
    standing = (home / "published" / "current").resolve()
    for moment in moments:
        night = start(home, prefect_server)
        started = wait_for_line(home, night, moment)
        night.send_signal(signal.SIGKILL)
        night.wait()
        assert started, f"the run ended before it was killed at {moment}"
        current = (home / "published" / "current").resolve()
        assert current == standing or (moment == "Publishing" and current.name.startswith("2026-11-20"))
        with duckdb.connect(str(current / "marts.duckdb"), read_only=True) as reader:
            assert reader.sql("select count(distinct as_of) from marts.loan_aging").fetchone()[0] == 1
    resumed = arrears(*nightly(home, "--json"))
    assert resumed.code == 0, resumed.err
    assert hashes(home / "published" / "current") == undisturbed.hashes
    assert not list((home / "published").glob(".*"))


@pytest.mark.skipif(KILLS == 0, reason="`make soak` kills at random moments")
def test_kills_at_random_moments(
    october: Path, tmp_path: Path, prefect_server: str, arrears, undisturbed: Undisturbed
) -> None:
    """Again and again, the main process alone or with all that it started; after some kills a run is let be."""
    chance = random.Random(11)
    for n in range(KILLS):
        home = tmp_path / "home"
        if not home.exists():
            shutil.copytree(october, home, symlinks=True)
            next_delivery(home)
            standing = (home / "published" / "current").resolve()
        night = start(home, prefect_server, alone=True)
        if not ends_within(chance.uniform(0.5, 25), night):
            if chance.random() < 0.5:
                night.kill()
            else:
                os.killpg(night.pid, signal.SIGKILL)
        night.wait()
        current = (home / "published" / "current").resolve()
        assert current == standing or current.name.startswith("2026-11-20"), n
        manifest = json.loads((current / "manifest.json").read_text())
        with duckdb.connect(str(current / "marts.duckdb"), read_only=True) as reader:
            assert reader.sql("select count(*) from loan_aging").fetchone() == (
                manifest["marts"]["loan_aging"]["rows"],
            ), n
        if n % 8 == 7 or n == KILLS - 1:
            resumed = arrears(*nightly(home, "--json", "--wait", "30"))
            assert resumed.code == 0, (n, resumed.err)
            assert hashes(home / "published" / "current") == undisturbed.hashes, n
            assert not list((home / "published").glob(".*")), n
            assert arrears("verify", "--all", "--home", home).code == 0, n
            shutil.rmtree(home)


def wait_for_line(home: Path, process: subprocess.Popen, text: str) -> bool:
    """Until the newest run's log holds a line with `text` (True), or the process ends (False)."""
    known = {json.loads(x)["run_id"] for x in (home / "audit" / "chain.jsonl").read_text().splitlines()}
    while not ends_within(0.01, process):
        for log in (home / "audit").glob("*/run.log"):
            if log.parent.name not in known and text in log.read_text():
                return True
    return False


def test_a_home_in_use_says_by_whom(home: Path, process) -> None:
    script = (
        "import sys, time; from pathlib import Path; from flows.home import Home, hold\n"
        "with hold(Home(Path(sys.argv[1])), 'run-7', 'arrears nightly'):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    refused = process(*nightly(home))
    assert refused.code == 5
    assert f"by process {holder.pid} (`arrears nightly`, run run-7) since" in refused.err
    assert "nobody" not in process("status", "--home", home).out
    waiting = subprocess.Popen(
        [str(ARREARS), "withdraw", "2026-10-31", "--reason", "a test", "--home", str(home), "--wait", "60"]
    )
    assert waiting.poll() is None
    holder.communicate("")
    assert waiting.wait(60) == 0


def test_no_space_left_is_said_and_leaves_what_stands(home: Path, process, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    # room for the home, in the pages that a file takes there, and too little for another night
    pages = sum(-(-f.stat().st_size // 4096) for f in home.rglob("*") if f.is_file() and not f.is_symlink())
    size = 4 * pages + 1500
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a small file system")
    try:
        small = disk / "home"
        shutil.copytree(home, small, symlinks=True)
        next_delivery(small)
        standing = (small / "published" / "current").resolve()
        full = process(*nightly(small))
        assert full.code == 1
        assert "No space is left" in full.err
        assert (small / "published" / "current").resolve() == standing
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
