"""A delivery that its gate refuses: what the run says, and what `arrears quarantine` lists until it comes again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bad_input.lender import BOOK, FIRST, Lender

from flows import validate
from flows.errors import UsageError, ValidationFailed
from flows.home import Delivery
from flows.land import commit, prepare
from flows.quarantine import list_quarantine

TOTALS = BOOK["loans"] + "合计,,,,3500.50,\n"


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lender, ValidationFailed]:
    lender = Lender(tmp_path_factory.mktemp("refused"))
    lender.deliver(
        loans=TOTALS, repayments=BOOK["repayments"] + "".join(f"R{n},L9,2026-02-05,1\n" for n in range(3, 9))
    )
    prepared = prepare(lender.landing, lender.home, Delivery.parse(FIRST), lender.policy)
    with pytest.raises(ValidationFailed) as caught:
        validate.check_landing(lender.home, "run", prepared)
    return lender, caught.value


def test_the_run_shows_file_line_reason_value_and_what_is_allowed(refused: tuple[Lender, ValidationFailed]) -> None:
    message = str(refused[1])
    assert "loans.csv, line 4: currency is missing. Allowed: an ISO 4217 code in force" in message
    assert "`where: {loan_id: {not: [合计]}}` in mapping.yml leaves it out." in message
    assert "repayments.csv, line 4: loan_id 'L9' names a key that was never delivered" in message
    assert "… and 3 more rows like these" in message
    assert message.index("loans.csv, line 4") < message.index("repayments.csv, line 4"), (
        "what lacks its parent comes last"
    )
    assert f"arrears quarantine --home {refused[0].home.root} --delivery {FIRST}" in message


def test_json_carries_the_rows(refused: tuple[Lender, ValidationFailed]) -> None:
    rows = json.loads(json.dumps(refused[1].details["quarantine"]))
    assert [(r["file"], r["line"], r["alike"]) for r in rows] == [
        ("loans.csv", 4, 1),
        *[("repayments.csv", line, 6) for line in (4, 5, 6)],
    ]
    assert rows[0]["hints"]


def test_the_quarantine_lists_them_until_the_delivery_comes_again(refused: tuple[Lender, ValidationFailed]) -> None:
    lender, _ = refused
    listed = list_quarantine(lender.home.root, None, FIRST, False, 50)
    assert listed["total"] == 7
    assert {entry["closed_how"] for entry in listed["entries"]} == {"refused"}
    assert "7 of them of a delivery that was refused as a whole" in listed["_text"]

    (lender.landing / FIRST / "loans.csv").write_text(BOOK["loans"])
    (lender.landing / FIRST / "repayments.csv").write_text(BOOK["repayments"])
    commit(lender.home, prepare(lender.landing, lender.home, Delivery.parse(FIRST), lender.policy))
    assert list_quarantine(lender.home.root, None, None, False, 50)["total"] == 0


def test_what_only_looks_makes_no_home(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such folder, so nothing was ever loaded there"):
        list_quarantine(tmp_path / "never", None, None, False, 50)
    assert not (tmp_path / "never").exists()
