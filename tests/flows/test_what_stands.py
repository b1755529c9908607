"""What is published and written down stands: without the chain, with a torn one, after a kill or a fault at any step."""

from __future__ import annotations

import errno
import grp
import json
import os
import shutil
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from support import new_home

from flows import chain, publish, switch
from flows.dates import Dates
from flows.errors import UsageError, ValidationFailed
from flows.home import Delivery, Home, as_json, today
from flows.publish import clear_leftovers, finish, move_current, publications_of, rotate, write_down
from flows.readers import group_of_readers, let_read
from flows.report_status import status_of
from flows.run import Run, opened
from flows.switch import switch_to
from flows.withdraw import withdraw_delivery

DAY = "2026-10-31"


def published(home: Home, run_id: str, switch: bool = True, write: bool = True) -> Path:
    """A publication as a run leaves it, of nothing but its manifest; `write=False`: killed right after the commit."""
    folder = home.published / f"{DAY}-{run_id}"
    folder.mkdir()
    manifest = {
        "run_id": run_id,
        "as_of": DAY,
        "dates": [DAY],
        "status": "published",
        "switched": switch,
        "known_at": DAY,
        "policy_version": "",
        "marts": {},
        "ended_at": run_id,
        "previous": chain.read(home).head,
    }
    (folder / "manifest.json").write_bytes(as_json(manifest))
    if switch:
        move_current(home, folder)
    if write:
        write_down(home, folder)
    return folder


