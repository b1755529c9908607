"""The publication gate: what is about to go out, against evidence that was reached another way.

It runs against the candidate: the marts in `marts.duckdb`, and beside it `evidence.duckdb`, built straight from the ledgers
by SQL that shares nothing with the models. Our own code's keys and identities are dbt's tests; here is
what a reader relies on: nobody is missing, late is late, sums add up to the book, nothing private is in it.

One module per domain: `evidence()` has the suites on its evidence, `MARTS` one function per mart; a mart that has none is
still held to what all marts must be. A nightly publication has one as-of date, a backfill many: every comparison of
`loan_aging` is by date, and the other marts are of the last date.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from expectations.business import Rows, rows
from expectations.publication import (
    aging,
    collections,
    controls,
    headline,
    pictures,
    portfolio,
    quality,
    risk,
    statements,
    trends,
)
from expectations.results import Suite

DOMAINS = (headline, aging, trends, portfolio, risk, collections, statements, quality, controls)
MARTS: dict[str, tuple[str, Callable[[], list[Rows]]]] = {
    mart: entry for domain in DOMAINS for mart, entry in domain.MARTS.items()
}

PERSONAL_COLUMNS = ("name", "id_number", "phone", "value", "message_text")
# Marts whose as_of is another date than those the run was asked for; every row of any other is of an asked date.
HISTORIES = (
    "headline",
    "roll_forward",
    "aging_trend",
    "roll_rates",
    "vintages",
    "class_migration",
    "class_migration_rates",
)


def suites(tables: Collection[str]) -> list[Suite]:
    """The suites for the marts in `tables` (their names, without schema), and what is looked at in any publication.

    A mart that is in `tables` and not in the database is reported as "could not run", which closes the gate.
    """
    found = [Suite("evidence.run", run(), title="What this publication says it is")]
    for domain in DOMAINS:
        found += domain.evidence()
    for mart in sorted(tables, key=lambda name: (list(MARTS).index(name) if name in MARTS else len(MARTS), name)):
        title, expectations = MARTS.get(mart, (mart.replace("_", " ").capitalize(), list))
        wanted = any_mart(mart) + expectations()
        found.append(Suite(f"marts.{mart}", wanted, title=title))
    found += pictures.pictures(tables)
    found.append(Suite("evidence.book_size", book(), title="How large the book is"))
    found.append(Suite("evidence.currencies_without_rate", rates(), title="One currency for all"))
    found.append(Suite("evidence.previous", drift(tables), title="Against the last publication"))
    found.append(Suite("columns of the publication", private(), title="Privacy", query=COLUMNS))
    return found


def run() -> list[Rows]:
    return [
        rows(
            title="The publication states its date, its knowledge and its policy",
            sql="""
                select as_of, known_at, policy_version
                from {batch}
                where as_of is null or known_at is null or policy_version is null
                union all
                select null, null, null where not exists (select as_of from {batch})
            """,
        ),
        rows(
            title="The calendar of the as-of date has been announced",
            severity="warning",
            description="Beyond the last year announced, working days are a guess: holidays and make-up days may still move.",
            sql="""
                select as_of, calendar_confirmed_until
                from {batch}
                where calendar_confirmed_until is null or calendar_confirmed_until < as_of
            """,
        ),
    ]


def book() -> list[Rows]:
    """`evidence.book_size`: one row; `evidence.left_the_book`: loans of the last publication that are gone."""
    return [
        rows(
            title="There is a book",
            description="A publication without a loan says that nobody owes anything; it is a ledger that did not come.",
            sql="""
                select loans_before, loans_now from {batch} where loans_now = 0
                union all
                select null, null where not exists (select loans_now from {batch})
            """,
        ),
        rows(
            title="The book has not shrunk by more than the policy allows",
            description="""Loans beside the last publication of the same policy, by max_shrink. Named is what left, by branch and
                product, the largest first. Where it is meant, say so by max_shrink in the policy.""",
            sql="""
                select
                    size.loans_before, size.loans_now, size.max_shrink,
                    gone.branch_id, gone.product_id, count(gone.loan_id) as loans_gone, min(gone.loan_id) as such_as
                from {batch} as size
                left join evidence.left_the_book as gone on true
                where size.is_comparable and size.loans_now < size.loans_before * (1 - size.max_shrink)
                group by all
                order by loans_gone desc, gone.branch_id, gone.product_id
            """,
        ),
    ]


def rates() -> list[Rows]:
    return [
        rows(
            title="Every currency of the book has a rate",
            severity="warning",
            description="""Where one has none by the as-of date, no figure has a row of currency ALL: a total that leaves a currency
                out looks like a total. Deliver the rate in fx_rates.""",
            sql="select currency, items, as_of from {batch}",
        ),
    ]


def drift(tables: Collection[str]) -> list[Rows]:
    """`evidence.previous`: how many rows each mart had in the last publication; empty before the first."""
    counts = " union all ".join(f"select '{mart}' as mart, count(*) as n from marts.{mart}" for mart in sorted(tables))
    return [
        rows(
            title="No mart has shrunk by more than the policy allows",
            severity="warning",
            description="Against the last publication, by max_shrink. Data that stops coming looks like success in every other figure.",
            sql=f"""
                select before.mart, before.rows as rows_before, coalesce(today.n, 0) as rows_now
                from {{batch}} as before
                left join ({counts or "select '' as mart, 0 as n"}) as today using (mart)
                where coalesce(today.n, 0) < before.rows * (1 - (select max(max_shrink) from evidence.book_size))
            """,
        ),
    ]


COLUMNS = """
    select table_schema, table_name, column_name
    from information_schema.columns
    where table_schema in ('marts', 'evidence')
"""


def private() -> list[Rows]:
    return [
        rows(
            title="No column holds personal data",
            description=f"No table of the publication has a column {', '.join(PERSONAL_COLUMNS)}: they stay in the warehouse.",
            sql=f"""
                select table_schema, table_name, column_name
                from {{batch}}
                where lower(column_name) in {PERSONAL_COLUMNS}
            """,
        ),
    ]


def any_mart(mart: str) -> list[Rows]:
    """Dates and policy, which every row of every mart names."""
    date = rows(
        title="Every row is of a date that was asked for",
        description="One date in a nightly publication, and each date of a backfill.",
        sql="""
            select as_of, count(*) as rows_of_date
            from {batch}
            where as_of is null or as_of not in (select as_of from evidence.run)
            group by as_of
        """,
    )
    policy = rows(
        title="Every row names the policy it was computed under",
        description="The version of the seeds in force in this run.",
        sql="""
            select policy_version, count(*) as rows_of_version
            from {batch}
            where policy_version is null or policy_version not in (select policy_version from evidence.run)
            group by policy_version
        """,
    )
    return [policy] if mart in HISTORIES else [date, policy]
