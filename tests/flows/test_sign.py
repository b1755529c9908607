"""A second person signs: on record, by somebody else, and what waits for it is current for nobody before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import chain_again, new_home

from flows import chain
from flows.earlier import keep_figures
from flows.errors import Differs, UsageError
from flows.home import Home, as_json
from flows.listing import list_files
from flows.publish import move_current, write_down
from flows.report_status import status_of
from flows.sign import sign
from flows.switch import switch_to
from flows.verify import verify

FIRST, SECOND, THIRD = "20261030T020000-aaaa", "20261031T020000-bbbb", "20261101T020000-cccc"


def published(home: Home, run_id: str, as_of: str, waits: bool) -> Path:
    """A publication as a night leaves it, of next to nothing."""
    folder = home.published / f"{as_of}-{run_id}"
    (folder / "parquet").mkdir(parents=True)
    (folder / "parquet" / "loan_aging.parquet").write_bytes(run_id.encode())
    said = {
        **{"run_id": run_id, "as_of": as_of, "dates": [as_of], "status": "published", "ended_at": run_id},
        **{"switched": not waits, "waits_for_signature": waits, "user": "operator", "known_at": as_of},
        **{
            "policy_version": "",
            "marts": {},
            "deliveries": [],
            "withdrawn": [],
            "settings": {"keep_publications": "2"},
        },
        **{"previous": chain.read(home).head, "files": list_files(folder)},
    }
    keep_figures(home, run_id, folder)
    (folder / "manifest.json").write_bytes(as_json(said))
    if not waits:
        move_current(home, folder)
    write_down(home, folder)
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """What two nights published, of which the second waits."""
    home = new_home(tmp_path / "home")
    published(home, FIRST, "2026-10-30", waits=False)
    published(home, SECOND, "2026-10-31", waits=True)
    return home


def statuses(home: Home) -> list[str]:
    return [link["status"] for link in chain.read(home).links]


def test_what_waits_is_shown_and_becomes_current_by_a_signature(home: Home) -> None:
    told = status_of(home.root)
    assert told["waits_for_signature"] == [SECOND]
    assert (
        f"run {SECOND}, as of 2026-10-31: Somebody other than operator signs it: `arrears sign {SECOND} --as"
        in told["_text"]
    )
    assert told["current"]["run_id"] == FIRST
    with pytest.raises(UsageError, match="waits for a second person"):
        switch_to(home.root, SECOND, back=False, wait=0)

    said = sign(home.root, SECOND, " Li   Wei 李伟", "reconciliation and overrides looked at", 0)
    assert said["current"]
    assert home.current.resolve().name == f"2026-10-31-{SECOND}"
    assert statuses(home) == ["published", "published", "signed", "switched"]
    (signature,) = chain.signatures(home)[SECOND]
    assert (signature["signed_by"], signature["note"]) == ("Li Wei 李伟", "reconciliation and overrides looked at")
    assert status_of(home.root)["waits_for_signature"] == []
    assert verify(home.root, None, True, None, False)["status"] == "whole"


def test_a_signature_without_four_eyes_is_on_record_and_moves_nothing(home: Home) -> None:
    assert sign(home.root, SECOND, "first", "looked at", 0)["current"]
    switch_to(home.root, FIRST, back=True, wait=0)
    assert sign(home.root, SECOND, "second", "looked at again", 0)["current"] is False
    assert not sign(home.root, SECOND, "third", "and again", 0)["current"]
    assert home.current.resolve().name == f"2026-10-30-{FIRST}"


@pytest.mark.parametrize(
    ("name", "note", "said"),
    [
        ("operator", "looked at", "is who ran"),
        (" Ｏperator ", "looked at", "is who ran"),
        ("", "looked at", "--as: is empty"),
        ("Li Wei", "  ", "--note: is empty"),
        ("Li\u202eWei", "looked at", "not printable"),
        ("Li Wei", "x" * 501, "longer than 500"),
    ],
)
def test_what_is_no_signature_of_a_second_person_leaves_all_as_it_is(
    home: Home, name: str, note: str, said: str
) -> None:
    before = on_record(home)
    with pytest.raises(UsageError, match=said):
        sign(home.root, SECOND, name, note, 0)
    assert on_record(home) == before
    assert home.current.resolve().name == f"2026-10-30-{FIRST}"


def on_record(home: Home) -> dict[Path, bytes]:
    """What is published and what is on record, byte by byte."""
    files = (path for folder in (home.published, home.audit) for path in folder.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files}


def test_the_same_person_signs_once(home: Home) -> None:
    sign(home.root, SECOND, "Li Wei", "looked at", 0)
    with pytest.raises(UsageError, match=r"has signed .* already"):
        sign(home.root, SECOND, "li wei", "looked at", 0)


def test_a_signature_does_not_move_current_back_in_time(home: Home) -> None:
    published(home, THIRD, "2026-11-01", waits=False)
    said = sign(home.root, SECOND, "Li Wei", "looked at late", 0)
    assert status_of(home.root)["waits_for_signature"] == []
    assert "`current` stays as of 2026-11-01, which is later; `arrears switch" in said["_text"]
    assert not said["current"]
    switch_to(home.root, SECOND, back=True, wait=0)
    assert home.current.resolve().name == f"2026-10-31-{SECOND}"


def test_what_a_signature_rotates_away_is_no_difference(home: Home) -> None:
    published(home, THIRD, "2026-11-01", waits=True)
    sign(home.root, THIRD, "Li Wei", "looked at", 0)
    assert not (home.published / f"2026-10-30-{FIRST}").exists()
    told = verify(home.root, None, True, None, False)
    assert (told["status"], told["rotated"]) == ("whole", 1)


def differs(home: Home, said: str) -> None:
    with pytest.raises(Differs, match=said):
        verify(home.root, None, True, None, False)


def test_what_is_done_to_a_signature_is_found(home: Home) -> None:
    sign(home.root, SECOND, "Li Wei", "looked at", 0)
    (signature,) = chain.signatures(home)[SECOND]
    page = home.audit / signature["run_id"] / "manifest.json"
    sound = page.read_bytes()
    page.write_bytes(sound.replace(b"Li Wei", b"Wu Wei"))
    differs(home, f"{signature['run_id']}/manifest.json: changed: is not what the chain says")
    page.write_bytes(sound)
    assert verify(home.root, SECOND, False, None, False)["status"] == "whole"

    def as_if_of_another(said: dict) -> None:
        if said["status"] == "signed":
            said["signed_manifest_sha256"] = "0" * 64

    def as_if_by_who_ran_it(said: dict) -> None:
        if said["status"] == "signed":
            said["signed_by"] = "operator"
            said["signed_manifest_sha256"] = json.loads(chain.read(home).lines[1])["manifest_sha256"]

    chain_again(home, as_if_of_another)
    differs(home, "is a signature of another run")
    chain_again(home, as_if_by_who_ran_it)
    differs(home, "by who ran it")
    differs(home, f"leads to 2026-10-31-{SECOND}, which no second person has signed")


def test_current_pointed_by_hand_at_what_waits_is_found(home: Home) -> None:
    move_current(home, home.published / f"2026-10-31-{SECOND}")
    differs(home, "which no second person has signed")
