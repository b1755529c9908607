"""`roll_rates` and `vintages` against pandas: the cohort estimator, a cross-table of states at dates that follow each other.

What pandas gets are the ledgers and the loans' rows of `loan_aging` at each date, proved on their own in test_loan_aging.
Counts and balances agree exactly, rates to six decimals, rounded half up.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from support import backfill_at, load, new_home, rows_of, sized

import books
from flows.dates import dates_between

LOANS = sized(6_000, 50_000, "ARREARS_LOANS")
LAST = date(2026, 10, 31)
ASKED = dates_between(date(2026, 5, 31), LAST, "month-end")
DAYS = {1: 1, 30: 31, 60: 61, 90: 91}  # the name of a rate, and the days from which a loan counts
OWN = 10_000  # exchange rates in units of 0.0001, so that every sum is one of integers


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The landing folder of one delivery, and the database of one build over all dates."""
    folder = tmp_path_factory.mktemp("histories")
    landing = folder / "landing"
    landing.mkdir()
    books.generate(landing, loans=LOANS, deliveries=(LAST,), dirty_rows=0, file_format="parquet")
    home = new_home(folder / "home")
    load(landing, home)
    return landing, backfill_at(home, ASKED, marts=("loan_aging", "roll_rates", "vintages")).database


def ledger(landing: Path, query: str) -> pd.DataFrame:
    names = {name: f"'{landing}/*/{name}.parquet'" for name in ("loans", "customers", "repayments", "fx_rates")}
    return duckdb.sql(query.format(**names)).df()


def loans_of(landing: Path) -> pd.DataFrame:
    """Every loan: dates as ISO text, money in cents."""
    return ledger(
        landing,
        """
        select
            loan_id, segment, currency, cast(principal * 100 as bigint) as principal,
            cast(disbursed_on as varchar) as disbursed_on,
            coalesce(cast(closed_on as varchar), '9999-12-31') as closed_on,
            coalesce(cast(written_off_on as varchar), '9999-12-31') as written_off_on,
            exists (
                from {repayments} as r where r.loan_id = l.loan_id and r.paid_on > l.written_off_on
            ) as paid_since_write_off
        from {loans} as l
        inner join {customers} using (customer_id)
        """,
    ).set_index("loan_id")


