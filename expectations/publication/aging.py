"""What loan aging must be before it goes out."""

from __future__ import annotations

from expectations.business import Rows, rows
from expectations.results import Suite
from flows.policy.schemes import m_stages

MEASURES = {
    "loans": "number of loans",
    "outstanding_principal": "outstanding principal",
    "overdue_amount": "overdue amount",
    "overdue_balance": "overdue balance",
}


def evidence() -> list[Suite]:
    return [
        Suite("evidence.book", book(), title="The book, loan by loan"),
        Suite("evidence.recomputed", recomputed(), title="Arrears, recomputed independently"),
        Suite("evidence.reperformed", reperformed(), title="Re-performance of a sample, figure by figure"),
        Suite("evidence.closed_with_principal", closed_with_principal(), title="Closed, but not repaid"),
    ]


def m_stage_of(days: str) -> str:
    """SQL for the M stage of a count of days, from the edges of the seed, which no policy moves."""
    whens = " ".join(
        f"when {days} >= {first}" + (f" and {days} <= {last}" if last is not None else "") + f" then '{stage}'"
        for stage, first, last in m_stages()
    )
    return f"case {whens} end"


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
            description="To the cent, loan by loan; a loan that was not recomputed has no second principal to agree with.",
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


# how far `evidence.recomputed` reaches into the book, by loans, late loans, and the overdue amount of each currency
COVERAGE = """
    with of_currency as (
        select
            count(*) as loans,
            count(again.loan_id) as recomputed,
            count(*) filter (aging.days_past_due > 0) as late,
            count(again.loan_id) filter (aging.days_past_due > 0) as late_recomputed,
            sum(aging.overdue_amount) as overdue,
            coalesce(sum(aging.overdue_amount) filter (again.loan_id is not null), 0) as overdue_recomputed
        from evidence.book as book
        left join {batch} as again on again.loan_id = book.loan_id  -- a miss: not recomputed
        left join marts.loan_aging as aging on aging.as_of = book.as_of and aging.loan_id = book.loan_id
        where book.as_of = (select max(as_of) from evidence.run)
        group by book.currency
    ),

    coverage as (
        select
            sum(recomputed) || ' of ' || sum(loans) as loans,
            sum(late_recomputed) || ' of ' || sum(late) as late_loans,
            floor(100 * coalesce(min(overdue_recomputed / nullif(overdue, 0)), 1))::integer as percent_of_overdue_amount,
            sum(recomputed) = sum(loans) as is_whole,
            sum(late_recomputed) >= 0.95 * sum(late) and percent_of_overdue_amount >= 95 as is_enough
        from of_currency
    )

    select loans, late_loans, percent_of_overdue_amount from coverage
"""


def recomputed() -> list[Rows]:
    """`evidence.recomputed`: the arrears of open loans, laid obligation by obligation under each loan's conventions."""
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
            title="Nearly all late loans were recomputed",
            description="At least 95 % of them, and of the overdue amount of each currency.",
            sql=f"{COVERAGE} where not is_enough",
        ),
        rows(
            title="Every loan of the book was recomputed",
            severity="info",
            description="In SQL; loans whose arrears depend on the order of events in Python: all late ones, and 5,000 others each night.",
            sql=f"{COVERAGE} where is_enough and not is_whole",
        ),
    ]


def reperformed() -> list[Rows]:
    """`evidence.reperformed`: every figure of sampled loans, worked out again in plain Python, whatever their special cases."""
    return [
        rows(
            title="Every figure of the sampled loans is the one re-performed",
            description=(
                "Half of the sample are late loans, half any; another sample each night. All conventions, reversals, "
                "charges, pauses, changes of plan. The rows of the sample stay in the publication, in evidence.reperformed."
            ),
            sql="""
                select as_of, loan_id, column_name, published, recomputed
                from {batch}
                where published is distinct from recomputed
            """,
        ),
        rows(
            title="Loans were re-performed",
            severity="warning",
            description="The setting reperformance_sample is 0, or the sample came out empty.",
            sql="""
                select 'no loan re-performed' as finding
                where not exists (select loan_id from {batch}) and exists (select loan_id from marts.loan_aging)
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
            title="No payment after the as-of date counts",
            sql="select as_of, loan_id, last_paid_on from {batch} where last_paid_on > as_of",
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
            sql=f"""
                select as_of, loan_id, days_past_due, m_stage
                from {{batch}}
                where m_stage is distinct from {m_stage_of("days_past_due")}
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
            sql=f"""
                select as_of, loan_id, bucket, days_past_due, delinquent_days, business_days_past_due
                from {{batch}}
                where bucket in {tuple(stage for stage, _, _ in m_stages())}
                    and not list_contains(
                        list_transform(
                            [days_past_due, delinquent_days, business_days_past_due],
                            lambda days: {m_stage_of("days")}
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


MARTS = {
    "loan_aging": ("Loan aging", loan_aging),
    "aging_distribution": ("Aging distribution", aging_distribution),
}
