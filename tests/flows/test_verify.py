"""`arrears verify` on a home as runs leave it, small enough to be spoilt a thousand times: each byte, each file, the chain."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from support import chain_again, new_home, sized

from flows import chain
from flows.errors import Differs, UsageError
from flows.home import Home, as_json, hold
from flows.listing import list_files, names_in, sha256_of
from flows.publish import Candidate, finish, publish, rotate, write_down
from flows.verify import verify

DAYS = ("2026-09-30", "2026-10-15", "2026-10-30", "2026-10-31")


def deliver(home: Home, name: str) -> None:
    """A delivery as landing leaves it."""
    folder = home.raw / name
    folder.mkdir()
    for ledger in ("loans", "repayments", "quarantine"):
        (folder / f"{ledger}.parquet").write_bytes(random.Random(name + ledger).randbytes(60))
    (folder / "delivery.json").write_bytes(as_json({"delivery": name, "kept": list_files(folder)}))


def account(home: Home, run_id: str, status: str, as_of: str, known: list[str]) -> dict[str, Any]:
    facts = [{"delivery": d, "record_sha256": sha256_of(home.raw / d / "delivery.json")} for d in known]
    said: dict[str, Any] = {"run_id": run_id, "status": status, "as_of": as_of, "dates": [as_of], "ended_at": run_id}
    said |= {"switched": True, "deliveries": facts, "marts": {}, "settings": {"keep_publications": "2"}}
    return {**said, "previous": chain.read(home).head}


def night(home: Home, as_of: str, known: list[str]) -> None:
    """What a night leaves: a publication, its pack, its line, and what it rotates away."""
    run_id = f"{as_of.replace('-', '')}T220000-00aa"
    folder = home.published / f".staging-{run_id}"
    (folder / "parquet").mkdir(parents=True)
    for name in ("marts.duckdb", "evidence.duckdb", "parquet/loan_aging.parquet", "parquet/headline.parquet"):
        (folder / name).write_bytes(random.Random(run_id + name).randbytes(80))
    docs = home.audit / run_id / "validation"
    (docs / "publication").mkdir(parents=True)
    (docs / "publication" / "result.json").write_text('{"success": true}')
    (home.audit / run_id / "run.log").write_text("a night\n")
    said = account(home, run_id, "published", as_of, known)
    write_down(home, publish(home, Candidate(folder, date.fromisoformat(as_of), []), said, docs, switch=True))
    rotate(home, keep=2)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Four nights, of which two publications are left, and a failed one between them."""
    home = new_home(tmp_path_factory.mktemp("verify") / "home")
    for number, day in enumerate(DAYS):
        deliver(home, day)
        if number == 2:
            failed = account(home, "20261029T220000-00bb", "failed", day, list(DAYS[:number]))
            chain.record(home, failed["run_id"], as_json(failed))
        night(home, day, list(DAYS[: number + 1]))
    return home


@pytest.fixture
def copy(home: Home, tmp_path: Path) -> Home:
    return Home(shutil.copytree(home.root, tmp_path / "home", symlinks=True))


def found(home: Home, **options: Any) -> list[dict[str, Any]]:
    """The differences that `verify --all` names; none where all is whole."""
    asked = {"run": None, "everything": True, "anchor": None, "reproduce": False} | options
    try:
        assert verify(home.root, **asked)["status"] == "whole"
    except Differs as error:
        ended = error
    else:
        return []
    named = ended.details["differences"]
    assert (ended.exit_code, ended.status) == (3, "differs")
    assert named
    assert all(d["path"] in str(ended) for d in named[:40])
    return named


def files_of(home: Home) -> list[Path]:
    """All that is evidence: every file below HOME but the lock."""
    return sorted(p for p in home.root.rglob("*") if p.is_file() and not p.is_symlink() and p.name != "home.lock")


@contextmanager
def spoilt(path: Path, content: bytes) -> Iterator[None]:
    before, mode = path.read_bytes(), path.stat().st_mode
    path.chmod(0o600)
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)
        path.chmod(mode)


def test_a_home_as_runs_leave_it_is_whole(home: Home) -> None:
    said = verify(home.root, None, True, None, False)
    assert (said["packs"], said["publications"], said["rotated"], said["deliveries"]) == (5, 2, 2, 4)
    assert said["not_checked"] == []
    assert said["files"] > 40
    assert verify(home.root, None, False, None, False)["run_id"] == "20261031T220000-00aa"
    assert verify(home.root, "2026-10-31-20261031T220000-00aa", False, None, False)["publications"] == 1


def test_any_byte_that_is_changed_is_found_and_named(home: Home) -> None:
    chance = random.Random(15)
    files = files_of(home)
    for _ in range(sized(150, 3000)):
        path = chance.choice(files)
        content = bytearray(path.read_bytes())
        place = chance.randrange(len(content))
        content[place] ^= chance.randrange(1, 256)
        with spoilt(path, bytes(content)):
            named = [d["path"] for d in found(home)]
        assert str(path.relative_to(home.root)) in named, (path, place, named)
    assert found(home) == []