def states_of(database: Path) -> dict[str, pd.DataFrame]:
    """What `loan_aging` says of each loan, by date."""
    query = """
        select
            cast(as_of as varchar) as as_of, loan_id, m_stage, days_past_due, max_days_past_due, is_written_off,
            cast(outstanding_principal * 100 as bigint) as outstanding
        from marts.loan_aging
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        states = connection.sql(query).df().set_index("loan_id")
    return {day: rows.drop(columns="as_of") for day, rows in states.groupby("as_of")}


def in_all_currencies(loans: pd.DataFrame, rates: pd.DataFrame, day: str) -> Iterator[pd.DataFrame]:
    """The loans in their own currency, and again under ALL at the newest rates of the day; `fx` in units of 0.0001. Each by
    segment and for all of them."""
    newest = rates[rates["day"] <= day].sort_values("day").groupby("currency")["rate"].last().to_dict() | {"CNY": OWN}
    for segment in ({}, {"segment": "ALL"}):
        yield loans.assign(fx=OWN, **segment)
        yield loans.assign(fx=loans["currency"].map(newest), currency="ALL", **segment)


def rates_of(landing: Path) -> pd.DataFrame:
    return ledger(
        landing, "select cast(as_of as varchar) as day, currency, cast(rate * 10000 as bigint) as rate from {fx_rates}"
    )


def cents(units: int) -> int:
    """Money in cents, of a sum of cents times units of 0.0001: half up."""
    return (2 * int(units) + OWN) // (2 * OWN)


def share(part: int, whole: int) -> Decimal | None:
    if whole == 0:
        return None
    return (Decimal(int(part)) / Decimal(int(whole))).quantize(Decimal("0.000001"), ROUND_HALF_UP)


def differing(ours: dict[Any, Any], theirs: dict[Any, Any]) -> list[str]:
    return [
        f"{key}: {ours.get(key)} and {theirs.get(key)}" for key in ours | theirs if ours.get(key) != theirs.get(key)
    ]


def test_roll_rates_are_those_of_a_cross_table(book: tuple[Path, Path]) -> None:
    landing, database = book
    loans, states, rates = loans_of(landing), states_of(database), rates_of(landing)
    theirs = {}
    for first, second in pairwise(map(str, ASKED)):
        opening = states[first][~states[first]["is_written_off"]].join(loans)
        later = states[second]["m_stage"].reindex(opening.index)
        opening["to_bucket"] = later.fillna("closed").mask(opening["written_off_on"] <= second, "written_off")
        for shown in in_all_currencies(opening, rates, first):
            of = [shown["segment"], shown["currency"], shown["m_stage"]]
            counts = pd.crosstab(of, shown["to_bucket"])
            values = shown["outstanding"] * shown["fx"]
            balances = pd.crosstab(of, shown["to_bucket"], values=values, aggfunc="sum").fillna(0).map(cents)
            for start, row in counts.iterrows():
                for end in row.index[row > 0]:
                    balance = balances.loc[start]
                    theirs[(first, second, *start, end)] = (
                        row[end],
                        Decimal(int(balance[end])) / 100,
                        share(row[end], row.sum()),
                        share(balance[end], balance.sum()),
                        False,
                    )
    ours = {
        (str(r["from_as_of"]), str(r["as_of"]), r["segment"], r["currency"], r["from_bucket"], r["to_bucket"]): (
            r["loans"],
            r["opening_balance"],
            r["rate_by_count"],
            r["rate_by_balance"],
            r["is_partial"],
        )
        for r in rows_of(database, "select * from marts.roll_rates")
    }
    assert {"closed", "written_off"} <= {key[-1] for key in ours}
    assert {"CNY", "USD", "ALL"} == {key[3] for key in ours}
    assert differing(ours, theirs)[:20] == []


def test_vintages_are_those_of_a_grouping(book: tuple[Path, Path]) -> None:
    """Ever rates where no loan of the cohort is closed, principal now late where nothing was paid after a write-off.

    Elsewhere the rows of the six dates do not tell: a closed loan is in none, and money lowers what a written-off one shows.
    """
    landing, database = book
    loans, states, rates = loans_of(landing), states_of(database), rates_of(landing)
    ours = {
        (str(r["as_of"]), str(r["cohort_month"]), r["segment"], r["currency"]): r
        for r in rows_of(database, "select * from marts.vintages")
    }
    theirs: dict[Any, dict[str, Any]] = {}
    for day in map(str, ASKED):
        cohort = loans[loans["disbursed_on"] <= day].join(states[day])
        lost, closed = cohort["written_off_on"] <= day, cohort["closed_on"] <= day
        cohort["month"] = cohort["disbursed_on"].str[:7] + "-01"
        cohort["ever_unknown"] = closed & ~lost
        cohort["principal_unknown"] = lost & (closed | cohort["paid_since_write_off"])
        outstanding = cohort["outstanding"].fillna(0).astype("int64")
        for name, days in DAYS.items():
            now, ever = lost | (cohort["days_past_due"] >= days), lost | (cohort["max_days_past_due"] >= days)
            cohort[f"current_{name}"], cohort[f"current_{name}_principal"] = now, outstanding * now
            cohort[f"ever_{name}"], cohort[f"ever_{name}_principal"] = ever, cohort["principal"] * ever
        amounts = [column for column in cohort if column.endswith("principal")]
        for shown in in_all_currencies(cohort, rates, day):
            shown[amounts] = shown[amounts].mul(shown["fx"], axis=0)
            groups = shown.groupby(["month", "segment", "currency"])
            sums = groups.sum(numeric_only=True).assign(loans=groups.size())
            for key, of in zip(sums.index, sums.to_dict("records"), strict=True):
                said: dict[str, Any] = {
                    "loans": of["loans"],
                    "principal": Decimal(cents(of["principal"])) / 100,
                    "months_on_book": (int(day[:4]) - int(key[0][:4])) * 12 + int(day[5:7]) - int(key[0][5:7]),
                }
                for rate in [f"{kind}_{name}" for kind in ("current", "ever") for name in DAYS]:
                    if rate.startswith("current") or not of["ever_unknown"]:
                        said[f"{rate}_rate_by_count"] = share(of[rate], of["loans"])
                    if not of["principal_unknown" if rate.startswith("current") else "ever_unknown"]:
                        said[f"{rate}_rate_by_principal"] = share(
                            cents(of[f"{rate}_principal"]), cents(of["principal"])
                        )
                theirs[(day, *key)] = said
    assert ours.keys() == theirs.keys()
    assert any(said.get("ever_1_rate_by_count") for said in theirs.values())
    assert any(said.get("current_90_rate_by_principal") for said in theirs.values())
    assert differing({key: {c: ours[key][c] for c in said} for key, said in theirs.items()}, theirs)[:20] == []
