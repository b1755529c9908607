"""What refuses or orders deliveries as a whole: folders, missing ledgers, the control file, changes after loading."""

from __future__ import annotations

import hashlib
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from bad_input.lender import BOOK, FIRST, HEADERS, SECOND, THIRD, Lender, with_settings
from flows.errors import UsageError
from flows.home import Delivery, knowledge, today
from flows.land import commit, find_new_deliveries, prepare, unknown_folders
from flows.withdraw import withdraw_delivery

# the landing folder and its deliveries ------------------------------------------------------------------------------


def test_landing_folder_absent(lender: Lender, tmp_path: Path) -> None:
    lender.landing = tmp_path / "lending"
    message = lender.refuse(error=UsageError)
    assert message.startswith(f"--landing {tmp_path}/lending: there is no such folder.")
    assert "2026-11-22" in message, "shows what a delivery's folder is called"


def test_landing_is_a_file(lender: Lender, tmp_path: Path) -> None:
    lender.landing = tmp_path / "landing.csv"
    lender.landing.write_text("x")
    assert "landing.csv: not a folder." in lender.refuse(error=UsageError)


def test_empty_landing_folder_is_no_fault(lender: Lender) -> None:
    assert find_new_deliveries(lender.landing, lender.home) == []


def test_empty_delivery_folder(lender: Lender) -> None:
    (lender.landing / FIRST).mkdir()
    message = lender.refuse()
    assert f"{FIRST} holds no data file (name.csv, name.csv.gz, name.xlsx or name.parquet)" in message


def test_folders_of_other_names_are_named_and_left_alone(lender: Lender) -> None:
    for name in ("2026-02-28.1", "2026-02-30", "2026-2-28", "old", ".tmp", "2026-02-28.02", "2026-02-28 copy"):
        (lender.landing / name).mkdir()
    (lender.landing / "2026-01-31").write_text("a file, no folder")
    assert find_new_deliveries(lender.landing, lender.home) == []
    assert unknown_folders(lender.landing) == [
        "2026-02-28 copy", "2026-02-28.02", "2026-02-28.1", "2026-02-30", "2026-2-28", "old",
    ]  # fmt: skip


def test_deliveries_come_in_the_order_of_knowledge(lender: Lender) -> None:
    for name in (FIRST + ".10", SECOND, FIRST + ".2", FIRST):
        (lender.landing / name).mkdir()
    found = [d.name for d in find_new_deliveries(lender.landing, lender.home)]
    assert found == [FIRST, FIRST + ".2", FIRST + ".10", SECOND]
    upto = find_new_deliveries(lender.landing, lender.home, Delivery.parse(FIRST + ".2"))
    assert [d.name for d in upto] == [FIRST, FIRST + ".2"]


def test_the_same_delivery_again_loads_nothing(known: Lender) -> None:
    assert find_new_deliveries(known.landing, known.home) == []


def test_a_second_delivery_of_a_day(known: Lender) -> None:
    taken = known.load(FIRST + ".2", loans=HEADERS["loans"] + "L3,C1,2026-02-01,2026-08-01,10,CNY\n", repayments=None)
    assert taken.keys("loans") == ["L3"]
    assert taken.row("loans", "L3")["_delivery_no"] == 20260228002


@pytest.mark.parametrize(
    ("late", "also_there", "free"),
    [
        ("2026-02-15", [], "2026-02-28.2"),
        ("2025-12-31", [], "2026-02-28.2"),
        ("2026-02-15", ["2026-02-28.2", "2026-02-28.3"], "2026-02-28.4"),
    ],
)
def test_a_delivery_that_sorts_before_a_loaded_one(known: Lender, late: str, also_there: list[str], free: str) -> None:
    for name in [late, *also_there]:
        known.deliver(name)
    message = known.refuse(late)
    assert f"Delivery {late}: it sorts before 2026-02-28, which is loaded already" in message
    assert f"deliver it as {free} or under a later date" in message
    shutil.move(known.landing / late, known.landing / "set aside")
    for name in also_there:
        known.take(name)
    shutil.move(known.landing / "set aside", known.landing / free)
    known.take(free)  # the name that it was told is indeed free


# changed after it was loaded ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("repayments.csv", BOOK["repayments"].replace("400.00", "410.00"), "repayments.csv was changed"),
        ("repayments.csv", None, "repayments.csv was removed"),
        ("charges.csv", "charge_id,loan_id,due_on,amount\n", "charges.csv was added"),
        ("branches.csv", "a\n", "branches.csv was added"),
        ("mapping.yml", "ledgers: {}\n", "mapping.yml was added"),
        ("delivery.csv", "file,rows\n", "delivery.csv was added"),
    ],
)
def test_a_delivery_changed_after_it_was_loaded(known: Lender, file: str, content: str | None, said: str) -> None:
    known.load(SECOND)
    path = known.landing / FIRST / file
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    known.deliver(THIRD)
    message = known.refuse(THIRD)
    assert f"Delivery {FIRST}: {said} in {known.landing / FIRST} after it was loaded on 20" in message
    assert f"deliver the correction as {SECOND}.2 or under a later date" in message, (
        "a name that is not refused in turn"
    )
    assert f"arrears withdraw {FIRST} --reason" in message