def test_what_is_cut_off_or_put_at_the_end_is_found(home: Home) -> None:
    for path in files_of(home):
        content = path.read_bytes()
        for other in (content[:-1], content + b"\n", b""):
            with spoilt(path, other):
                assert str(path.relative_to(home.root)) in [d["path"] for d in found(home)], path


def test_what_is_removed_is_found(home: Home, tmp_path: Path) -> None:
    folders = [*home.audit.glob("*/"), *home.raw.glob("*/"), *home.published.glob("[0-9]*")]
    for path in [*files_of(home), *folders, home.current]:
        path.rename(tmp_path / "aside")
        named = found(home)
        (tmp_path / "aside").rename(path)
        assert str(path.relative_to(home.root)) in [d["path"] for d in named], (path, named)
    assert found(home) == []


def test_what_is_added_is_found(home: Home) -> None:
    roots = (home.audit, home.raw, home.published)
    folders = [*roots, *(p for root in roots for p in root.rglob("*") if p.is_dir() and not p.is_symlink())]
    for folder in folders:
        for add in (lambda p: p.write_text("x"), lambda p: p.mkdir(), lambda p: p.symlink_to("nowhere")):
            path = folder / "2026-11-01"
            add(path)
            named = [d["path"].rstrip("/") for d in found(home)]
            path.rmdir() if path.is_dir() else path.unlink()
            assert str(path.relative_to(home.root)) in named, (path, named)


def test_files_that_changed_places_are_both_named(copy: Home) -> None:
    one, other = (copy.raw / DAYS[0] / f"{ledger}.parquet" for ledger in ("loans", "repayments"))
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    said = {d["path"].split("/")[-1]: d["said"] for d in found(copy)}
    assert said == {
        "loans.parquet": "holds what repayments.parquet is to hold",
        "repayments.parquet": "holds what loans.parquet is to hold",
    }


def test_a_link_in_place_of_a_file_is_a_difference(copy: Home, tmp_path: Path) -> None:
    path = copy.raw / DAYS[0] / "loans.parquet"
    path.rename(tmp_path / "loans.parquet")
    path.symlink_to(tmp_path / "loans.parquet")
    assert [d["path"] for d in found(copy)] == [f"warehouse/raw/{DAYS[0]}/loans.parquet"]


def forge(home: Home) -> None:
    """Write a chain of one's own, every hash of it right: a file of a publication is another one since always."""
    (folder,) = home.published.glob("2026-10-31-*")
    (folder / "marts.duckdb").chmod(0o600)
    (folder / "marts.duckdb").write_bytes(b"what one would like to have published")

    def change(said: dict[str, Any]) -> None:
        if said["run_id"] in folder.name:
            said["files"] = list_files(folder, without=("manifest.json",))

    chain_again(home, change)


