"""What the marts on collection must be before they go out."""

from __future__ import annotations

from expectations.business import Rows, rows
from expectations.engine import Suite

CHANNELS = ("phone", "sms", "email", "letter", "visit", "app", "social", "legal")


def evidence() -> list[Suite]:
    return [
        Suite("evidence.breaches_recomputed", breaches_recomputed(), title="Breaches of conduct, recomputed"),
        Suite("evidence.promises", promises_recomputed(), title="Promises, recomputed"),
    ]


def breaches_recomputed() -> list[Rows]:
    """`evidence.breaches_recomputed`: what broke the rules of `evidence.rules_recomputed`, from the ledgers."""
    return [
        rows(
            title="No breach that was recomputed is absent",
            description="Quiet hours, calls a day, disclosure and recording, worked out again from the ledger of contacts.",
            sql="""
                select attempt_id, rule_id, figure
                from {batch}
                anti join (select * from marts.contact_breaches where status = 'breach') as shown using (attempt_id, rule_id)
            """,
        ),
        rows(
            title="No breach of a rule recomputed is made up",
            sql="""
                select attempt_id, rule_id, figure
                from marts.contact_breaches
                semi join evidence.contact_attempts as known using (attempt_id)
                semi join evidence.rules_recomputed as rules using (rule_id)
                anti join {batch} as again using (attempt_id, rule_id)
                where status = 'breach'
            """,
        ),
        rows(
            title="A breach shows the figure recomputed",
            sql="""
                select attempt_id, rule_id, again.figure as recomputed_figure, shown.figure
                from {batch} as again
                inner join marts.contact_breaches as shown using (attempt_id, rule_id)
                where shown.status = 'breach' and shown.figure is distinct from again.figure
            """,
        ),
    ]


def promises_recomputed() -> list[Rows]:
    """`evidence.promises`: promises that name a loan and a day, and what was paid on them."""
    return [
        rows(
            title="No promise is absent",
            sql="""
                select attempt_id, paid_amount
                from {batch}
                anti join marts.promises as shown using (attempt_id)
            """,
        ),
        rows(
            title="What was paid on a promise is what was recomputed",
            description="To the cent: payments less reversals from the day of the promise through the day promised.",
            sql="""
                select attempt_id, again.paid_amount as recomputed_amount, shown.paid_amount
                from {batch} as again
                inner join marts.promises as shown using (attempt_id)
                where shown.paid_amount <> again.paid_amount
            """,
        ),
    ]


def contact_breaches() -> list[Rows]:
    return [
        rows(
            title="No attempt is listed twice under one rule",
            sql="""
                select attempt_id, rule_id, count(*) as times
                from {batch}
                group by attempt_id, rule_id
                having count(*) > 1
            """,
        ),
        rows(
            title="A breach has a figure, and what was not evaluated says what it lacks",
            description="A rule without its input is never passed and never broken.",
            sql="""
                select attempt_id, rule_id, status, figure, lacks
                from {batch}
                where not coalesce(
                    (status = 'breach' and figure is not null and lacks is null)
                    or (status = 'not_evaluated' and figure is null and lacks is not null), false
                )
            """,
        ),
        rows(
            title="No breach is dated after the as-of date",
            sql="select attempt_id, rule_id, attempted_on from {batch} where attempted_on > as_of",
        ),
    ]


def contactability() -> list[Rows]:
    return [
        rows(
            title="Customers with days past due are listed, each once, and nobody else",
            sql="""
                select customer_id, listed, late
                from (select customer_id, count(*) as listed from {batch} group by customer_id)
                full join (
                    select customer_id, count(*) as late
                    from (
                        select customer_id
                        from marts.loan_aging
                        where days_past_due > 0 and as_of = (select max(as_of) from evidence.run)
                        union all
                        select customer_id from marts.advance_aging where days_past_due > 0
                    )
                    group by customer_id
                ) using (customer_id)
                where listed is distinct from 1 or late is null
            """,
        ),
        rows(
            title="Attempts counted are the attempts of the ledger",
            description="Of customers whose time zone and contacts are said in full.",
            sql="""
                select customer_id, shown.attempts, known.attempts as recounted
                from {batch} as shown
                inner join (
                    select customer_id, count(*) filter (lender_began) as attempts from evidence.contact_attempts group by customer_id
                ) as known using (customer_id)
                where shown.attempts <> known.attempts
            """,
        ),
        rows(
            title="Attempts by channel add up to the attempts",
            sql=f"""
                select customer_id, attempts, reached
                from {{batch}}
                where attempts <> {" + ".join(f"attempts_{channel}" for channel in CHANNELS)}
                    or reached <> {" + ".join(f"reached_{channel}" for channel in CHANNELS)}
            """,
        ),
        rows(
            title="Who is lost has a day and a rule, and nobody else has",
            sql="""
                select customer_id, is_lost_contact, lost_since, lost_rule
                from {batch}
                where is_lost_contact is distinct from (lost_since is not null and lost_rule is not null)
                    or lost_since > as_of
            """,
        ),
    ]