def test_a_change_of_the_same_size_and_time_is_seen(known: Lender) -> None:
    path = known.landing / FIRST / "repayments.csv"
    before = path.stat()
    path.write_text(BOOK["repayments"].replace("400.00", "500.00"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "repayments.csv was changed" in known.refuse(SECOND)


def test_touched_or_copied_with_the_same_content_is_fine(known: Lender) -> None:
    path = known.landing / FIRST / "repayments.csv"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    os.utime(path, (0, 0))
    (known.landing / FIRST / "notes.txt").write_text("landing never reads this")
    assert find_new_deliveries(known.landing, known.home) == []


def test_before_it_is_loaded_a_delivery_may_be_corrected_in_place(lender: Lender) -> None:
    folder = lender.deliver(repayments="")
    lender.refuse()
    (folder / "repayments.csv").write_text(BOOK["repayments"])
    prepare(lender.landing, lender.home, Delivery.parse(FIRST), lender.policy)  # its gate fails, say
    assert lender.home.loaded() == []
    (folder / "repayments.csv").write_text(BOOK["repayments"] + "R3,L1,2026-02-06,1.00\n")
    assert lender.take().keys("repayments") == ["R1", "R2", "R3"]


# ledgers that must be there -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ledger", ["customers", "loans", "installments", "repayments"])
def test_a_ledger_missing_in_the_first_delivery(lender: Lender, ledger: str) -> None:
    lender.deliver(**{ledger: None})
    message = lender.refuse()
    assert f"holds no file for {ledger}, which must have been delivered at least once" in message
    assert "its header alone where there is nothing new" in message


@pytest.mark.parametrize("name", ["REPAYMENT.CSV", "repayment_2026.csv", "repayments.txt"])
def test_a_file_that_looks_like_the_missing_ledger_is_named(lender: Lender, name: str) -> None:
    lender.deliver(repayments=None, files={name: BOOK["repayments"]})
    message = lender.refuse()
    assert (
        f"{name} looks like it: name it repayments.csv (or .csv.gz, .xlsx, .parquet), or map it in mapping.yml."
        in message
    )


def test_an_expected_ledger_missing_in_a_later_delivery(known: Lender) -> None:
    known.deliver(SECOND, repayments=None, loans=BOOK["loans"])
    message = known.refuse(SECOND)
    assert "holds no file for repayments, which must be in every delivery from the second delivery date on" in message
    assert "expected_ledgers" in message


def test_expected_ledgers_are_the_policys(known: Lender) -> None:
    known.deliver(SECOND)
    policy = with_settings(known.policy, expected_ledgers="repayments contact_attempts")
    assert "holds no file for contact_attempts" in known.refuse(SECOND, policy=policy)
    nothing_expected = with_settings(known.policy, expected_ledgers="")
    shutil.rmtree(known.landing / SECOND)
    known.deliver(SECOND, repayments=None, loans=BOOK["loans"])
    assert known.take(SECOND, nothing_expected).counts("loans.csv") == (2, 0, 0, 2, 0)


# the control file ---------------------------------------------------------------------------------------------------

ROWS = {name: text.count("\n") - 1 for name, text in BOOK.items()}
AMOUNTS = {"customers": "0", "loans": "3500.50", "installments": "3500.50", "repayments": "500.25"}


def control(header: str = "file,rows,amount_total,sha256", **changed: str) -> str:
    """A control file that agrees with the sound book, but for the lines in `changed`."""
    lines = {
        name: f"{name}.csv,{ROWS[name]},{AMOUNTS[name]},{hashlib.sha256(text.encode()).hexdigest()}"
        for name, text in BOOK.items()
    }
    return "\n".join([header, *(line for line in {**lines, **changed}.values() if line)]) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(control(), id="all columns"),
        pytest.param("file,rows\n" + "".join(f"{n}.csv,{r}\n" for n, r in ROWS.items()), id="rows only"),
        pytest.param("\ufeff" + control().replace("\n", "\r\n"), id="BOM and CRLF"),
        pytest.param(control(repayments='repayments.csv,2,"500.250",'), id="trailing zero, no hash"),
        pytest.param(control(loans='loans.csv,2,"3,500.50",'), id="thousands separator"),
        pytest.param(control(loans="loans.csv, 2 ,,"), id="blanks and nulls"),
    ],
)
def test_a_control_file_that_agrees(lender: Lender, text: str) -> None:
    lender.load(files={"delivery.csv": text})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (control(repayments="repayments.csv,3,500.25,"), "line 5: repayments.csv should have 3 rows, but has 2"),
        (control(repayments="repayments.csv,2,500.26,"), "line 5: the amounts of repayments.csv should add up to 500.26, but add up to 500.25 (difference -0.01"),
        (control(installments="installments.csv,3,3500.51,"), "line 4: the amounts of installments.csv should add up to 3500.51, but add up to 3500.50"),
        (control(loans=f"loans.csv,2,3500.50,{'0' * 64}"), f"line 3: loans.csv should have sha256 {'0' * 64}, but has "),
        (control(loans=""), "loans.csv was delivered but is not listed"),
        (control(charges="charges.csv,0,0,"), "charges.csv is listed but was not delivered"),
        (control(loans="", charges="charges.csv,0,0,"), "charges.csv is listed but was not delivered; loans.csv was delivered but is not listed"),
        (control(loans="loans.csv,,,"), "line 3, rows: '' is no number of rows"),
        (control(loans="loans.csv,two,,"), "line 3, rows: 'two' is no number of rows"),
        (control(loans="loans.csv,2,lots,"), "line 3, amount_total: 'lots' is no amount"),
        (control(loans="loans.csv,2,NaN,"), "line 3, amount_total: 'NaN' is no amount"),
        (control(again="loans.csv,2,,"), "line 6: loans.csv is listed twice"),
        (control(header="name,rows,amount_total,sha256"), "line 1: the column file is missing. Needed: file, rows; optional: amount_total, sha256"),
        ("", "line 1: the column file and rows is missing"),
    ],
)  # fmt: skip
def test_a_control_file_that_disagrees(lender: Lender, text: str, said: str) -> None:
    lender.deliver(files={"delivery.csv": text})
    message = lender.refuse()
    assert f"control file {lender.landing / FIRST / 'delivery.csv'}" in message
    assert said in message
    assert "Nothing was loaded" in message