def test_a_chain_that_was_written_again_is_found_by_what_was_kept_outside(copy: Home, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    first = verify(copy.root, None, True, kept, False)["anchor"]
    assert kept.read_text() == f"{first}\n"
    assert verify(copy.root, None, True, kept, False)["anchor"] == first
    assert kept.read_text() == f"{first}\n", "the same line is kept once"
    deliver(copy, "2026-11-20")
    night(copy, "2026-11-20", [*DAYS, "2026-11-20"])
    verify(copy.root, None, True, kept, False)
    assert len(kept.read_text().splitlines()) == 2

    mail = tmp_path / "mail.txt"
    words = first.split()
    mail.write_text(f"> Dear auditor,\n> {' '.join(words[:3])}\n> {' '.join(words[3:])}\n> regards")
    assert found(copy, anchor=mail) == []
    shutil.copyfile(kept, mail)
    forge(copy)
    assert found(copy) == [], "every hash of it is right"
    (difference, other) = found(copy, anchor=kept)
    assert difference["path"] == other["path"] == "audit/chain.jsonl"
    assert "20261031T220000-00aa (as of 2026-10-31)" in difference["said"]
    assert kept.read_bytes() == mail.read_bytes(), "nothing is added to what is kept where something differs"


def test_runs_taken_off_the_end_are_found_by_what_was_kept_outside(copy: Home, tmp_path: Path) -> None:
    verify(copy.root, None, True, tmp_path / "kept.txt", False)
    lines = chain.read(copy).lines
    chain.path_of(copy).write_bytes(b"".join(line + b"\n" for line in lines[:-1]))
    shutil.rmtree(copy.audit / "20261031T220000-00aa")
    (last,) = copy.published.glob("2026-10-31-*")
    shutil.rmtree(last)
    shutil.rmtree(copy.raw / DAYS[-1])
    copy.current.unlink()
    copy.current.symlink_to(next(copy.published.glob("2026-10-30-*")).name)
    said = [d["said"] for d in found(copy, anchor=tmp_path / "kept.txt")]
    assert said[0].startswith("no longer holds what was kept outside: 5 runs up to 20261031T220000-00aa")
    assert "this publication is gone, and no run may have rotated it away" in said


def test_a_file_that_holds_something_else_is_not_written_in(copy: Home, tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    path.write_text("loan_id\n")
    with pytest.raises(UsageError, match="holds no line such as"):
        found(copy, anchor=path)
    assert path.read_text() == "loan_id\n"


def test_one_run_is_judged_with_what_it_knew_and_nothing_else(copy: Home) -> None:
    (copy.raw / DAYS[3] / "loans.parquet").write_bytes(b"later")
    (copy.audit / "20261031T220000-00aa" / "run.log").write_bytes(b"later")
    assert found(copy, run="20261030T220000-00aa", everything=False) == []
    named = [d["path"] for d in found(copy, run="current", everything=False)]
    assert named == ["audit/20261031T220000-00aa/run.log", f"warehouse/raw/{DAYS[3]}/loans.parquet"]


@pytest.mark.parametrize("run", ["nobody", "2026-10-31", "../audit"])
def test_an_unknown_run_is_wrong_usage(home: Home, run: str) -> None:
    with pytest.raises(UsageError, match="no run of this id is known"):
        found(home, run=run, everything=False)


def test_a_run_at_work_is_left_alone_and_a_killed_one_named_until_the_next(copy: Home) -> None:
    run_id = "20261120T220000-00cc"
    with hold(copy, run_id, "arrears nightly"):
        (copy.audit / run_id).mkdir()
        (copy.audit / run_id / "run.log").write_text("begun\n")
        (copy.published / f".staging-{run_id}").mkdir()
        deliver(copy, "2026-11-20")
        said = verify(copy.root, None, True, None, False)
        assert f"Run {run_id} is at work" in said["not_checked"][0]
    named = [d["path"] for d in found(copy)]
    assert named == [f"audit/{run_id}", "warehouse/raw/2026-11-20"]
    shutil.rmtree(copy.published / f".staging-{run_id}")
    finish(copy, "20261121T220000-00dd")
    assert chain.read(copy).links[-1] | {"status": "killed", "run_id": run_id} == chain.read(copy).links[-1]
    assert [d["path"] for d in found(copy)] == ["warehouse/raw/2026-11-20"], "until an account names it"


def made_by_an_older_version(home: Home) -> None:
    """Take away what versions before did not write down."""
    for path in home.audit.glob(f"*/{chain.FILES}"):
        path.unlink()

    def change(said: dict[str, Any]) -> None:
        said.pop("files", None)
        said["deliveries"] = [{"delivery": facts["delivery"]} for facts in said["deliveries"]]

    chain_again(home, change)


def test_of_an_older_home_it_is_said_what_cannot_be_checked(copy: Home) -> None:
    made_by_an_older_version(copy)
    said = verify(copy.root, None, True, None, False)
    assert said["status"] == "whole"
    assert [note.split(":")[0] for note in said["not_checked"]] == ["audit/", "published/", "warehouse/raw/"]
    with spoilt(next(iter(copy.audit.glob("*/manifest.json"))), b"{}"):
        assert found(copy)


def test_withdrawals_are_part_of_the_history(copy: Home) -> None:
    line = b'{"delivery": "2026-09-30", "after": "2026-10-31", "reason": "wrong", "withdrawn_at": "then"}\n'
    copy.withdrawals_file.write_bytes(line)
    said = verify(copy.root, None, True, None, False)
    assert said["not_checked"] == ["warehouse/raw/withdrawals.jsonl: no account has its hash yet."]
    manifest = account(copy, "20261101T220000-00ee", "failed", DAYS[-1], list(DAYS))
    whole = {"bytes": len(line), "sha256": sha256_of(copy.withdrawals_file)}
    chain.record(copy, manifest["run_id"], as_json({**manifest, "withdrawals": whole}))
    assert found(copy) == []
    for other in (b"", line[:-2], line.replace(b"wrong", b"right")):
        with spoilt(copy.withdrawals_file, other):
            assert [d["path"] for d in found(copy)] == ["warehouse/raw/withdrawals.jsonl"]


def test_nothing_is_written_and_nothing_held(home: Home) -> None:
    def state() -> dict[str, tuple[int, int]]:
        return {name: ((s := os.lstat(home.root / name)).st_mtime_ns, s.st_size) for name in names_in(home.root)}

    before = state()
    assert found(home) == []
    with hold(home, "another", "arrears nightly"):
        assert found(home) == []
    assert {k: v for k, v in state().items() if k != "home.lock"} == {
        k: v for k, v in before.items() if k != "home.lock"
    }
