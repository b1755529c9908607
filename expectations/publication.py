"""The publication gate: what is about to go out, against evidence that was reached another way.

It runs against the candidate `marts.duckdb`: the marts in schema `marts`, and beside them schema `evidence`, built straight
from the ledgers by SQL that shares nothing with the models. Our own code's keys and identities are dbt's tests; here is
what a reader relies on: nobody is missing, late is late, sums add up to the book, nothing private is in it.

One function per mart, named after it and listed in `MARTS`; a mart that has none is still held to what all marts must be.
A nightly publication has one as-of date, a backfill many: every comparison is by date.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from expectations.business import Rows, rows
from expectations.engine import Suite

PERSONAL_COLUMNS = ("name", "id_number", "phone", "value", "message_text")
SHRINKAGE = "0.8"  # of the rows of the last publication
DATED_BY_RUN = (
    "loan_aging",
    "aging_distribution",
)  # every row is of a date that was asked for; histories hold others too


def suites(tables: Collection[str]) -> list[Suite]:
    """The suites for the marts in `tables` (their names, without schema), and what is looked at in any publication.

    A mart that is in `tables` and not in the database is reported as "could not run", which closes the gate.
    """
    found = [
        Suite("evidence.run", run(), title="What this publication says it is"),
        Suite("evidence.book", book(), title="The book, loan by loan"),
        Suite("evidence.recomputed", recomputed(), title="Arrears, recomputed independently"),
        Suite("evidence.closed_with_principal", closed_with_principal(), title="Closed, but not repaid"),
    ]
    for mart in sorted(tables, key=lambda name: (list(MARTS).index(name) if name in MARTS else len(MARTS), name)):
        title, expectations = MARTS.get(mart, (mart.replace("_", " ").capitalize(), list))
        wanted = any_mart(mart) + expectations()
        found.append(Suite(f"marts.{mart}", wanted, title=title))
    found.append(Suite("evidence.previous", drift(tables), title="Against the last publication"))
    found.append(Suite("columns of the publication", private(), title="Privacy", query=COLUMNS))
    return found


# What any publication must be


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
    """`evidence.book`: one row per loan that is disbursed, not closed and not written off, from the ledgers."""
    return [
        rows(
            title="No loan of the book is absent from loan_aging",
            description="Every loan disbursed, not closed and not written off by the date is there, and as one not written off.",
            sql="""
                select as_of, loan_id, currency, outstanding_principal
                from {batch}
                anti join (select as_of, loan_id from marts.loan_aging where not is_written_off) as shown
                    using (as_of, loan_id)
            """,
        ),
        rows(
            title="No loan is in loan_aging that the book does not have",
            description="Loans not written off only; those written off keep aging outside the book.",
            sql="""
                select as_of, loan_id, currency, outstanding_principal
                from marts.loan_aging
                anti join {batch} as book using (as_of, loan_id)
                where is_written_off is distinct from true
            """,
        ),
        rows(
            title="Every loan's currency and outstanding principal agree with the book",
            description="To the cent, loan by loan; loans with special cases have no second principal to agree with.",
            sql="""
                select
                    as_of, loan_id,
                    book.currency as book_currency, aging.currency,
                    book.outstanding_principal as book_principal, aging.outstanding_principal
                from {batch} as book
                inner join marts.loan_aging as aging using (as_of, loan_id)
                where not aging.is_written_off
                    and (
                        book.currency is distinct from aging.currency
                        or book.outstanding_principal <> aging.outstanding_principal
                    )
            """,
        ),
        rows(
            title="The book is not empty",
            severity="warning",
            description="A lender without a single open loan is possible, and seldom meant.",
            sql="select 'no open loan' as finding where not exists (select loan_id from {batch})",
        ),
    ]


# `evidence.recomputed` is of the run's last date
RECOMPUTED = """
    from {batch} as again
    left join (
        select * from marts.loan_aging where as_of = (select max(as_of) from evidence.run)
    ) as aging using (loan_id)
