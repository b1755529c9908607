"""What peers assert of days past due, arrears and buckets, against the marts: every case agrees or is argued.

All cases are landed as one lender's ledgers, each under its own convention, and built at all their dates in one pass.
The conventions, the disagreements and why we do it our way: docs/decisions/0014-peers.md.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from reperformance.strategies import write_landing
from support import backfill_at, build_at, load, new_home, rows_of

from conformance import peers
from flows.policy import PROJECT, Policy, read_policy

Row = dict[str, Any]

STORED = (
    "the peer's nightly job writes the bucket and skips paused loans; ours is that of the days the peer itself shows"
)
# case: what is asserted there, differs from ours, and why. Nothing else may differ, and these must.
ARGUED: dict[str, dict[str, str]] = {
    **{
        f"peer-{number}": {"stored_bucket": STORED}
        for number in ("027", "029", "035", "037", "038", "040", "041", "048")
    },
    "peer-137": {"vintage_flag_M1_plus": "30 days or more there; the contract's 30+ is more than 30 days"},
    "peer-140": {"account_state": "in arrears on the last day of tolerance there; ours are delinquent the day after"},
    "peer-144": {"peer_output": "a peer's defect, no days in the first cycle; we agree with what the case expects"},
    "peer-147": {"peer_output": "a peer's defect, no row past maturity; we agree with what the case expects"},
}

# Each obligation's unpaid amount by its own age: less paused days as the loan's, grace being the loan's alone.
BY_BUCKET = """
    select rungs.loan_id, buckets.bucket, sum(rungs.unpaid) as amount
    from intermediate.int_aging__rungs_at as rungs
    join intermediate.int_aging__loans_at as loans
        on loans.loan_id = rungs.loan_id and loans.as_of = (select as_of from raw.run)
    left join intermediate.int_aging__paused_at as paused
        on paused.loan_id = loans.loan_id and paused.as_of = loans.as_of
    join policy.bucket_scheme as buckets
        on buckets.scheme = loans.loan_id
        and greatest(0, loans.as_of - rungs.rolled_on - coalesce(paused.paused_days, 0))
            between greatest(1, buckets.lower_days) and coalesce(buckets.upper_days, 99999)
    where rungs.unpaid > 0 and rungs.rolled_on < loans.as_of
    group by all
"""

# Months as United States mortgages count them (conventions MBA and OTS): full months from the oldest unpaid due date
# to the as-of date, MBA reaching each a day early.
MONTHS = """
    select
        *,
        (select count(*) from range(1, 1200) as n(n) where as_of >= oldest_unpaid_due_on + to_months(n::int) - interval 1 day)
            as mba_months_delinquent,
        (select count(*) from range(1, 1200) as n(n) where as_of >= oldest_unpaid_due_on + to_months(n::int))
            as ots_months_delinquent
    from marts.loan_aging