def failed(home: Home, run_id: str) -> None:
    manifest = {"run_id": run_id, "status": "failed", "ended_at": run_id, "previous": chain.read(home).head}
    chain.record(home, run_id, as_json(manifest))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Three publications and a failed run between them."""
    home = new_home(tmp_path / "home")
    published(home, "run-1")
    failed(home, "run-2")
    published(home, "run-3")
    published(home, "run-4")
    return home


def end(night: Run, error: BaseException) -> None:
    with opened(night, "arrears nightly", 0):
        raise error


def lines_of(home: Home) -> list[bytes]:
    return chain.path_of(home).read_bytes().splitlines()


def rewrite(home: Home, change: Callable[[bytes], bytes]) -> None:
    chain.path_of(home).write_bytes(change(chain.path_of(home).read_bytes()))


FAULTS: dict[str, tuple[Callable[[Home], object], str]] = {
    "gone": (lambda home: chain.path_of(home).unlink(), "the file is gone"),
    "empty": (lambda home: rewrite(home, lambda raw: b""), "does not name run-1, run-2, run-3 and 1 more"),
    "first line gone": (
        lambda home: rewrite(home, lambda raw: raw.split(b"\n", 1)[1]),
        "the line before that of run run-2 is missing",
    ),
    "last line torn": (lambda home: rewrite(home, lambda raw: raw[:-40]), "line 4 is cut short or damaged"),
    "torn, and appended to": (
        lambda home: rewrite(home, lambda raw: raw.splitlines(True)[0] + raw.splitlines(True)[1][:30] + b"\n" + b"".join(raw.splitlines(True)[2:])),
        "line 2 is cut short or damaged",
    ),
    "zeros": (lambda home: rewrite(home, lambda raw: raw[:-200] + bytes(200)), "line 4 is cut short or damaged"),
    "a folder": (lambda home: (chain.path_of(home).unlink(), chain.path_of(home).mkdir()), "cannot be read"),
    "deep": (lambda home: rewrite(home, lambda raw: raw + b"[" * 100_000 + b"\n"), "line 5 is cut short or damaged"),
    "other lines": (lambda home: rewrite(home, lambda raw: raw + b'7\n{"run_id": 3}\n\xff\n'), "line 5 is cut short"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_chain_that_is_not_whole_costs_no_publication_and_is_mended(home: Home, fault: str) -> None:
    before = lines_of(home)
    spoil, said = FAULTS[fault]
    spoil(home)
    standing = sorted(home.published.iterdir())

    told = status_of(home.root)
    assert said in told["_text"]
    assert f"`arrears mend --home {home.root}`" in told["_text"]

    night = Run(home)
    with pytest.raises(ValidationFailed):
        end(night, ValidationFailed("no"))
    assert said in night.warnings[0]
    assert sorted(home.published.iterdir()) == standing

    chain.mend(home, 0)
    after = lines_of(home)
    assert after[:4] == before
    assert [json.loads(line)["status"] for line in after[4:]] == ["validation_failed", "mended"]
    assert chain.read(home).faults == []
    assert "arrears mend" not in status_of(home.root)["_text"]
    assert chain.mend(home, 0)["status"] == "ok"
    assert lines_of(home) == after


def test_what_nobody_has_any_more_is_named_once_and_then_on_record(home: Home) -> None:
    shutil.rmtree(home.audit / "run-2")
    rewrite(home, lambda raw: b"".join(raw.splitlines(True)[2:]))
    said = chain.mend(home, 0)
    assert said["restored"] == ["run-1"]
    assert said["lost_before"] == ["run-3"]
    assert "What ran just before run-3 is lost" in said["_text"]
    assert chain.read(home).faults == []
    failed(home, "run-5")
    assert chain.read(home).faults == []
    rewrite(home, lambda raw: b"".join(raw.splitlines(True)[1:]))
    assert chain.read(home).faults, "a further loss is told again"


def test_a_run_that_was_killed_after_the_commit_is_written_down_by_the_next(home: Home) -> None:
    switched = published(home, "run-5", write=False)
    finish(home)
    assert chain.read(home).links[-1]["run_id"] == "run-5"
    assert (home.audit / "run-5" / "manifest.json").read_bytes() == (switched / "manifest.json").read_bytes()
    published(home, "run-6", switch=False, write=False)
    finish(home)
    assert chain.read(home).links[-1]["run_id"] == "run-6"
    rewrite(home, lambda raw: b"".join(raw.splitlines(True)[:-1]))  # killed before the line was written
    finish(home)
    assert chain.read(home).links[-1]["run_id"] == "run-6"
    assert chain.read(home).faults == []


def test_a_pack_is_written_once(home: Home) -> None:
    before = {path: path.read_bytes() for path in home.audit.rglob("*") if path.is_file()}
    with pytest.raises(FileExistsError):
        failed(home, "run-3")
    assert {path: path.read_bytes() for path in home.audit.rglob("*") if path.is_file()} == before


def test_a_line_that_finds_the_disk_full_is_taken_back(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    before = chain.path_of(home).read_bytes()

    def full(descriptor: int) -> None:
        if os.path.samestat(os.fstat(descriptor), chain.path_of(home).stat()):
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            failed(home, "run-5")
    assert chain.path_of(home).read_bytes() == before
    finish(home)
    assert chain.read(home).links[-1]["run_id"] == "run-5"


def test_only_rotation_removes_a_publication_and_only_by_its_own_manifest(home: Home) -> None:
    (home.published / f"{DAY}-no-manifest").mkdir()
    torn = home.published / f"{DAY}-torn"
    torn.mkdir()
    (torn / "manifest.json").write_text('{"run_id": "to')
    shutil.copytree(home.published / f"{DAY}-run-1", home.published / f"{DAY}-renamed")
    (home.published / "of-somebody-else").write_text("mine")
    shutil.rmtree(home.audit)  # whatever is known elsewhere
    home.audit.mkdir()
    strangers = clear_leftovers(home)
    assert strangers == [f"{DAY}-no-manifest", f"{DAY}-renamed", f"{DAY}-torn", "of-somebody-else"]
    rotate(home, keep=1)
    assert [path.name for path in publications_of(home)] == [f"{DAY}-run-3", f"{DAY}-run-4"]
    assert clear_leftovers(home) == strangers
    night = Run(home)
    with opened(night, "arrears nightly", 0):
        pass
    assert f"{DAY}-no-manifest, {DAY}-renamed" in night.warnings[-1]


def test_a_kill_inside_rotation_leaves_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(folder: Path) -> None:
        (folder / "manifest.json").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as moment:
        moment.setattr(publish.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            rotate(home, keep=1)
    (home.published / ".staging-run-9").mkdir()
    (home.published / ".current-9").symlink_to("nowhere")
    assert clear_leftovers(home) == []
    assert sorted(path.name for path in home.published.iterdir()) == [f"{DAY}-run-3", f"{DAY}-run-4", "current"]


def test_a_run_that_ends_between_the_commit_and_its_account_has_published(home: Home) -> None:
    """`current` is asked, not which line of the program was reached."""
    night = Run(home)
    night.dates = Dates.night(date.fromisoformat(DAY), 1)
    published(home, night.run_id, write=False)
    night.record_failure(RuntimeError("late"))
    link = chain.read(home).links[-1]
    assert (link["run_id"], link["status"]) == (night.run_id, "published")
    assert night.warnings == []


def test_a_withdrawal_that_was_cut_short_stands_in_nobodys_way(tmp_path: Path) -> None:
    home = new_home(tmp_path / "home")
    for day in ("2026-10-30", "2026-10-31"):
        home.raw_of(Delivery.parse(day)).mkdir()
        (home.raw_of(Delivery.parse(day)) / "delivery.json").write_text("{}")
    path = home.withdrawals_file
    withdraw_delivery(home.root, "2026-10-30", "wrong", 0)
    first = path.read_bytes()
    path.write_bytes(first + first[:20])
    assert [w.delivery.name for w in home.withdrawals()] == ["2026-10-30"]
    withdraw_delivery(home.root, "2026-10-31", "wrong too", 0)
    assert [w.delivery.name for w in home.withdrawals()] == ["2026-10-30", "2026-10-31"]
    path.write_bytes(b"{}\n" + path.read_bytes())
    with pytest.raises(UsageError, match=r"withdrawals.jsonl, line 1: is damaged, .* Restore the file from a backup"):
        home.withdrawals()


def test_readers_of_a_group_read_what_is_published_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = grp.getgrgid(os.getgid())
    monkeypatch.setenv("ARREARS_READERS", group.gr_name)
    home = new_home(tmp_path / "home")
    folder = home.published / ".half"
    (folder / "parquet").mkdir(parents=True)
    (folder / "parquet" / "loan_aging.parquet").write_text("")
    (folder / "manifest.json").write_text("{}")
    let_read(home, folder)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (home.root, *home.root.rglob("*"))}
    assert modes.pop(home.root) == 0o710
    for path, mode in modes.items():
        open_to_all = path == home.published or folder in (path, *path.parents)
        assert mode == ((0o750 if path.is_dir() else 0o440) if open_to_all else 0o700), path
        assert path.stat().st_gid == group.gr_gid


def test_a_group_of_readers_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_READERS", "no such group")
    with pytest.raises(UsageError, match="ARREARS_READERS=no such group: there is no such group on this machine"):
        group_of_readers()


def test_switch_points_current_at_a_kept_publication_and_the_chain_says_so(tmp_path: Path) -> None:
    home = new_home(tmp_path / "home")
    first, second = published(home, "20261031T020000-aaaa"), published(home, "20261101T020000-bbbb")
    move_current(home, second)
    said = switch_to(home.root, "20261031T020000-aaaa", back=False, wait=0)
    assert home.current.resolve() == first
    assert (said["run_id"], said["as_of"]) == ("20261031T020000-aaaa", DAY)
    link = chain.read(home).links[-1]
    assert link["status"] == "switched"
    assert not chain.read(home).faults
    assert "already" in switch_to(home.root, first.name, back=False, wait=0)["_text"]
    assert len(chain.read(home).links) == 3


def test_switch_goes_back_in_time_only_when_told_to(tmp_path: Path) -> None:
    home = new_home(tmp_path / "home")
    newer = published(home, "20261101T020000-bbbb")
    older = home.published / "2026-10-30-20261030T020000-aaaa"
    shutil.copytree(newer, older)
    manifest = json.loads((newer / "manifest.json").read_text()) | {
        "run_id": "20261030T020000-aaaa",
        "as_of": "2026-10-30",
    }
    (older / "manifest.json").write_text(json.dumps(manifest))
    move_current(home, newer)
    with pytest.raises(UsageError, match=r"as of 2026-10-30, and `current` is as of 2026-10-31.*--back"):
        switch_to(home.root, "20261030T020000-aaaa", back=False, wait=0)
    with pytest.raises(
        UsageError, match=r"RUN no-such-run: no publication of this run is kept\. Kept: 20261030T020000-aaaa"
    ):
        switch_to(home.root, "no-such-run", back=False, wait=0)
    assert home.current.resolve() == newer
    switch_to(home.root, "20261030T020000-aaaa", back=True, wait=0)
    assert home.current.resolve() == older


def test_switch_refuses_a_publication_that_a_run_rotated_away_while_it_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = new_home(tmp_path / "home")
    first = published(home, "20261031T020000-aaaa")
    move_current(home, second := published(home, "20261101T020000-bbbb"))
    hold = switch.hold

    def after_a_rotation(*asked: object) -> object:
        shutil.rmtree(first)
        return hold(*asked)  # type: ignore[arg-type]

    monkeypatch.setattr(switch, "hold", after_a_rotation)
    with pytest.raises(UsageError, match=r"no publication of this run is kept\. Kept: 20261101T020000-bbbb"):
        switch_to(home.root, first.name, back=False, wait=0)
    assert home.current.resolve() == second
    assert len(chain.read(home).links) == 2


def test_status_says_what_is_kept_what_nobody_switched_to_and_what_it_takes(tmp_path: Path) -> None:
    home = new_home(tmp_path / "home")
    first, second = published(home, "20261031T020000-aaaa"), published(home, "20261101T020000-bbbb", switch=False)
    move_current(home, first)
    (first / "marts.duckdb").write_bytes(b"x" * 1_000_000)
    os.link(first / "marts.duckdb", home.audit / "the-same-file")
    said = status_of(home.root)
    assert said["not_switched"] == ["20261101T020000-bbbb"]
    assert f"run {second.name[11:]}  not switched to: arrears switch {second.name[11:]}" in said["_text"]
    assert f"run {first.name[11:]}  current" in said["_text"]
    assert said["disk"]["used"]["published"] >= 1_000_000
    assert said["disk"]["used"]["audit"] < 1_000_000  # the file counts once
    assert said["age_days"] == (today() - date(2026, 10, 31)).days
