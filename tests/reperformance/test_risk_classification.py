"""`risk_classification` of loans and advances under every regime against the independent recomputation, on nasty random books.

The books live ten months, so terms of cure and observation are cut to months: every state is entered and left. A regime is one
row of the run and models read it there, so that of one build only the models of classification are run again for each regime.
"""

from __future__ import annotations

import csv
import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from support import FULL, build_at, differences, load, new_home, queries_of, rows_of, sized

from flows.build import Built
from flows.evidence import classes, lives, recompute
from flows.policy import Policy, read_policy
from reperformance import risk, strategies
from reperformance.landing import Notices, read_landing
from reperformance.test_portfolio import with_advances

LOANS = sized(200, 2000, "ARREARS_LOANS")
DATES = [date(2026, 4, 30), date(2026, 6, 30)]
LONGEST_MONTHS, LONGEST_PERIODS = 2, 1


def short_terms(folder: Path) -> Policy:
    shipped = read_policy().seeds["risk_treatment"].rows
    longest = {"months": LONGEST_MONTHS, "periods": LONGEST_PERIODS}
    folder.mkdir()
    with open(folder / "risk_treatment.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, shipped[0])
        writer.writeheader()
        for row in shipped:
            terms = {
                f"{what}_{unit}": min(int(row[f"{what}_{unit}"]), most)
                for what in ("cure", "observation")
                for unit, most in longest.items()
            }
            writer.writerow(row | terms)
    return read_policy(folder)


def risky(seed: int) -> recompute.Ledgers:
    """A nasty book of few debtors with many claims, some impaired for a while, on products of each asset class."""
    ledgers = strategies.random_ledgers(seed, LOANS)
    choose = random.Random(seed)
    for product in ledgers["products"]:
        product["asset_class"] = choose.choice((None, "loan", "card", "small_business"))
    merged = {row["customer_id"]: choose.randrange(LOANS // 4) for row in ledgers["customers"]}
    first = {merged[row["customer_id"]]: row["customer_id"] for row in reversed(ledgers["customers"])}
    for loan in ledgers["loans"]:
        loan["customer_id"] = first[merged[loan["customer_id"]]]
        loan["credit_impaired"] = choose.random() < 0.04
    for loan in {row["loan_id"]: row for row in reversed(ledgers["loans"])}.values():
        if choose.random() < 0.8:  # payments fail for technical reasons since always
            paused = {
                "loan_id": loan["loan_id"],
                "from_on": loan["disbursed_on"] - timedelta(days=40),
                "reason": "technical",
            }
            ledgers["pauses"].append(paused | {"_delivery": loan["_delivery"]})
    euros = {row["loan_id"] for row in ledgers["loans"] if choose.random() < 0.2}
    for loan in ledgers["loans"]:
        loan["currency"] = "EUR" if loan["loan_id"] in euros else loan["currency"]
    with_advances(ledgers, seed)
    last = strategies.last_delivery(ledgers)
    ledgers["adjustments"] = []
    for n, loan_id in enumerate(
        sorted({row["loan_id"] for row in ledgers["loans"]})
    ):  # some twice, some cut short later
        for again in range(choose.choice((0, 0, 0, 1, 2))):
            begins = choose.choice(DATES) + timedelta(days=choose.randrange(-90, 5))
            row = {
                "adjustment_id": f"J{n}-{again}",
                "loan_id": loan_id,
                "risk_class": choose.randint(1, 5),
                "reason": "a test",
            }
            row |= {"prepared_by": "Wu", "approved_by": "Li", "valid_from": begins, "_delivery": last}
            ledgers["adjustments"].append(row | {"valid_until": begins + timedelta(days=choose.randrange(60))})
    for n, customer_id in enumerate(sorted(set(first.values()))):  # out of the book for a month: repaid, then reversed
        advance = {"advance_id": f"BACK{n}", "amount": Decimal(100), "_delivery": last}
        made = {"customer_id": customer_id, "kind": "other", "currency": "CNY", "advanced_on": date(2025, 12, 1)}
        ledgers["advances"].append(advance | made | {"due_on": date(2099, 1, 1)})
        paid_on = date(2026, 2, 1) + timedelta(days=choose.randrange(60))
        paid = advance | {"advance_repayment_id": f"BACK{n}P", "kind": "payment", "paid_on": paid_on}
        undone = {"advance_repayment_id": f"BACK{n}R", "kind": "reversal", "reverses_id": f"BACK{n}P"}
        ledgers["advance_repayments"] += [paid, paid | undone | {"paid_on": paid_on + timedelta(days=30)}]
    return ledgers


def classified(built: Built) -> Iterator[tuple[str, dict[tuple[str, str], dict[str, Any]]]]:
    """The mart under each regime: the compiled SQL of it and of the models of risk under it, in the order in which dbt ran them."""
    models = json.loads((built.dbt_target / "manifest.json").read_text("utf-8"))["nodes"]
    queries = queries_of(built)
    ran = [node for node in queries if node.startswith("model.")]
    needed = {"model.arrears.risk_classification"}
    for node in reversed(ran):
        if node in needed:
            needed |= {
                one
                for one in models[node]["depends_on"]["nodes"]
                if models.get(one, {}).get("fqn", [])[2:3] == ["risk"]
            }
    steps = []
    for model in (models[node] for node in ran if node in needed):
        kind = model["config"]["materialized"]
        steps.append(f"create or replace {kind} {model['schema']}.{model['name']} as {queries[model['unique_id']]}")
    for regime in risk.REGIMES:
        with duckdb.connect(str(built.database)) as connection:
            connection.execute("update raw.run set risk_regime = ?", [regime])
            for step in steps:
                connection.execute(step)
        rows = rows_of(built.database, "select * from marts.risk_classification")
        yield regime, {(row["item_type"], row["item_id"]): row for row in rows}


def test_every_class_of_every_loan_and_advance_agrees_under_every_regime(tmp_path: Path) -> None:
    policy, calendar = short_terms(tmp_path / "policy"), Notices()
    regimes = [risk.Regime(name, LONGEST_MONTHS, LONGEST_PERIODS) for name in risk.REGIMES]
    fired: Counter[tuple[str, str, str]] = Counter()
    for seed in (21, 22, 23, 24) if FULL else (21, 22):
        landing = tmp_path / f"landing{seed}"
        landing.mkdir()
        strategies.write_landing(risky(seed), landing)
        home = new_home(tmp_path / f"home{seed}")
        load(landing, home, policy)
        book = risk.Book(read_landing(landing), DATES[-1], calendar=calendar)
        theirs = {regime.name: book.classify(regime, DATES) for regime in regimes}
        if seed == 21:
            explained_agrees(book, read_landing(landing), policy, theirs)
        for day in DATES:
            built = build_at(home, day, policy, marts=("risk_classification",))
            for name, ours in classified(built):
                assert differences(ours, theirs[name][day])[:20] == [], f"{name}, {day}, seed {seed}"
                for (item_type, _), row in theirs[name][day].items():
                    fired.update((name, item_type, rule) for rule in row["rules_fired"].split(", "))
    assert expected_to_fire() <= fired.keys()


def explained_agrees(book: risk.Book, ledgers: recompute.Ledgers, policy: Policy, theirs: dict[str, Any]) -> None:
    """What `arrears explain` works a class out with, from the seeds: of every sixth debtor each day and each class is the same."""
    day, calendar, rows = DATES[-1], Notices(), recompute.known(ledgers)
    people = recompute.versions(ledgers, "customers")
    products, asset_classes = recompute.Products(rows["products"]), lives.AssetClasses(rows["products"])
    kinds = {row["kind"]: row for row in policy.seeds["advance_kind"].rows}
    some = set(sorted(book.debtors)[::6])
    items: dict[str, list[lives.Item]] = {debtor: [] for debtor in some}
    for loan in recompute.loan_files(rows, recompute.versions(ledgers, "loans")):
        if (debtor := loan.row["customer_id"]) in some:
            found = lives.life_of_loan(loan, people[(debtor,)], day, products, asset_classes, calendar, 1)
            items[debtor].append(found)
    for (advance_id,), history in recompute.versions(ledgers, "advances").items():
        if (debtor := history[-1]["customer_id"]) in some:
            money = [row for row in rows["advance_repayments"] if row["advance_id"] == advance_id]
            items[debtor].append(lives.life_of_advance(history, money, people[(debtor,)], day, kinds, 1))
    for debtor, mine in items.items():
        lived = {item.ident: item for item in book.debtors[debtor]}
        for item in mine:
            assert {d: vars_of(at) for d, at in item.days.items()} == {
                d: vars_of(at) for d, at in lived[item.ident].days.items()
            }
    seeds = {name: seed.rows for name, seed in policy.seeds.items()}
    rates = {risk_class: Decimal(per_cent).scaleb(-2) for risk_class, per_cent in risk.PROVISIONS.items()}
    for name in risk.REGIMES:
        rules = classes.Rules(seeds, name)
        for mine in items.values():
            debtor = classes.Debtor(mine, rules, rows["pauses"], day, [day])
            classified = classes.Classified(debtor, rows["adjustments"], rates, day)
            for n, item in enumerate(mine):
                if day in item.days:
                    ours, known = classified.row(n), theirs[name][day][item.ident]
                    assert {c: ours[c] for c in ours if c in known} == {c: known[c] for c in ours if c in known}, name


def vars_of(at: Any) -> tuple[Any, ...]:
    names = ("asset_class", "segment", "security", "includes_due_date", "unpaid_since", "days_after", "balance")
    return tuple(getattr(at, name) for name in (*names, "overdue", "is_impaired", "days_out"))


def expected_to_fire() -> set[tuple[str, str, str]]:
    """What a book of ten months can meet: every state of every regime, but for losses and doubtful ones after a year or more."""
    found = {
        ("CN", "loan", rule)
        for rule in ("CN23_SS_OWN10", "CN23_SM_CROSS", "CN23_RS_FIRST", "CN23_SS_IMPAIRED", "CN23_SM_TECH_EXC")
    }
    found |= {("CN", "advance", f"CN23_{rule}") for rule in ("SM_OVERDUE", "SS_DPD", "DB_DPD", "SS_OWN10", "SM_CROSS")}
    found |= {("CN_RCC", "advance", f"RCC06_ADV_{floor}") for floor in ("SM", "SS", "DB")}
    found |= {("CN_2007", "advance", "CN07_SM"), ("CN_2007", "loan", "CN07_DB_RS")}
    found |= {("IN", kind, f"RBI_{rule}") for kind in ("loan", "advance") for rule in ("SMA", "NPA", "BORROWER")}
    found |= {("US", "advance", f"US_{rule}") for rule in ("PAST_DUE", "SUBSTANDARD", "LOSS_CLOSED_END")}
    found |= {("EU", kind, f"EU_{rule}") for kind in ("loan", "advance") for rule in ("SICR", "DEFAULT", "PULLING")}
    found |= {("CN", "loan", "CURE_PAID"), ("CN", "advance", "CURE_PAID"), ("IN", "loan", "CURE_PAID")}
    return found | {("EU", kind, "CURE_PAID") for kind in ("loan", "advance")}
