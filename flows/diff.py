"""`arrears diff RUN RUN`: what changed between two publications: by mart, by figure of the headline, by loan, and by cause.

Marts are compared row by row over the published Parquet, in SQL. For the causes the publications between the two are built: the
first one again, then under the other policy, without what was withdrawn since, with what was delivered since, on the other date as
if nothing had happened in between, and with what did happen. Each step changes one thing; so the steps add up to the whole change.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from flows.compare import compare, keys
from flows.database import connect, quote, quote_path
from flows.home import Delivery, Home, Knowledge, existing_home
from flows.publish import publication_of

Facts = dict[str, Any]
# What of the headline is compared, over all segments; rates follow from these.
FIGURES = ("customers", "items", "balance", "overdue_amount", "overdue_balance", "balance_beyond_30", "balance_beyond_60",
           "balance_beyond_90", "npl_balance", "provision", "written_off_in_month")  # fmt: skip
OF_LOAN = ("outstanding_principal", "overdue_amount", "overdue_balance", "days_past_due", "bucket")
ASIDE = ("policy_version",)
# Days that say when something happened: what is dated later has not happened yet.
HAPPENED = {
    "loans": "disbursed_on",
    "installments": "effective_on",
    "repayments": "paid_on",
    "charges": "due_on",
    "pauses": "from_on",
    "adjustments": "valid_from",
    "advances": "advanced_on",
    "advance_repayments": "paid_on",
    "contact_attempts": "attempted_at",
}
STILL_OPEN = ("closed_on", "written_off_on", "restructured_on")  # dates of the future: not known to happen


@dataclass(frozen=True)
class Published:
    """A publication that is kept."""

    folder: Path
    manifest: Facts

    @property
    def run_id(self) -> str:
        return self.manifest["run_id"]

    @property
    def as_of(self) -> date:
        return date.fromisoformat(self.manifest["as_of"])

    def parquet(self, mart: str) -> Path:
        return self.folder / "parquet" / f"{mart}.parquet"


def diff(home: Path, before: str, after: str, limit: int, with_causes: bool) -> Facts:
    """What `arrears diff` says."""
    place = existing_home(home)
    a, b = Published(*publication_of(place, before)), Published(*publication_of(place, after))
    with connect() as connection:
        marts = _by_mart(connection, a, b)
        headline = _by_headline(connection, a.parquet("headline"), b.parquet("headline"), a.as_of, b.as_of)
        loans = _by_loan(connection, a, b, limit)
    causes = _by_cause(place, a, b, limit) if with_causes else None
    said = {
        name: {side: p.manifest[name] for side, p in (("before", a), ("after", b))}
        for name in ("run_id", "as_of", "known_at", "policy_version", "code_version")
    }
    facts = {**said, "marts": marts, "headline": headline, "loans": loans, "causes": causes}
    return {"status": "ok", "exit_code": 0, **facts, "_text": _told(facts, limit)}


def _by_mart(connection: duckdb.DuckDBPyConnection, a: Published, b: Published) -> dict[str, Facts]:
    """Each mart: how many rows were added, removed, changed, and in which columns; equal hashes are not looked at."""
    found: dict[str, Facts] = {}
    then, now = a.manifest["marts"], b.manifest["marts"]
    for mart in sorted({*then, *now}):
        if mart not in then or mart not in now:
            found[mart] = {"only": "after" if mart in now else "before"}
        elif then[mart]["hash"] == now[mart]["hash"]:
            found[mart] = {"same": True}
        elif mart in keys():
            one_date = all(_dates(connection, p.parquet(mart)) == 1 for p in (a, b))
            aside = (*ASIDE, "as_of") if one_date else ASIDE
            said = compare(connection, a.parquet(mart), b.parquet(mart), keys()[mart], aside)
            found[mart] = {"same": said.same, **vars(said), "told": said.told}
    return found


def _dates(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    source = f"read_parquet({quote_path(path)})"
    if "as_of" not in connection.sql(f"select * from {source} limit 0").columns:
        return 0
    return (connection.sql(f"select count(distinct as_of) from {source}").fetchone() or (0,))[0]


def _headline_of(connection: duckdb.DuckDBPyConnection, path: Path, day: date) -> dict[tuple[str, str], Decimal]:
    rows = connection.execute(
        f"select currency, {', '.join(FIGURES)} from read_parquet({quote_path(path)}) where as_of = ? and segment = 'ALL'",
        [day],
    ).fetchall()
    return {(row[0], name): Decimal(value or 0) for row in rows for name, value in zip(FIGURES, row[1:], strict=True)}


def _by_headline(
    connection: duckdb.DuckDBPyConnection, before: Path, after: Path, first: date, last: date
) -> list[Facts]:
    then, now = _headline_of(connection, before, first), _headline_of(connection, after, last)
    return [
        {"currency": key[0], "figure": key[1], "before": then.get(key), "after": now.get(key), "change": change}
        for key in sorted({*then, *now}, key=lambda key: (key[0] != "ALL", key[0], FIGURES.index(key[1])))
        if (change := now.get(key, Decimal(0)) - then.get(key, Decimal(0)))
    ]


def _loans(connection: duckdb.DuckDBPyConnection, name: str, path: Path, day: date) -> None:
    connection.execute(
        f"create or replace temp view {name} as select loan_id, currency, {', '.join(OF_LOAN)} "
        f"from read_parquet({quote_path(path)}) where as_of = {quote(str(day))}::date"
    )


def _by_loan(connection: duckdb.DuckDBPyConnection, a: Published, b: Published, limit: int) -> Facts:
    """How many loans came, left, changed; what each of these makes of the sums; the loans with the largest changes."""
    _loans(connection, "loans_before", a.parquet("loan_aging"), a.as_of)
    _loans(connection, "loans_after", b.parquet("loan_aging"), b.as_of)
    differs = " or ".join(f"t.{c} is distinct from n.{c}" for c in OF_LOAN)
    connection.execute(
        f"""
        create or replace temp view side_by_side as
        select
            coalesce(n.loan_id, t.loan_id) as loan_id,
            coalesce(n.currency, t.currency) as currency,
            case when t.loan_id is null then 'came' when n.loan_id is null then 'left' when {differs} then 'changed' else 'same' end as what,
            {", ".join(f"t.{c} as {c}_before, n.{c} as {c}_after" for c in OF_LOAN)}
        from loans_before as t full join loans_after as n on n.loan_id = t.loan_id
        """
    )
    sums = ", ".join(
        f"sum(coalesce({c}_after, 0) - coalesce({c}_before, 0))::decimal(18, 2) as {c}" for c in OF_LOAN[:3]
    )
    groups = _dicts(
        connection, f"select what, currency, count(*) as loans, {sums} from side_by_side group by all order by all"
    )
    largest = _dicts(
        connection,
        f"""
        select * from side_by_side where what <> 'same'
        order by
            abs(coalesce(overdue_amount_after, 0) - coalesce(overdue_amount_before, 0)) desc,
            abs(coalesce(days_past_due_after, 0) - coalesce(days_past_due_before, 0)) desc,
            abs(coalesce(outstanding_principal_after, 0) - coalesce(outstanding_principal_before, 0)) desc,
            loan_id
        limit {limit}
        """,
    )
    return {"groups": groups, "largest": largest}


def _dicts(connection: duckdb.DuckDBPyConnection, query: str) -> list[Facts]:
    relation = connection.sql(query)
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


# By cause


@dataclass(frozen=True)
class Step:
    """A state between the two publications, and the cause that leads from the one before to it."""

    cause: str
    headline: Path
    loans: Path
    as_of: date


def _by_cause(home: Home, a: Published, b: Published, limit: int) -> Facts:
    """The change of each figure by cause; and the causes of each loan whose arrears changed most."""
    with tempfile.TemporaryDirectory(prefix="arrears-diff-") as folder, connect() as connection:
        steps = list(_steps(home, a, b, Path(folder)))
        figures: dict[tuple[str, str], dict[str, Decimal]] = {}
        for one, other in pairwise(steps):
            for row in _by_headline(connection, one.headline, other.headline, one.as_of, other.as_of):
                causes = figures.setdefault((row["currency"], row["figure"]), {})
                causes[other.cause] = causes.get(other.cause, Decimal(0)) + row["change"]
        for number, step in enumerate(steps):
            _loans(connection, f"step_{number}", step.loans, step.as_of)
        union = " union all ".join(
            f"select {n} as step, {quote(s.cause)} as cause, loan_id, overdue_amount, days_past_due from step_{n}"
            for n, s in enumerate(steps)
        )
        connection.execute(f"create temp table of_steps as {union}")
        loans = _dicts(
            connection,
            f"""
            with ids as (select distinct loan_id from of_steps),
            grid as (
                select ids.loan_id, s.step, s.cause, coalesce(o.overdue_amount, 0) as overdue_amount, coalesce(o.days_past_due, 0) as days
                from ids cross join (select distinct step, cause from of_steps) as s
                left join of_steps as o on o.loan_id = ids.loan_id and o.step = s.step
            ),
            moved as (
                select
                    *,
                    overdue_amount - lag(overdue_amount) over (partition by loan_id order by step) as amount_change,
                    days - lag(days) over (partition by loan_id order by step) as days_change
                from grid
            ),
            largest as (
                select loan_id from moved
                group by loan_id
                having max(abs(amount_change)) > 0 or max(abs(days_change)) > 0
                order by sum(abs(amount_change)) desc, sum(abs(days_change)) desc, loan_id limit {limit}
            )
            select
                loan_id, cause,
                sum(amount_change)::decimal(18, 2) as overdue_amount, sum(days_change)::bigint as days_past_due
            from moved semi join largest using (loan_id)
            where amount_change <> 0 or days_change <> 0
            group by loan_id, cause
            order by loan_id, min(step)
            """,
        )
    told = [
        {"currency": c, "figure": f, "causes": causes}
        for (c, f), causes in sorted(figures.items())
        if any(causes.values())
    ]
    return {"order": [step.cause for step in steps[1:]], "figures": told, "loans": loans}


def _steps(home: Home, a: Published, b: Published, folder: Path) -> Iterator[Step]:
    """Each state, from the first publication to the second; a step that changes nothing asked for is left out."""
    from flows.reproduce import dates_of, knowledge_of, policy_of

    policy, known, dates = (
        policy_of(home, a.run_id, a.manifest),
        knowledge_of(a.manifest),
        dates_of(a.manifest, policy_of(home, a.run_id, a.manifest)),
    )
    then_known, now_policy = known, policy_of(home, b.run_id, b.manifest)
    now_known, now_dates = knowledge_of(b.manifest), dates_of(b.manifest, now_policy)

    def built(cause: str, until: date | None = None) -> Step:
        return _built(home, folder / f"{len(list(folder.iterdir()))}", cause, known, policy, dates, until)

    yield Step("", a.parquet("headline"), a.parquet("loan_aging"), a.as_of)
    yield built("code")
    if policy.version != now_policy.version:
        policy = now_policy
        yield built("policy")
    gone = set(now_known.withdrawn) - set(then_known.withdrawn)
    if gone & set(known.deliveries):
        left = tuple(d for d in known.deliveries if d not in gone)
        known = Knowledge(known.upto, left, tuple(sorted({*known.withdrawn, *(gone & set(known.deliveries))})))
        yield built("withdrawn")
    if known.deliveries != now_known.deliveries:
        known = now_known
        yield built("late deliveries")
    if dates.as_of != now_dates.as_of:
        first, dates = dates.as_of, now_dates
        if first < dates.as_of:
            yield built("time passing", until=first)
        yield built("new events")
    yield Step("code", b.parquet("headline"), b.parquet("loan_aging"), b.as_of)


def _built(home: Home, folder: Path, cause: str, known: Knowledge, policy: Any, dates: Any, until: date | None) -> Step:
    """Build the headline and the loans of a state in a home of its own; `until`: as if nothing had happened after a day."""
    from flows.build import build

    scratch = Home(folder)
    scratch.create()
    scratch.raw.rmdir()
    if until is None:
        scratch.raw.symlink_to(home.raw.absolute(), target_is_directory=True)
    else:
        _copy_until(home, scratch, [*known.deliveries, *known.withdrawn], until)
    database = build(scratch, known, policy, dates, marts=("headline", "loan_aging")).database
    with connect(database, read_only=True) as connection:
        for mart in ("headline", "loan_aging"):
            path = folder / f"{mart}.parquet"
            connection.execute(f"copy (from marts.{mart}) to {quote(str(path))} (format parquet)")
    return Step(cause, folder / "headline.parquet", folder / "loan_aging.parquet", dates.as_of)


def _copy_until(home: Home, scratch: Home, deliveries: list[Delivery], until: date) -> None:
    """The raw history without what is dated after a day: events, plans, pauses, loans; and dates of ends that lie beyond it."""
    with connect() as connection:
        for delivery in deliveries:
            target = scratch.raw_of(delivery)
            target.mkdir(parents=True)
            for path in home.raw_of(delivery).iterdir():
                ledger = path.name.split(".")[0]
                if path.suffix != ".parquet" or ledger not in HAPPENED:
                    (target / path.name).symlink_to(path.absolute())
                    continue
                source = f"read_parquet({quote_path(path)})"
                columns = connection.sql(f"select * from {source} limit 0").columns
                ends = [f"case when {c} <= date '{until}' then {c} end as {c}" for c in STILL_OPEN if c in columns]
                kept = f"* replace ({', '.join(ends)})" if ends else "*"
                test = f"coalesce({HAPPENED[ledger]}::date <= date '{until}', true)"
                target_path = quote(str(target / path.name))
                connection.execute(f"copy (select {kept} from {source} where {test}) to {target_path} (format parquet)")


def _told(facts: Facts, limit: int) -> str:
    lines = ["What changed", ""]
    for name in ("run_id", "as_of", "known_at", "policy_version", "code_version"):
        before, after = facts[name]["before"], facts[name]["after"]
        lines.append(f"  {name:<15} {before}" + (f" → {after}" if before != after else "  (the same)"))
    lines += ["", "By figure of the headline (all segments)", ""]
    for row in facts["headline"]:
        lines.append(
            f"  {row['currency']:<4} {row['figure']:<22} {_n(row['before']):>20} → {_n(row['after']):>20}  {row['change']:>+20,}"
        )
    same = [mart for mart, said in facts["marts"].items() if said.get("same")]
    lines += ["", f"By mart ({len(same)} the same: {', '.join(same) or 'none'})", ""]
    for mart, said in facts["marts"].items():
        if not said.get("same"):
            lines.append(f"  {mart:<26} {said.get('told') or 'only ' + said['only']}")
    lines += ["", "By loan", ""]
    for group in facts["loans"]["groups"]:
        if group["what"] != "same":
            sums = ", ".join(f"{c} {group[c]:+,}" for c in OF_LOAN[:3])
            lines.append(f"  {group['what']:<8} {group['currency']} {group['loans']:>9,} loans: {sums}")
    lines.append("")
    for loan in facts["loans"]["largest"]:
        changes = ", ".join(
            f"{c} {_n(loan[f'{c}_before'])} → {_n(loan[f'{c}_after'])}"
            for c in OF_LOAN
            if loan[f"{c}_before"] != loan[f"{c}_after"]
        )
        lines.append(f"  {loan['loan_id']} ({loan['what']}): {changes}")
    if facts["causes"]:
        lines += ["", f"By cause (in this order: {', '.join(dict.fromkeys(facts['causes']['order']))})", ""]
        for row in facts["causes"]["figures"]:
            parts = ", ".join(f"{cause} {change:+,}" for cause, change in row["causes"].items() if change)
            lines.append(f"  {row['currency']:<4} {row['figure']:<22} {sum(row['causes'].values()):>+20,} = {parts}")
        lines.append("")
        for row in facts["causes"]["loans"]:
            lines.append(
                f"  {row['loan_id']} {row['cause']}: overdue_amount {row['overdue_amount']:+,}, days {row['days_past_due']:+,}"
            )
    return "\n".join(lines)


def _n(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int | Decimal) else str(value)
