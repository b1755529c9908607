"""A person is erased from the raw history: nothing of them is left, figures and hashes stay, and `verify` knows why files changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from bad_input.lender import BOOK
from click.testing import CliRunner
from support import load, new_home, publish_at

from flows import chain, erase
from flows.command import main
from flows.errors import Differs, UsageError
from flows.home import Delivery, Home, hold
from flows.land import prepare, refuse
from flows.listing import list_files
from flows.policy import read_policy
from flows.publish import current_manifest
from flows.reproduce import _erased
from flows.run import Run, look_at_what_stands
from flows.verify import verify

DAY = date(2026, 2, 28)
MARTS = ("loan_aging", "aging_distribution", "headline", "contact_breaches")
NAME, NUMBER, PHONE, STREET, MAIL = (
    "欧阳甲乙",
    "51019919650320602X",
    "15485237256",
    "四川和平街130号",
    "someone@example.org",
)
LEDGERS = BOOK | {
    "customers": (
        "customer_id,segment,name,id_number,phone\n"
        f"C1,personal,{NAME},{NUMBER},{PHONE}\n"
        "C2,corporate,Acme,91510100MA,02885551234\n"
        f"C1-7,personal,{NAME},440199198002035659,15464284719\n"  # another of the same name
    ),
    "contact_points": (
        "contact_point_id,customer_id,kind,value,source,consented\n"
        f"P1,C1,phone,{PHONE},application,true\n"
        f"P2,C1,address,{STREET},application,true\n"
        "P3,C2,phone,02885551234,application,true\n"
        f"P4,C1,email,{MAIL},application,perhaps\n"  # quarantined
        f"P5,C9,phone,{PHONE},third_party,true\n"  # quarantined: of nobody known, but the number is theirs
        "P7,C8,address,another street 9,third_party,true\n"  # quarantined, and none of theirs
        "P6,C1-7,phone,15464284719,application,true\n"
    ),
    "contact_attempts": (
        "attempt_id,customer_id,loan_id,attempted_at,initiated_by,channel,party,outcome,message_text\n"
        f"A1,C1,L1,2026-02-20 10:00:00,lender,sms,debtor,left_message,{NAME}：再不还款就曝光你的通讯录\n"
        "A2,C2,L2,2026-02-20 11:00:00,lender,sms,debtor,left_message,please call us\n"
    ),
    "repayments": BOOK["repayments"] + "R9,L1,2026-02-30,1.00\n",
}
THEIRS = (NUMBER, PHONE, STREET, MAIL)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose history names people, published."""
    home = new_home(tmp_path_factory.mktemp("home"))
    deliver(home, str(DAY), LEDGERS)
    # what a second delivery repeats is kept beside its history
    deliver(home, "2026-02-28.2", {name: LEDGERS[name] for name in ("customers", "contact_points")})
    load(home.root / "landing", home)
    publish_at(home, DAY, marts=MARTS)
    return home.root


@pytest.fixture
def home(published: Path, tmp_path: Path) -> Home:
    return Home(Path(shutil.copytree(published, tmp_path / "home", symlinks=True)))


def deliver(home: Home, name: str, texts: dict[str, str]) -> None:
    folder = home.root / "landing" / name
    folder.mkdir(parents=True)
    for ledger, text in texts.items():
        (folder / f"{ledger}.csv").write_text(text, "utf-8")


def held(home: Home) -> dict[str, str]:
    """Every value of every Parquet file of the warehouse, as one text for each file."""
    with duckdb.connect() as connection:
        return {
            str(path.relative_to(home.warehouse)): repr(connection.read_parquet(str(path)).fetchall())
            for path in sorted(home.warehouse.rglob("*.parquet"))
        }


def says(home: Home) -> dict[str, Any]:
    return verify(home.root, None, True, None, False)


def test_nothing_that_names_them_is_left_and_nobody_else_loses_anything(home: Home) -> None:
    # a delivery that the gate refused leaves what it had in quarantine
    deliver(home, "2026-02-28.3", {"contact_points": LEDGERS["contact_points"].replace("P4", "P8").replace("P2", "P9")})
    refuse(prepare(home.root / "landing", home, Delivery.parse("2026-02-28.3"), read_policy()))
    before = held(home)
    assert any(MAIL in text for name, text in before.items() if name.startswith("pending"))
    assert all(any(mark in text for text in before.values()) for mark in (*THEIRS, NAME))
    said = erase.erase(home.root, "C1", "request 2026-117", True, 0)
    after = held(home)
    assert not {(name, mark) for name, text in after.items() for mark in (*THEIRS, f"'{NUMBER}'") if mark in text}
    assert not [name for name, text in after.items() if "通讯录" in text]
    # the namesake, the company, and its messages are as they were
    for mark in (
        NAME,
        "440199198002035659",
        "15464284719",
        "Acme",
        "02885551234",
        "please call us",
        "another street 9",
    ):
        assert sum(text.count(mark) for text in after.values()) >= 1, mark
    assert after["raw/2026-02-28/customers.parquet"].count(NAME) == 1
    assert said["rows"]["customers"] == 2
    assert (said["rows"]["contact_attempts"], said["messages_left"]) == (1, 0)
    assert said["rows"]["quarantine"] >= 3
    for path in home.root.rglob("*"):
        if path.is_file() and home.root / "landing" not in path.parents:
            raw = path.read_bytes()
            assert not [mark for mark in THEIRS if mark.encode() in raw], path
    assert not list(home.warehouse.rglob("*.duckdb*"))


