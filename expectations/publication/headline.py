"""What a report opens with: the headline, and what the publication says of itself."""

from __future__ import annotations

from expectations.business import Rows, rows
from expectations.results import Suite

LAST = "(select max(as_of) from evidence.run)"
SUMMED = (
    "items",
    "balance",
    "overdue_amount",
    "overdue_balance",
    "balance_beyond_30",
    "balance_beyond_60",
    "balance_beyond_90",
    "npl_balance",
    "provision",
    "written_off_in_month",
)
MOVEMENTS = (
    "disbursed",
    "became_overdue",
    "repaid",
    "cured",
    "written_off",
    "sold",
    "reclassified",
    "restated",
)
RATES = {  # each with its numerator and denominator
    "overdue_rate": ("overdue_balance", "balance"),
    "beyond_30_rate": ("balance_beyond_30", "balance"),
    "beyond_60_rate": ("balance_beyond_60", "balance"),
    "beyond_90_rate": ("balance_beyond_90", "balance"),
    "npl_rate": ("npl_balance", "balance"),
    "provision_coverage": ("provision", "npl_balance"),
    "deviation_90": ("balance_beyond_90", "npl_balance"),
}


def evidence() -> list[Suite]:
    return [
        Suite("evidence.items_at", items_at(), title="What was outstanding at each date of the history"),
        Suite("evidence.moved", moved(), title="What was lent and paid from each date of the history to the next"),
    ]


def items_at() -> list[Rows]:
    return [
        rows(
            title="The headline counts every loan of the book and every advance, at every date",
            description="Counted from the dates and amounts of the ledgers alone.",
            sql="""
                select as_of, currency, coalesce(ledgers.items, 0) as in_ledgers, headline.items
                from {batch} as ledgers
                full join (
                    select as_of, currency, items from marts.headline
                    where segment = 'ALL' and currency <> 'ALL'
                ) as headline using (as_of, currency)
                where coalesce(ledgers.items, 0) is distinct from headline.items
            """,
        ),
    ]


