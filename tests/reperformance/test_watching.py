"""The watchlist and the case files against the independent recomputation, on a nasty random book with statements,
underwriting and contacts; figures lie on their thresholds and days on the first day of arrears more often than not."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support import build_at, differences, load, new_home, rows_of

from flows.evidence import recompute
from flows.policy import read_policy
from reperformance import collecting, conduct, portfolio, strategies, watching
from reperformance.landing import Notices
from reperformance.telephoning import EDGES, TEXTS, ZONES
from reperformance.test_portfolio import quarantined, with_advances

LOANS = 300
SEED = 41
LONG_AGO = date(2025, 3, 1)
AS_OF, MONTH_END_BEFORE = date(2026, 4, 20), date(2026, 3, 31)
PERIODS = [date(2024, 12, 31), date(2025, 3, 31), date(2025, 12, 31), date(2026, 3, 31), date(2026, 6, 30)]
VALUED_ON = [date(2025, 10, 1), date(2026, 1, 15), AS_OF, date(2026, 4, 21)]
SIGNED = ("revenue", "net_profit", "operating_cash_flow", "current_assets")
SIGNED += ("current_liabilities", "total_assets", "total_liabilities")
AMOUNTS = ("0.00", "80.00", "90.00", "100.00", "100.01", "-0.01", "-9999999999999999.99", "9999999999999999.99", None)


def files_of(ledgers: recompute.Ledgers, days_late: Mapping[str, int]) -> recompute.Ledgers:
    """Statements and underwriting, corrected later at times, and contacts around the day on which a customer's arrears began.

    Its collateral's valuations are put into the book."""
    dice = random.Random(SEED)
    deliveries = sorted({row["_delivery"] for rows in ledgers.values() for row in rows})
    made: recompute.Ledgers = {"financials": [], "underwriting": [], "contact_attempts": []}

    def deliver(ledger: str, row: dict[str, Any]) -> None:
        made[ledger].append(row | {"_delivery": dice.choice(deliveries)})

    ledgers["collateral"] = []
    loans: dict[str, list[str]] = defaultdict(list)
    for loan_id, customer in {row["loan_id"]: row["customer_id"] for row in ledgers["loans"]}.items():
        loans[customer].append(loan_id)
        for _ in range(dice.choice((0, 1, 1, 2))):
            row = {"loan_id": loan_id, "decided_on": dice.choice((None, date(2025, 9, 1), AS_OF, date(2026, 4, 21)))}
            row |= {flag: dice.choice((True, False, None)) for flag in ("income_verified", "site_visit")}
            row["debt_to_income"] = dice.choice((None, Decimal("0.5"), Decimal("0.500001"), Decimal("2.25")))
            deliver("underwriting", row | {"policy_exceptions": dice.choice((None, 0, 1, 12))})
        valued = {"collateral_id": f"K-{loan_id}", "loan_id": loan_id, "_delivery": deliveries[0]}
        for valued_on in sorted(dice.sample(VALUED_ON, dice.choice((0, 1, 2, 3)))):
            amount = Decimal(dice.choice(("0.00", "81.00", "90.00", "90.01", "100.00")))
            currency = dice.choice((None, None, "CNY", "USD"))
            ledgers["collateral"].append(valued | {"valued_on": valued_on, "value": amount, "currency": currency})
    for customer in sorted({row["customer_id"] for row in ledgers["customers"]}):
        for ended in sorted(dice.sample(PERIODS, dice.choice((0, 1, 2, 4, 5)))):
            for _ in range(dice.choice((1, 1, 2))):
                amounts = {column: dice.choice(AMOUNTS) for column in SIGNED}
                amounts = {column: text and Decimal(text) for column, text in amounts.items()}
                deliver("financials", {"customer_id": customer, "period_end": ended} | amounts)
        means = dice.choice((["phone"], ["sms"], ["phone", "sms", "visit"]))
        outcomes = dice.choice((["no_answer", "invalid"], ["no_answer", "invalid", "promised", "reached"]))
        for _ in range(dice.choice((0, 3, 4, 12))):
            since_due = days_late.get(customer, 10) + dice.choice((1, 0, -1, -2, -30))
            day = AS_OF - timedelta(days=dice.choice((since_due, 180, 181, dice.randint(-1, 70), dice.randint(0, 220))))
            at = datetime.combine(day, time()) + timedelta(minutes=dice.choice((*EDGES, dice.randrange(1440))))
            outcome = dice.choice(outcomes)
            promised = outcome == "promised"
            row = {
                "attempt_id": f"A{len(made['contact_attempts']) * 7919 % 100_003:05d}",
                "customer_id": customer,
                "loan_id": dice.choice((*loans[customer], None)),
                "attempted_at": at,
                "initiated_by": dice.choice(("lender", "lender", "lender", "customer", None)),
                "channel": dice.choice(means),
                "party": dice.choice(("debtor", "debtor", "debtor", "contact", None)),
                "outcome": outcome,
                "recorded": dice.choice((True, True, True, False)),
                "promised_on": day + timedelta(days=dice.choice((0, 1, 20))) if promised else None,
                "promised_amount": dice.choice((None, Decimal("0.01"), Decimal("99.00"))) if promised else None,
                "message_text": dice.choice(TEXTS),
            }
            absent = ("agency_id", "contact_point_id", "stop_requested", "debt_disclosed")
            deliver("contact_attempts", row | dict.fromkeys(absent))
    keys = {"financials": ("customer_id", "period_end"), "underwriting": ("loan_id",)}
    for ledger, key in keys.items():  # in one delivery a key stands once
        made[ledger] = list(
            {(row["_delivery"], *(row[column] for column in key)): row for row in made[ledger]}.values()
        )
    return made