def collection_worklist() -> list[Rows]:
    return [
        rows(
            title="Customers with delinquent days or an overdue advance are on the worklist, each once, and nobody else",
            sql="""
                select customer_id, listed, delinquent
                from (select customer_id, count(*) as listed from {batch} group by customer_id)
                full join (
                    select customer_id, count(*) as delinquent
                    from (
                        select customer_id
                        from marts.loan_aging
                        where delinquent_days > 0 and as_of = (select max(as_of) from evidence.run)
                        union all
                        select customer_id from marts.advance_aging where days_past_due > 0
                    )
                    group by customer_id
                ) using (customer_id)
                where listed is distinct from 1 or delinquent is null
            """,
        ),
        rows(
            title="Whoever is due has a step, and whoever is held has none and a reason",
            sql="""
                select customer_id, status, step, reason
                from {batch}
                where not coalesce(
                    (status = 'due' and step is not null and channel is not null and party is not null)
                    or (
                        status = 'held' and step is null
                        and reason in ('paused', 'repayment_in_quarantine', 'no_step_allowed')
                    ), false
                )
            """,
        ),
        rows(
            title="Nobody but a lost customer has others contacted about him",
            description="A contact person or an employer is a step for customers who are lost, and for nobody else.",
            sql="""
                select customer_id, step, party
                from {batch}
                semi join (select * from marts.contactability where not is_lost_contact) as found using (customer_id)
                where party in ('contact', 'employer', 'third_party')
            """,
        ),
        rows(
            title="The step is the next one of contactability",
            sql="""
                select customer_id, step, next_step
                from {batch}
                inner join marts.contactability using (customer_id)
                where status = 'due' and step is distinct from next_step
            """,
        ),
    ]


def conduct_rules() -> list[Rows]:
    return [
        rows(
            title="Breaches counted by rule are the breaches listed",
            sql="""
                select rule_id, breaches, not_evaluated, listed, listed_not_evaluated
                from (select rule_id, sum(breaches) as breaches, sum(not_evaluated) as not_evaluated from {batch} group by rule_id)
                full join (
                    select
                        rule_id,
                        count(*) filter (status = 'breach') as listed,
                        count(*) filter (status = 'not_evaluated') as listed_not_evaluated
                    from marts.contact_breaches
                    group by rule_id
                ) using (rule_id)
                where coalesce(breaches, 0) <> coalesce(listed, 0)
                    or coalesce(not_evaluated, 0) <> coalesce(listed_not_evaluated, 0)
            """,
        ),
    ]


def promises() -> list[Rows]:
    return [
        rows(
            title="No promise is listed twice",
            sql="select attempt_id, count(*) as times from {batch} group by attempt_id having count(*) > 1",
        ),
        rows(
            title="A promise's status follows from its day and its money",
            description="Kept with all of it, open before its day is over, partly kept with a part, broken with nothing.",
            sql="""
                select attempt_id, promised_on, promised_amount, paid_amount, status
                from {batch}
                where status is distinct from case
                    when paid_amount > 0 and paid_amount >= coalesce(promised_amount, 0) then 'kept'
                    when promised_on is null or promised_on > as_of then 'open'
                    when paid_amount > 0 then 'partly_kept'
                    else 'broken'
                end
            """,
        ),
    ]


MARTS = {
    "contactability": ("Who can be reached", contactability),
    "collection_worklist": ("What to do tomorrow", collection_worklist),
    "contact_breaches": ("Breaches of conduct", contact_breaches),
    "conduct_rules": ("Rules of conduct", conduct_rules),
    "promises": ("Promises to pay", promises),
}