def headline() -> list[Rows]:
    parts = ", ".join(
        f"sum({name}) filter (segment <> 'ALL') as parts_{name}, sum({name}) filter (segment = 'ALL') as all_{name}"
        for name in SUMMED
    )
    differ = " or ".join(f"parts_{name} is distinct from all_{name}" for name in SUMMED)
    wrong = " or ".join(
        f"({rate} is null) <> ({whole} = 0) or abs({rate} - least(999, {part}::double / nullif({whole}, 0))) > 0.00000051"
        for rate, (part, whole) in RATES.items()
    )
    moved = " or ".join(
        f"now.previous_{name} is distinct from before.{name}" for name in ("customers", *SUMMED, *RATES)
    )
    return [
        rows(
            title="The row ALL of the headline is the sum of its segments",
            description="In each currency, to the cent; customers are counted once and not added up.",
            sql=f"""
                select as_of, currency, {parts}
                from {{batch}}
                where currency <> 'ALL'
                group by as_of, currency
                having {differ}
            """,
        ),
        rows(
            title="On its last date the headline is the book",
            description="Balance, overdue amount and overdue balance are those of loan_aging and advance_aging, by currency, to the cent.",
            sql=f"""
                with book as (
                    select currency, outstanding_principal as balance, overdue_amount, overdue_balance
                    from marts.loan_aging
                    where not is_written_off and as_of = {LAST}
                    union all
                    select currency, outstanding, if(days_past_due > 0, outstanding, 0), if(days_past_due > 0, outstanding, 0)
                    from marts.advance_aging
                    where not is_written_off
                ),

                added as (
                    select currency, sum(balance) as balance, sum(overdue_amount) as overdue_amount, sum(overdue_balance) as overdue_balance
                    from book
                    group by currency
                )

                select
                    currency, headline.balance, added.balance as in_book, headline.overdue_amount,
                    added.overdue_amount as overdue_amount_in_book, headline.overdue_balance, added.overdue_balance as overdue_in_book
                from {{batch}} as headline
                full join added using (currency)
                where
                    coalesce(headline.as_of = {LAST} and headline.segment = 'ALL' and currency <> 'ALL', true)
                    and (
                        headline.balance is distinct from coalesce(added.balance, 0)
                        or headline.overdue_amount is distinct from coalesce(added.overdue_amount, 0)
                        or headline.overdue_balance is distinct from coalesce(added.overdue_balance, 0)
                    )
            """,
        ),
        rows(
            title="On its last date the headline is as classified",
            description="What is non-performing and what is provided for are those of risk_classification, by segment and currency, to the cent.",
            sql=f"""
                with classified as (
                    select segment, currency, sum(if(risk_class >= 3, balance, 0)) as npl_balance, sum(provision_amount) as provision
                    from (select distinct item_type, item_id, segment, currency, balance, risk_class, provision_amount from marts.risk_classification)
                    group by segment, currency
                )

                select segment, currency, headline.npl_balance, classified.npl_balance as npl_classified, headline.provision, classified.provision as provided
                from {{batch}} as headline
                left join classified using (segment, currency)  -- a miss: nothing is outstanding
                where
                    headline.as_of = {LAST} and segment <> 'ALL' and currency <> 'ALL'
                    and (
                        headline.npl_balance is distinct from coalesce(classified.npl_balance, 0)
                        or headline.provision is distinct from coalesce(classified.provision, 0)
                    )
            """,
        ),
        rows(
            title="On earlier dates the headline is the trend",
            description="Items, balance, overdue amount and overdue balance, by segment and currency, to the cent.",
            sql=f"""
                with trend as (
                    select
                        as_of, segment, currency, sum(items) as items, sum(outstanding_principal) as balance,
                        sum(overdue_amount) as overdue_amount, sum(overdue_balance) as overdue_balance
                    from marts.aging_trend
                    where scheme = 'CN_M_STAGE' and as_of < {LAST} and currency <> 'ALL'
                    group by as_of, segment, currency
                )

                select
                    as_of, segment, currency, headline.items, trend.items as trend_items, headline.balance, trend.balance as trend_balance,
                    headline.overdue_amount, trend.overdue_amount as trend_overdue_amount, headline.overdue_balance,
                    trend.overdue_balance as trend_overdue_balance
                from {{batch}} as headline
                full join trend using (as_of, segment, currency)
                where
                    as_of < {LAST} and segment <> 'ALL' and currency <> 'ALL'
                    and (
                        headline.items is distinct from coalesce(trend.items, 0)
                        or headline.balance is distinct from coalesce(trend.balance, 0)
                        or headline.overdue_amount is distinct from coalesce(trend.overdue_amount, 0)
                        or headline.overdue_balance is distinct from coalesce(trend.overdue_balance, 0)
                    )
            """,
        ),
        rows(
            title="Each ratio of the headline is its numerator over its denominator",
            sql=f"select as_of, segment, currency from {{batch}} where {wrong}",
        ),
        rows(
            title="What the headline says of the month before is what it says there",
            sql=f"""
                select now.as_of, now.segment, now.currency, now.previous_as_of
                from {{batch}} as now
                left join {{batch}} as before
                    on before.as_of = now.previous_as_of and before.segment = now.segment and before.currency = now.currency
                where {moved} or now.previous_as_of >= date_trunc('month', now.as_of)
            """,
        ),
        rows(
            title="Money that is later is no more than money that is late",
            description="Beyond 90 days is beyond 60, beyond 60 is beyond 30, and all of it is overdue and part of the balance.",
            sql="""
                select as_of, segment, currency, balance, overdue_balance, balance_beyond_30, balance_beyond_60, balance_beyond_90
                from {batch}
                where not (balance >= overdue_balance and overdue_balance >= balance_beyond_30
                    and balance_beyond_30 >= balance_beyond_60 and balance_beyond_60 >= balance_beyond_90)
                    or npl_balance > balance
            """,
        ),
    ]


