"""What was so on an earlier day stays so, whatever a later version of a master row says (decision 0016)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from support import build_at, load, new_home, publish_at, rows_of

from flows.home import Home

JUNE, JULY = date(2026, 6, 30), date(2026, 7, 31)
LOANS = "loan_id,customer_id,disbursed_on,matures_on,principal,currency,credit_impaired\n"


def deliver(landing: Path, name: str, loans: str, **ledgers: str) -> None:
    folder = landing / name
    folder.mkdir(parents=True)
    files = {"loans": LOANS + loans, "repayments": "repayment_id,loan_id,paid_on,amount\n", **ledgers}
    for ledger, text in files.items():
        (folder / f"{ledger}.csv").write_text(text, "utf-8")


def overdue_rates(home: Home, as_of: date) -> dict[date, Decimal]:
    built = build_at(home, as_of, marts=("aging_trend",))
    query = "select distinct as_of, overdue_rate from marts.aging_trend where as_of >= date '2026-03-01' and currency = 'CNY'"
    return {row["as_of"]: row["overdue_rate"] for row in rows_of(built.database, query)}


def test_a_maturity_moved_later_takes_no_days_away(tmp_path: Path) -> None:
    """LATE, 1000.00 without installments, is 121 days late at the end of June; on 1 July its maturity moves to December."""
    landing, home = tmp_path / "landing", new_home(tmp_path / "home")
    deliver(
        landing,
        "2026-06-30",
        "LATE,C-1,2026-01-05,2026-03-01,1000.00,CNY,\nGOOD,C-2,2026-01-05,2027-03-01,100.00,CNY,\n",
        customers="customer_id,segment\nC-1,personal\nC-2,personal\n",
        installments="loan_id,installment_no,due_on,principal_due\n",
    )
    load(landing, home)
    said_in_june = overdue_rates(home, JUNE)
    assert said_in_june[JUNE] == Decimal("0.909091")
    publish_at(home, JUNE, marts=("loan_aging", "restatements"))
    deliver(landing, "2026-07-01", "LATE,C-1,2026-01-05,2026-12-31,1000.00,CNY,\n")
    deliver(landing, "2026-07-31", "")
    load(landing, home)
    said_in_july = overdue_rates(home, JULY)
    assert {day: said_in_july[day] for day in said_in_june} == said_in_june
    assert said_in_july[JULY] == 0

    built = build_at(home, JULY, marts=("loan_aging", "watchlist", "restatements", "risk_classification"))
    (row,) = rows_of(built.database, "select * from marts.loan_aging where loan_id = 'LATE'")
    assert (row["days_past_due"], row["overdue_amount"], row["matures_on"]) == (0, 0, date(2026, 12, 31))
    assert (row["first_overdue_on"], row["max_days_past_due"]) == (date(2026, 3, 2), 121)
    assert (row["days_before_plan"], row["plan_effective_on"]) == (121, date(2026, 7, 1))
    assert rows_of(built.database, "select * from marts.restatements") == []
    (watched,) = rows_of(built.database, "select * from marts.watchlist")
    assert watched["customer_id"] == "C-1"
    assert "re_aged" in watched["signals"]
    assert "121 days past due before the plan or extension of 2026-07-01" in watched["evidence"]

    on_the_evening = build_at(home, JUNE, marts=("loan_aging",))
    (row,) = rows_of(on_the_evening.database, "select * from marts.loan_aging where loan_id = 'LATE'")
    assert (row["days_past_due"], row["days_before_plan"], row["matures_on"]) == (121, None, date(2026, 3, 1))


def test_a_flag_does_not_hold_before_it_was_delivered(tmp_path: Path) -> None:
    """A corporate book of 1000.00, of which 100.00 is delivered on 31 July as impaired: that is no news of June."""
    landing, home = tmp_path / "landing", new_home(tmp_path / "home")
    deliver(
        landing,
        "2026-07-31",
        "BAD,C-1,2026-01-05,2027-03-01,100.00,CNY,true\nGOOD,C-2,2026-01-05,2027-03-01,900.00,CNY,\n",
        customers="customer_id,segment\nC-1,corporate\nC-2,corporate\n",
        installments="loan_id,installment_no,due_on,principal_due\n",
    )
    load(landing, home)
    built = build_at(home, JULY, marts=("aging_trend", "risk_classification"))
    query = (
        "select distinct as_of, npl_rate from marts.aging_trend where as_of >= date '2026-05-31' and currency = 'CNY'"
    )
    rates = {row["as_of"]: row["npl_rate"] for row in rows_of(built.database, query)}
    assert rates == {date(2026, 5, 31): 0, JUNE: 0, JULY: Decimal("0.1")}
    classes = rows_of(
        built.database, "select item_id, risk_class, previous_class from marts.risk_classification order by 1"
    )
    assert [tuple(row.values()) for row in classes] == [("BAD", 3, 1), ("GOOD", 1, 1)]