"""


def recomputed() -> list[Rows]:
    """`evidence.recomputed`: loans that are paid oldest first and have no special case, worked out installment by installment."""
    return [
        rows(
            title="Late loans are flagged",
            description="A loan that the independent recomputation finds late has days past due in loan_aging.",
            sql=f"""
                select loan_id, again.days_past_due as recomputed_days, aging.days_past_due
                {RECOMPUTED}
                where again.days_past_due > 0 and coalesce(aging.days_past_due, 0) = 0
            """,
        ),
        rows(
            title="Flagged loans are late",
            description="No loan with days past due is current by the independent recomputation.",
            sql=f"""
                select loan_id, again.days_past_due as recomputed_days, aging.days_past_due
                {RECOMPUTED}
                where aging.days_past_due > 0 and coalesce(again.days_past_due, 0) = 0
            """,
        ),
        rows(
            title="Late loans are late by the days recomputed",
            sql=f"""
                select loan_id, again.days_past_due as recomputed_days, aging.days_past_due
                {RECOMPUTED}
                where again.days_past_due > 0 and aging.days_past_due > 0 and again.days_past_due <> aging.days_past_due
            """,
        ),
        rows(
            title="The overdue amount is the one recomputed",
            description="To the cent, loan by loan.",
            sql=f"""
                select loan_id, again.overdue_amount as recomputed_amount, aging.overdue_amount
                {RECOMPUTED}
                where aging.loan_id is not null and again.overdue_amount is distinct from aging.overdue_amount
            """,
        ),
        rows(
            title="The outstanding principal is the one recomputed",
            description="To the cent, loan by loan.",
            sql=f"""
                select loan_id, again.outstanding_principal as recomputed_principal, aging.outstanding_principal
                {RECOMPUTED}
                where aging.loan_id is not null
                    and again.outstanding_principal is distinct from aging.outstanding_principal
            """,
        ),
        rows(
            title="Every loan of the book was recomputed",
            severity="info",
            description="Left out are loans paid by other rules or with special cases; their rules have tests of their own.",
            sql="""
                select loan_id
                from evidence.book
                anti join {batch} as again using (loan_id)
                where as_of = (select max(as_of) from evidence.run)
            """,
        ),
    ]


def closed_with_principal() -> list[Rows]:
    return [
        rows(
            title="No loan was closed as repaid with principal unpaid",
            severity="warning",
            description="It has left the book, and nobody collects it. Either the closing or a repayment is missing or wrong.",
            sql="select loan_id, currency, unpaid_principal from {batch}",
        ),
    ]


def drift(tables: Collection[str]) -> list[Rows]:
    """`evidence.previous`: how many rows each mart had in the last publication; empty before the first."""
    counts = " union all ".join(f"select '{mart}' as mart, count(*) as n from marts.{mart}" for mart in sorted(tables))
    return [
        rows(
            title="No mart has shrunk by more than a fifth",
            severity="warning",
            description="Against the last publication. Data that stops coming looks like success in every other figure.",
            sql=f"""
                select before.mart, before.rows as rows_before, coalesce(today.n, 0) as rows_now
                from {{batch}} as before
                left join ({counts or "select '' as mart, 0 as n"}) as today using (mart)
                where coalesce(today.n, 0) < before.rows * {SHRINKAGE}
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


# What each mart must be


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
    return [date, policy] if mart in DATED_BY_RUN else [policy]