def test_a_control_file_that_is_no_text(lender: Lender) -> None:
    lender.deliver(files={"delivery.csv": b"file,rows\n\xff\xff,1\n"})
    assert "not readable as CSV in UTF-8" in lender.refuse()


def test_what_cannot_be_typed_counts_0_in_the_control_total(lender: Lender) -> None:
    repayments = BOOK["repayments"] + "R3,L1,2026-02-06,1.239\nR4,L1,2026-02-06,-5.00\n"
    lender.deliver(
        repayments=repayments,
        files={"delivery.csv": control(repayments="repayments.csv,4,495.25,")},
    )
    assert lender.take().counts("repayments.csv") == (4, 0, 2, 0, 2)


def test_a_control_file_that_the_policy_requires(lender: Lender) -> None:
    policy = with_settings(lender.policy, control_file_required="true")
    folder = lender.deliver()
    message = lender.refuse(policy=policy)
    assert "delivery.csv is missing, and the policy setting control_file_required is true" in message
    (folder / "delivery.csv").write_text(control())
    lender.take(policy=policy)


def test_a_refused_delivery_leaves_the_earlier_ones_as_they_were(known: Lender) -> None:
    known.load(SECOND, loans=BOOK["loans"].replace("1000.00", "1200.00"))
    known.deliver(THIRD, repayments=b"\xff\xff\xff")
    known.refuse(THIRD)  # compares every byte under raw/ before and after
    assert [d.name for d in known.home.loaded()] == [FIRST, SECOND]


def test_a_delivery_dated_after_tomorrow_is_loaded_only_if_it_is_meant(known: Lender) -> None:
    tomorrow = str(today() + timedelta(days=1))
    later = str(today() + timedelta(days=2))
    known.load(tomorrow)
    known.deliver("2062-03-31")
    known.deliver(later)
    message = known.refuse("2062-03-31")
    assert message.startswith(f"Delivery {later}: it is dated after tomorrow ({tomorrow})")
    assert "--future" in message
    assert find_new_deliveries(known.landing, known.home, Delivery.parse(tomorrow)) == []
    found = find_new_deliveries(known.landing, known.home, future=True)
    assert [d.name for d in found] == [later, "2062-03-31"]


def test_a_withdrawn_delivery_stands_in_nobodys_way(known: Lender) -> None:
    """A slip in a folder's date: withdrawn, and the deliveries of earlier dates come in again."""
    known.deliver("2062-03-31")
    (wrong,) = find_new_deliveries(known.landing, known.home, future=True)
    commit(known.home, prepare(known.landing, known.home, wrong, known.policy))
    known.deliver(SECOND)
    message = known.refuse(SECOND)
    assert "it sorts before 2062-03-31" in message
    assert "arrears withdraw 2062-03-31 --reason" in message
    withdraw_delivery(known.home.root, "2062-03-31", "the date is wrong", 0)
    taken = known.take(SECOND)
    assert [d.name for d in knowledge(known.home).deliveries] == [FIRST, SECOND]
    assert taken.record["delivery"] == SECOND
    # a later withdrawal is in force from there on, not from 2062 on
    withdraw_delivery(known.home.root, SECOND, "a wrong file", 0)
    assert known.home.withdrawals()[-1].after.name == SECOND
    known.deliver(THIRD)
    commit(known.home, prepare(known.landing, known.home, Delivery.parse(THIRD), known.policy))
    assert [d.name for d in knowledge(known.home, Delivery.parse(THIRD)).deliveries] == [FIRST, THIRD]