def test_figures_stay_and_verify_holds_by_the_record(home: Home) -> None:
    marts = current_manifest(home)["marts"]
    said = erase.erase(home.root, "C1", "request 2026-117", False, 0)
    assert said["messages_left"] == 1
    assert says(home)["status"] == "whole"
    publish_at(home, DAY, marts=MARTS)
    again = current_manifest(home)["marts"]
    assert {mart: again[mart]["hash"] for mart in MARTS} == {mart: marts[mart]["hash"] for mart in MARTS}
    assert says(home)["status"] == "whole"
    record = chain.manifest_in(home.audit / said["run_id"])
    assert (record["reason"], record["customer_id"], record["status"]) == ("request 2026-117", "C1", "erased")
    assert not [mark for mark in (*THEIRS, NAME) if mark in json.dumps(record, ensure_ascii=False)]
    # the record is of these bytes, and no others
    path = home.raw / "2026-02-28" / "customers.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"copy (select * replace ('x' as name) from '{path}') to '{path}.new' (format parquet)")
    Path(f"{path}.new").replace(path)
    with pytest.raises(Differs, match=r"customers\.parquet"):
        says(home)


def test_erased_twice_changes_nothing_and_a_later_delivery_that_says_it_again_is_erased_again(home: Home) -> None:
    run_id = current_manifest(home)["run_id"]
    assert _erased(home, run_id) == []
    said = erase.erase(home.root, "C1", "once", True, 0)
    assert _erased(home, run_id) == [f"Cause: messages to a customer were erased since ({said['run_id']})."]
    before = list_files(home.raw)
    assert erase.erase(home.root, "C1", "twice", True, 0)["rows"] == {}
    assert list_files(home.raw) == before
    deliver(home, "2026-02-28.3", {"customers": f"customer_id,segment,name\nC1,corporate,{NAME}\n"})
    load(home.root / "landing", home)
    assert erase.erase(home.root, "C1", "again", True, 0)["rows"] == {"customers": 1}
    assert held(home)["raw/2026-02-28.3/customers.parquet"].count(NAME) == 0


def killed(*_: Any) -> None:
    raise KeyboardInterrupt


def second_rename_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    renamed = []
    replace = Path.replace

    def once(path: Path, target: Path) -> Path:
        if path.suffix == ".parquet" and renamed:
            raise KeyboardInterrupt
        renamed.append(path)
        return replace(path, target)

    monkeypatch.setattr(
        Path, "replace", lambda path, target: once(path, target) if path.suffix == ".parquet" else replace(path, target)
    )


@pytest.mark.parametrize(
    ("kill", "is_done"),
    [
        (lambda patch: patch.setattr(erase, "_hashes", killed), False),
        (lambda patch: patch.setattr(chain, "record", killed), False),
        (lambda patch: patch.setattr(erase, "_put_in_place", killed), True),
        (second_rename_killed, True),
    ],
    ids=["while it is written beside", "before the record", "after the record", "between two renames"],
)
def test_a_kill_leaves_all_or_is_finished_by_the_next_run(
    kill: Callable[[pytest.MonkeyPatch], None], is_done: bool, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = list_files(home.raw)
    with monkeypatch.context() as patch:
        kill(patch)
        with pytest.raises(KeyboardInterrupt):
            erase.erase(home.root, "C1", "request 2026-117", False, 0)
    if not is_done:
        assert list_files(home.raw) == before
        assert says(home)["status"] == "whole"
    run = Run(home)
    with hold(home, run.run_id, "arrears nightly"):
        look_at_what_stands(run)
    assert (list_files(home.raw) == before) is not is_done
    assert any(PHONE in text for text in held(home).values()) is not is_done
    assert not list((home.warehouse / "erasing").glob("*"))
    assert says(home)["status"] == "whole"


def test_refusals_are_sentences(home: Home) -> None:
    before = list_files(home.root)
    for customer, reason, said in (
        ("C404", "request", "CUSTOMER C404: no row"),
        ("C1", " ", "--reason: is empty"),
        ("C1", "x" * 501, "longer than 500"),
        ("", "request", "CUSTOMER : no row"),
    ):
        with pytest.raises(UsageError, match=said):
            erase.erase(home.root, customer, reason, False, 0)
    with hold(home, "another", "arrears nightly"):
        ended = CliRunner().invoke(main, ["erase", "C1", "--reason", "request", "--home", str(home.root)])
    assert (ended.exit_code, "is in use" in ended.stderr) == (5, True)
    assert {name for name, sha in list_files(home.root).items() if before.get(name) != sha} <= {"home.lock"}