def write(folder: Path, files: recompute.Ledgers) -> None:
    for ledger, rows in files.items():
        by_delivery: dict[recompute.Delivery, list[recompute.Row]] = defaultdict(list)
        for row in rows:
            by_delivery[row["_delivery"]].append(row)
        for delivery, some in by_delivery.items():
            path = folder / strategies.folder_name(delivery) / f"{ledger}.csv"
            with open(path, "w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, [name for name in some[0] if name != "_delivery"], extrasaction="ignore")
                writer.writeheader()
                for row in some:
                    is_timed = "attempted_at" in row
                    writer.writerow(row | {"attempted_at": f"{row['attempted_at']}+00:00"} if is_timed else row)


def debtors_of(
    ledgers: recompute.Ledgers, files: recompute.Ledgers, loans: dict, advances: dict, classes: list[recompute.Row]
) -> dict[str, watching.Debtor]:
    seeds, calendar, rows = read_policy().seeds, Notices(), recompute.known(ledgers)
    histories = recompute.versions(ledgers, "customers")
    found = {
        customer: watching.Debtor(recompute.attribute(history, "segment", AS_OF, lag_days=1))
        for (customer,), history in histories.items()
    }
    for (customer, _), items in portfolio.book(loans, advances).items():
        found[customer].items += items
    for row in classes:
        found[row["customer_id"]].classes[row["item_type"], row["item_id"]] = row["risk_class"]
    for loan_id, row in recompute.loan_aging(ledgers, MONTH_END_BEFORE, calendar=calendar).items():
        if not row["is_written_off"]:
            found[row["customer_id"]].stages_before[loan_id] = row["m_stage"]
    owners = {row["loan_id"]: row["customer_id"] for row in rows["loans"]}
    for row, stretches, judged_on in watching.of_loans(ledgers, AS_OF, calendar):
        found[row["customer_id"]].stretches[row["loan_id"]] = stretches
        found[row["customer_id"]].judged_on[row["loan_id"]] = judged_on
    for row in rows["collateral"]:
        found[owners[row["loan_id"]]].valuations.append(row)
    newest = sorted(files["financials"], key=lambda row: row["_delivery"])
    for row in {(row["customer_id"], row["period_end"]): row for row in newest}.values():
        found[row["customer_id"]].statements.append(row)
    for row in sorted(files["underwriting"], key=lambda row: row["_delivery"]):
        found[owners[row["loan_id"]]].underwriting[row["loan_id"]] = row

    for loan_id, row in portfolio.collateral_shortfall(ledgers, AS_OF, loans).items():
        found[owners[loan_id]].secured[loan_id] = row
    advanced = {row["advance_id"]: row["customer_id"] for row in rows["advances"]}
    for item, days in portfolio.cash_by_item(rows, AS_OF).items():
        found[(owners | advanced)[item]].paid[item] = days
    for (loan_id,), history in recompute.versions(ledgers, "loans").items():
        purpose = recompute.attribute(history, "purpose", AS_OF, lag_days=1)
        found[owners[loan_id]].purposes[loan_id] = purpose

    attempts, lost_rules = files["contact_attempts"], seeds["lost_contact_rule"].rows
    zones = {row["customer_id"]: row["time_zone"] for row in rows["customers"]}
    segments = {customer: debtor.segment for customer, debtor in found.items()}
    contacts = collecting.read_contacts(attempts, zones, {}, AS_OF)
    for customer, mine in contacts.items():
        found[customer].contacts = mine
        found[customer].lost_since = collecting.lost_contact(mine, lost_rules).since
    for attempt, promise in collecting.promises(contacts, ledgers, AS_OF).items():
        found[promise["customer_id"]].promises[attempt] = promise
        if promise["status"] == "broken":
            found[promise["customer_id"]].broken_promises.append((attempt, promise))
    rules = [row for row in seeds["collection_rule"].rows if row["jurisdiction"] == "CN"]
    about = (rules, lost_rules, seeds["collection_wording"].rows, seeds["collection_agency"].rows)
    customers = {row["attempt_id"]: row["customer_id"] for row in attempts}
    for (attempt, rule), (status, _) in conduct.breaches(attempts, zones, segments, {}, set(), *about, AS_OF).items():
        if status == "breach":
            found[customers[attempt]].breaches.add(attempt)
            found[customers[attempt]].broken_rules.append((attempt, rule))
    return found


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("watched")
    ledgers = with_advances(strategies.random_ledgers(SEED, LOANS), SEED)
    for n, row in enumerate(
        [row for row in ledgers["advances"] if row["currency"] == "CNY"][:3]
    ):  # doubtful, or lost, by their days
        old = {
            "advance_id": f"OLD-{n}",
            "kind": "guarantee",
            "advanced_on": LONG_AGO,
            "due_on": None,
            "written_off_on": None,
        }
        ledgers["advances"].append(row | old)
    dice = random.Random(SEED)
    zones = {row["customer_id"]: dice.choice(ZONES) for row in ledgers["customers"]}
    for row in ledgers["customers"]:
        row["time_zone"] = zones[row["customer_id"]]
    for row in ledgers["products"]:
        row["asset_class"] = "loan"
    apart = random.Random(SEED)
    for row in ledgers["loans"]:
        row["purpose"] = apart.choice(("经营周转", "装修", None))
    loans = recompute.loan_aging(ledgers, AS_OF, calendar=Notices())
    advances = portfolio.advance_aging(ledgers, AS_OF, Notices())
    days_late: dict[str, int] = defaultdict(int)
    for (customer, _), items in portfolio.book(loans, advances).items():
        days_late[customer] = max(days_late[customer], *(item.days for item in items))
    files = files_of(ledgers, days_late)
    (folder / "landing").mkdir()
    strategies.write_landing(ledgers, folder / "landing")
    write(folder / "landing", files)
    home = new_home(folder / "home")
    load(folder / "landing", home)
    assert quarantined(home.raw) == 0
    built = build_at(home, AS_OF, marts=("watchlist", "case_files", "risk_classification", "overdue_customers"))
    classes = rows_of(built.database, "select * from marts.risk_classification")
    return built.database, debtors_of(ledgers, files, loans, advances, classes)


def seeds() -> dict[str, list[dict[str, Any]]]:
    return {name: seed.rows for name, seed in read_policy().seeds.items()}


def mart(database: Path, name: str) -> dict[str, dict[str, Any]]:
    return {row["customer_id"]: row for row in rows_of(database, f"select * from marts.{name}")}


def test_every_signal_of_every_customer_agrees(watched) -> None:
    database, debtors = watched
    theirs = watching.watchlist(debtors, seeds(), AS_OF)
    assert differences(mart(database, "watchlist"), theirs)[:20] == []
    assert {one for row in theirs.values() for one in row["signals"].split(", ")} == {
        row["signal_id"] for row in seeds()["watch_signal"]
    }
    assert {row["severity"] for row in theirs.values()} == {"high", "medium", "low"}


def test_severity_and_measures_follow_class_days_and_signals(watched) -> None:
    """A doubtful item is high; beyond 90 days legal action is considered, without arrears never."""
    database, debtors = watched
    listed = mart(database, "watchlist")
    doubtful, sued, current = 0, 0, 0
    for customer, debtor in debtors.items():
        days = max((item.days for item in debtor.items), default=0)
        measures = listed.get(customer, {"measures": ""})["measures"].split(", ")
        assert ("legal_action" in measures) == (days > 90), (customer, days, measures)
        if days > 90:
            sued += 1
            if max(debtor.classes.values()) >= 4:
                doubtful += 1
                assert listed[customer]["severity"] == "high", customer
        elif days == 0 and customer in listed:
            current += 1
    assert doubtful
    assert sued
    assert current


def test_a_loss_of_years_is_high_and_a_month_late_is_not() -> None:
    """637 days and class 5 on the one hand, 33 days and a roll forward on the other."""
    points = {row["signal_id"]: int(row["points"]) for row in seeds()["watch_signal"]}
    high = next(int(row["lower_points"]) for row in seeds()["watch_severity"] if row["severity"] == "high")
    loss = ("overdue_over_30", "overdue_over_90", "non_performing", "doubtful_or_loss")
    assert sum(points[signal] for signal in loss) >= high
    assert points["overdue_over_30"] + points["rolling_forward"] < high


def test_every_cause_of_every_case_agrees(watched) -> None:
    database, debtors = watched
    theirs = watching.case_files(debtors, seeds(), AS_OF)
    assert differences(mart(database, "case_files"), theirs)[:20] == []
    # in a book this nasty no arrears are without a cause: a_cause_is_a_metric_beyond_its_threshold has some
    assert {one for row in theirs.values() for one in row["causes"].split(", ") if one} >= {
        row["cause_id"] for row in seeds()["case_cause"] if row["metric"] != "days_unexplained"
    }
    for row in theirs.values():
        assert row["causes"], row
        assert row["measures"], row
    sizes = " ".join(row["measures_sized_en"] for row in theirs.values())
    assert " a month for " in sizes
    assert "carry no plan" in sizes
    assert {one for row in theirs.values() for one in row["unanswered"].split(", ") if one} == set(watching.UNANSWERED)
    assert any(row["promises_kept"] for row in theirs.values())
    assert any(row["breaches"] for row in theirs.values())


def test_types_of_customers_take_their_causes_from_the_case(watched) -> None:
    database, debtors = watched
    theirs = watching.case_files(debtors, seeds(), AS_OF)
    rows = rows_of(database, "select customer_id, likely_causes, likely_causes_en from marts.overdue_customers")
    assert {row["customer_id"] for row in rows} == set(theirs)
    for row in rows:
        case = theirs[row["customer_id"]]
        assert row["likely_causes"] == case["causes"]
        assert row["likely_causes_en"].split("; ") == case["causes_en"].split(", ")