"""


def policy_with(folder: Path, cases: list[peers.Case], **settings: str) -> Policy:
    """The shipped policy, with a bucket scheme for each case, named after it."""
    folder.mkdir(parents=True)
    with open(PROJECT / "seeds" / "policy" / "bucket_scheme.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for case in cases:
        for order, (bucket, lower, upper) in enumerate(peers.scheme_of(case)):
            edges = {"lower_days": lower, "upper_days": "" if upper is None else upper}
            labels = {"label_zh": bucket, "label_en": bucket, "evidence": "V", "citation": case["id"]}
            counted = {"bucket_order": order, "day_count": "exclude_due_date"}
            rows.append({"scheme": case["id"], "bucket": bucket} | edges | counted | labels)
    write_csv(folder / "bucket_scheme.csv", rows)
    write_csv(folder / "policy.csv", [{"setting": name, "value": value} for name, value in settings.items()])
    return read_policy(folder)


def write_csv(path: Path, rows: list[Row]) -> None:
    if rows:
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, date], Row]:
    """marts.loan_aging by case and date, with amounts by bucket and months."""
    folder, cases = tmp_path_factory.mktemp("peers"), peers.cases()
    landing = folder / "landing"
    write_landing(peers.together(cases), landing)
    home, policy = new_home(folder / "home"), policy_with(folder / "policy", cases)
    load(landing, home, policy)
    dates = sorted({date.fromisoformat(case["as_of"]) for case in cases})
    database = backfill_at(home, dates, policy, marts=("loan_aging", "int_aging__rungs_at")).database
    found = {(row["loan_id"], row["as_of"]): row | {"by_bucket": {}} for row in rows_of(database, MONTHS)}
    with duckdb.connect(str(database)) as connection:
        for day in dates:
            connection.execute("update raw.run set as_of = ?", [day])  # the clock of the view over obligations
            for loan, bucket, amount in connection.execute(BY_BUCKET).fetchall():
                found[loan, day]["by_bucket"][bucket] = str(amount)
    return found


# What a peer calls a figure, and how it reads from ours.
READINGS: dict[str, Callable[[Row, peers.Case], Any]] = {
    "days_past_due": lambda row, case: row["days_past_due"],
    "delinquent_days": lambda row, case: row["delinquent_days"],
    "overdue_since": lambda row, case: row["oldest_unpaid_due_on"] and row["oldest_unpaid_due_on"].isoformat(),
    "overdue_amount": lambda row, case: str(row["overdue_amount"]),
    "overdue_loan_balance": lambda row, case: str(row["overdue_balance"]),
    "bucket": lambda row, case: row["bucket"],
    "stored_bucket": lambda row, case: row["bucket"],
    "recomputed_bucket": lambda row, case: row["bucket"],
    "delinquent_date": lambda row, case: (
        (row["oldest_unpaid_due_on"] + timedelta(days=case["convention"]["grace_days"])).isoformat()
        if row["oldest_unpaid_due_on"]
        else None
    ),
    "by_bucket": lambda row, case: row["by_bucket"],
    "by_bucket_with_pause": lambda row, case: row["by_bucket"],
    "mba_months_delinquent": lambda row, case: row["mba_months_delinquent"],
    "ots_months_delinquent": lambda row, case: row["ots_months_delinquent"],
    "peer_output": lambda row, case: row["days_past_due"],
    "loan_present_in_snapshot": lambda row, case: True,
    "account_state": lambda row, case: "In Arrears" if row["delinquent_days"] else "Active",
    "vintage_flag_M1_plus": lambda row, case: row["days_past_due"] > 30,
}
CLASSES = {"is_npa", "customer_is_npa", "classification"}  # judged below


@pytest.mark.parametrize("case", peers.parameters())
def test_case(case: peers.Case, figures: dict[tuple[str, date], Row]) -> None:
    row = figures[case["id"], date.fromisoformat(case["as_of"])]
    expected = case["computed"] | {name: value for name, value in case["expected"].items() if name not in CLASSES}
    ours = {name: READINGS[name](row, case) for name in expected}
    differs = {name: f"{expected[name]} and ours {ours[name]}" for name in expected if ours[name] != expected[name]}
    assert differs.keys() == ARGUED.get(case["id"], {}).keys() - CLASSES, differs


# Classes are those of one night: regime, cases that are one customer's book, and the class each comes to.
NIGHTS = [
    ("IN", ["peer-108", "peer-109"]),  # the second loan is pulled by the first
    ("IN", ["peer-110", "peer-109"]),  # the first is paid up, the second is not: neither is cured
    ("CN_2007", ["peer-136"]),
]


@pytest.mark.parametrize(("regime", "book"), NIGHTS, ids=["contagion", "cure", "five classes"])
def test_classes(regime: str, book: list[str], tmp_path: Path) -> None:
    cases = [case for case in peers.cases() if case["id"] in book]
    if not cases:
        pytest.skip(peers.ABSENT)
    write_landing(peers.together(cases), tmp_path / "landing")
    home, policy = new_home(tmp_path / "home"), policy_with(tmp_path / "policy", cases, risk_regime=regime)
    load(tmp_path / "landing", home, policy)
    built = build_at(home, date.fromisoformat(cases[0]["as_of"]), policy, marts=("risk_classification",))
    query = "from marts.risk_classification join policy.risk_class using (risk_class)"
    found = {row["item_id"]: row for row in rows_of(built.database, query)}
    customer_is_npa = any(row["is_non_performing"] for row in found.values())
    for case in cases:
        row = found[case["id"]]
        ours = {
            "is_npa": row["is_non_performing"],
            "customer_is_npa": customer_is_npa,
            "classification": row["label_zh"],
        }
        expected = {name: value for name, value in case["expected"].items() if name in CLASSES}
        differs = {name for name in expected if ours[name] != expected[name]}
        assert expected
        assert differs == ARGUED.get(case["id"], {}).keys() & CLASSES, f"{case['id']}: {expected}, ours {ours}"