def loan_aging() -> list[Rows]:
    return [
        rows(
            title="No loan is listed twice",
            sql="""
                select as_of, loan_id, count(*) as times
                from {batch}
                group by as_of, loan_id
                having count(*) > 1 or loan_id is null
            """,
        ),
        rows(
            title="No amount is below zero",
            description="What was paid beyond everything owed is overpaid_amount, never a negative balance.",
            sql="""
                select
                    as_of, loan_id, outstanding_principal, overpaid_amount, overdue_principal, overdue_interest,
                    overdue_fees, overdue_amount, overdue_balance
                from {batch}
                where least(
                    outstanding_principal, overpaid_amount, overdue_principal, overdue_interest,
                    overdue_fees, overdue_amount, overdue_balance
                ) < 0
            """,
        ),
        rows(
            title="The parts of what is overdue add up",
            description="overdue_amount = overdue principal + interest + fees, to the cent.",
            sql="""
                select as_of, loan_id, overdue_principal, overdue_interest, overdue_fees, overdue_amount
                from {batch}
                where overdue_amount is distinct from overdue_principal + overdue_interest + overdue_fees
            """,
        ),
        rows(
            title="A late loan has something overdue",
            description="Days past due without an amount would be a clock that nothing started.",
            sql="""
                select as_of, loan_id, days_past_due, overdue_amount
                from {batch}
                where days_past_due > 0 and not coalesce(overdue_amount > 0, false)
            """,
        ),
        rows(
            title="A late loan is overdue with its whole outstanding principal",
            description="overdue_balance, the regulatory measure, is outstanding_principal as soon as there are days past due.",
            sql="""
                select as_of, loan_id, days_past_due, overdue_balance, outstanding_principal
                from {batch}
                where days_past_due > 0 and overdue_balance is distinct from outstanding_principal
            """,
        ),
        rows(
            title="A loan that is not late has no overdue balance",
            sql="""
                select as_of, loan_id, days_past_due, overdue_balance
                from {batch}
                where days_past_due = 0 and overdue_balance is distinct from 0
            """,
        ),
        rows(
            title="Days past due are counted from the oldest unpaid due date",
            description="Calendar days up to the as-of date, one more where the due date itself counts; no date, no days.",
            sql="""
                select as_of, loan_id, oldest_unpaid_due_on, days_past_due
                from {batch}
                where days_past_due is null
                    or (days_past_due > 0) <> (oldest_unpaid_due_on is not null)
                    or days_past_due - (as_of - oldest_unpaid_due_on) not in (0, 1)
            """,
        ),
        rows(
            title="The M-stage follows from the days past due",
            description="M0 at 0 days and only then, one stage for each 30 days begun, M7+ from day 181 on.",
            sql="""
                select as_of, loan_id, days_past_due, m_stage
                from {batch}
                where m_stage is distinct from case
                    when days_past_due = 0 then 'M0'
                    when days_past_due >= 181 then 'M7+'
                    else 'M' || ((days_past_due + 29) // 30)
                end
            """,
        ),
        rows(
            title="Every loan has a bucket",
            sql="select as_of, loan_id, days_past_due, bucket from {batch} where bucket is null",
        ),
        rows(
            title="A bucket named like an M-stage follows from a count of days",
            severity="warning",
            description="Days past due, delinquent days or business days, whichever the product's bucket_on names.",
            sql="""
                select as_of, loan_id, bucket, days_past_due, delinquent_days, business_days_past_due
                from {batch}
                where regexp_full_match(bucket, 'M([0-6]|7[+])')
                    and not list_contains(
                        list_transform(
                            [days_past_due, delinquent_days, business_days_past_due],
                            lambda days: case when days >= 181 then 'M7+' else 'M' || ((days + 29) // 30) end
                        ),
                        bucket
                    )
            """,
        ),
        rows(
            title="Delinquent days are days past due less grace, pauses and tolerance",
            description="So never below zero, and never more than days past due.",
            sql="""
                select as_of, loan_id, days_past_due, delinquent_days
                from {batch}
                where delinquent_days is null or delinquent_days < 0 or delinquent_days > days_past_due
            """,
        ),
        rows(
            title="Business days are at most the calendar days",
            sql="""
                select as_of, loan_id, days_past_due, business_days_past_due
                from {batch}
                where business_days_past_due is null
                    or business_days_past_due < 0
                    or business_days_past_due > days_past_due
            """,
        ),
        rows(
            title="No loan is later now than at its worst",
            description="max_days_past_due covers the as-of date, and the first overdue day is not after it.",
            sql="""
                select as_of, loan_id, days_past_due, max_days_past_due, first_overdue_on
                from {batch}
                where max_days_past_due is null
                    or max_days_past_due < days_past_due
                    or (days_past_due > 0 and not coalesce(first_overdue_on <= as_of, false))
            """,
        ),
        rows(
            title="No figure of a loan rests on a repayment or plan in quarantine",
            severity="info",
            description="has_quarantine: a row of this loan was rejected, so it may look later or better than it is.",
            sql="select as_of, loan_id, days_past_due, overdue_amount from {batch} where has_quarantine",
        ),
    ]