def moved() -> list[Rows]:
    return [
        rows(
            title="What the roll-forward says was disbursed is what the ledgers say",
            description="Loans and advances from each date of the history to the next, by currency, to the cent.",
            sql="""
                select as_of, currency, roll.disbursed, ledgers.lent
                from (
                    select as_of, currency, disbursed from marts.roll_forward
                    where measure = 'book' and segment = 'ALL' and currency <> 'ALL'
                ) as roll
                full join {batch} as ledgers using (as_of, currency)
                where roll.disbursed is distinct from coalesce(ledgers.lent, 0) and as_of is not null
            """,
        ),
        rows(
            title="No more was repaid than was paid",
            description="What the roll-forward says was repaid against the payments of the ledgers, reversals aside, by currency.",
            sql="""
                select as_of, currency, roll.repaid, ledgers.paid
                from marts.roll_forward as roll
                left join {batch} as ledgers using (as_of, currency)
                where roll.measure = 'book' and roll.segment = 'ALL' and currency <> 'ALL' and -roll.repaid > coalesce(ledgers.paid, 0)
            """,
        ),
    ]


def roll_forward() -> list[Rows]:
    movements = " + ".join(MOVEMENTS)
    return [
        rows(
            title="Opening and movements are closing",
            description="To the cent; only the row ALL of currencies may be revalued.",
            sql=f"""
                select from_as_of, as_of, measure, segment, currency, opening, closing, revalued
                from {{batch}}
                where opening + {movements} + revalued <> closing or (currency <> 'ALL' and revalued <> 0)
            """,
        ),
        rows(
            title="What closes a roll-forward opens the next",
            sql="""
                select next.from_as_of, next.measure, next.segment, next.currency, closed.closing, next.opening
                from {batch} as next
                inner join {batch} as closed
                    on closed.as_of = next.from_as_of and closed.measure = next.measure and closed.segment = next.segment
                        and closed.currency = next.currency
                where closed.closing <> next.opening
            """,
        ),
        rows(
            title="The roll-forward closes with the headline",
            description="The book with its balance, what of it is overdue with its overdue balance, in every segment and currency.",
            sql="""
                select roll.as_of, roll.measure, roll.segment, roll.currency, roll.closing, headline.balance, headline.overdue_balance
                from {batch} as roll
                left join marts.headline as headline using (as_of, segment, currency)
                where roll.closing is distinct from if(roll.measure = 'book', headline.balance, headline.overdue_balance)
            """,
        ),
        rows(
            title="The row ALL of the roll-forward is the sum of its segments",
            sql=f"""
                select as_of, measure, currency
                from {{batch}}
                where currency <> 'ALL'
                group by as_of, measure, currency
                having {" or ".join(f"sum({name}) filter (segment <> 'ALL') is distinct from sum({name}) filter (segment = 'ALL')" for name in ("opening", *MOVEMENTS, "closing"))}
            """,
        ),
    ]


def publication() -> list[Rows]:
    return [
        rows(
            title="The publication is one row, of what the run knows",
            sql="""
                select as_of, known_at, count(*) as times
                from {batch}
                group by as_of, known_at
                having count(*) <> 1 or known_at not in (select known_at from evidence.run)
                union all
                select null, null, 0 where not exists (select * from {batch})
            """,
        ),
        rows(
            title="The publication says that rows are in quarantine where quarantine_summary has some",
            sql="""
                select open_quarantine_rows, summed.open_rows
                from {batch}
                cross join (select coalesce(sum(open_rows), 0) as open_rows from marts.quarantine_summary) as summed
                where (open_quarantine_rows > 0) <> (summed.open_rows > 0) or open_quarantine_rows > summed.open_rows
            """,
        ),
    ]


MARTS = {
    "publication": ("What this publication is", publication),
    "headline": ("Headline", headline),
    "roll_forward": ("Roll-forward", roll_forward),
}