MEASURES = {
    "loans": "number of loans",
    "outstanding_principal": "outstanding principal",
    "overdue_amount": "overdue amount",
    "overdue_balance": "overdue balance",
}


def aging_distribution() -> list[Rows]:
    return [
        rows(
            title="No cell of the distribution is listed twice",
            sql="""
                select as_of, scheme, bucket, segment, security, product_id, currency, count(*) as times
                from {batch}
                group by as_of, scheme, bucket, segment, security, product_id, currency
                having count(*) > 1
            """,
        ),
        rows(
            title="No amount of the distribution is below zero",
            sql="""
                select as_of, scheme, bucket, currency, loans, outstanding_principal, overdue_amount, overdue_balance
                from {batch}
                where least(loans, outstanding_principal, overdue_amount, overdue_balance) < 0
            """,
        ),
        *(adds_up(measure, words) for measure, words in MEASURES.items()),
    ]


def adds_up(measure: str, words: str) -> Rows:
    """Each scheme spreads the whole book, so its buckets sum to it; a currency that a scheme lacks counts as 0."""
    of_loan = "1" if measure == "loans" else measure
    return rows(
        title=f"The buckets of each scheme add up to the book: {words}",
        description="By date and currency, against the loans of loan_aging that are not written off.",
        sql=f"""
            with book as (
                select as_of, currency, sum({of_loan}) as total
                from marts.loan_aging
                where not is_written_off
                group by as_of, currency
            ),

            schemes as (
                select distinct scheme from {{batch}}
            ),

            buckets as (
                select as_of, scheme, currency, sum({measure}) as total
                from {{batch}}
                group by as_of, scheme, currency
            ),

            expected as (
                select book.as_of, schemes.scheme, book.currency, book.total
                from book
                cross join schemes
            )

            select
                as_of, scheme, currency,
                coalesce(buckets.total, 0) as in_buckets,
                coalesce(expected.total, 0) as in_book,
                coalesce(buckets.total, 0) - coalesce(expected.total, 0) as difference
            from expected
            full join buckets using (as_of, scheme, currency)
            where coalesce(buckets.total, 0) <> coalesce(expected.total, 0)
            union all
            select as_of, 'no scheme at all', currency, 0, total, -total
            from book
            where not exists (select scheme from schemes)
        """,
    )


def quarantine_summary() -> list[Rows]:
    return [
        rows(
            title="No row is left in quarantine",
            severity="warning",
            description="Rejected, not corrected since, and so kept out of the figures with its amount.",
            sql="select ledger, reason, delivery, open_rows, amount from {batch} where open_rows > 0",
        ),
        rows(
            title="No more rows are open than were rejected",
            sql="""
                select ledger, reason, delivery, "rows", open_rows
                from {batch}
                where open_rows is null or open_rows < 0 or open_rows > "rows"
            """,
        ),
    ]


MARTS: dict[str, tuple[str, Callable[[], list[Rows]]]] = {
    "loan_aging": ("Loan aging", loan_aging),
    "aging_distribution": ("Aging distribution", aging_distribution),
    "quarantine_summary": ("Quarantine summary", quarantine_summary),
}
