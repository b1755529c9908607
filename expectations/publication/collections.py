"""What the marts on collection must be before they go out."""

from __future__ import annotations

from expectations.business import Rows, rows
from expectations.results import Suite

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
            title="Nobody but a lost customer has others contacted",
            description="A contact person or an employer is a step for customers who are lost, and for nobody else.",
            sql="""
                select customer_id, step, party
                from {batch}
                semi join (select * from marts.contactability where not is_lost_contact) as found using (customer_id)
                where party in ('contact', 'employer', 'third_party')
            """,
        ),
        rows(
            title="The hours preferred for a call lie within those allowed, and other steps have none",
            sql="""
                select customer_id, channel, allowed_from, allowed_to, part_of_day, preferred_from, preferred_to
                from {batch}
                where (part_of_day is null) <> (preferred_from is null) or (part_of_day is null) <> (preferred_to is null)
                    or preferred_from < allowed_from or preferred_to > allowed_to or preferred_from >= preferred_to
                    or (part_of_day is not null and channel is distinct from 'phone')
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
        rows(
            title="Every customer has a treatment, and no step but those of the treatment",
            sql="""
                select customer_id, treatment, step
                from {batch}
                left join evidence.treatment using (treatment)
                where steps is null or position(' ' || step || ' ' in steps) = 0
            """,
        ),
        rows(
            title="Nobody's treatment lags behind the days past due",
            description="What begins by days alone has begun, unless it waits for a promise: beyond 90 days nobody is merely called.",
            sql="""
                select customer_id, days_past_due, shown.treatment, max_by(rules.treatment, due.treatment_order) as due_treatment
                from {batch} as shown
                inner join evidence.treatment as mine on mine.treatment = shown.treatment
                inner join evidence.treatment_rule as rules on rules.by_days and rules.days_from <= shown.days_past_due + 1
                inner join evidence.treatment as due on due.treatment = rules.treatment
                where due.treatment_order > mine.treatment_order and not (due.waits_for_promise and shown.promise_due_on is not null)
                group by all
            """,
        ),
        rows(
            title="A treatment begins by a rule of its own whose days have come",
            sql="""
                select customer_id, shown.treatment, treatment_rule, treatment_from, days_past_due
                from {batch} as shown
                left join evidence.treatment_rule as rules using (treatment_rule, treatment)
                where not coalesce(
                    rules.days_from <= days_past_due + 1 and treatment_from >= work_on - (days_past_due + 1 - rules.days_from)
                    and treatment_from <= work_on and deadline_on >= treatment_from, false
                )
            """,
        ),
        rows(
            title="What follows a treatment is a later one, on a later day",
            sql="""
                select customer_id, shown.treatment, next_treatment, next_treatment_on
                from {batch} as shown
                left join evidence.treatment as mine on mine.treatment = shown.treatment
                left join evidence.treatment as following on following.treatment = shown.next_treatment
                where (next_treatment is null) <> (next_treatment_on is null)
                    or (
                        next_treatment is not null
                        and not coalesce(following.treatment_order > mine.treatment_order and next_treatment_on > work_on, false)
                    )
            """,
        ),
        rows(
            title="An agency is on record, where a treatment would ask one",
            severity="info",
            description="Fill the seed collection_agency with listed agencies; until then no step is an agency's.",
            sql="""
                select 'AGENCY' as step, count(*) as customers
                from {batch}
                inner join evidence.treatment using (treatment)
                where steps like '% AGENCY %' and not exists (select 1 from evidence.agency)
                having count(*) > 0
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
        rows(
            title="A rule that nothing could be held against does not look kept",
            sql="""
                select rule_id, attempts, breaches, not_evaluated, status
                from {batch}
                where (status = 'breached') <> (breaches > 0)
                    or (status = 'kept' and (attempts = 0 or not_evaluated > 0))
                    or (status = 'partly_evaluated' and not_evaluated not between 1 and attempts - 1)
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


def contact_timing() -> list[Rows]:
    return [
        rows(
            title="Loans with days past due have one episode that goes on, and no other loan has",
            sql="""
                select loan_id, listed, days_past_due
                from (select loan_id, count(*) as listed from {batch} where ended_on is null group by loan_id)
                full join (
                    select loan_id, days_past_due
                    from marts.loan_aging
                    where days_past_due > 0 and as_of = (select max(as_of) from evidence.run)
                ) using (loan_id)
                where listed is distinct from 1 or days_past_due is null
            """,
        ),
        rows(
            title="Episodes of a loan follow each other",
            description="Each ends after it began and before the next one begins, and lasts as long as it says.",
            sql="""
                select loan_id, entered_on, ended_on, days_overdue
                from (
                    select *, lead(entered_on) over (partition by loan_id order by entered_on) as next_on
                    from {batch}
                )
                where days_overdue is distinct from coalesce(ended_on, as_of + 1) - entered_on
                    or days_overdue < 1
                    or ended_on > as_of
                    or (next_on is not null and coalesce(ended_on >= next_on, true))
                    or (ended_on is null) <> (ended_by is null)
            """,
        ),
        rows(
            title="Attempts of an episode are those of the ledger",
            description="Of customers whose time zone and contacts are said in full.",
            sql="""
                select loan_id, entered_on, attempts, reached, first_reached_on
                from {batch} as shown
                inner join (
                    select
                        loan_id,
                        entered_on,
                        count(*) filter (lender_began) as tried,
                        count(*) filter (lender_began and spoke) as talked,
                        min(contacted_on) filter (spoke) as spoke_on
                    from {batch}
                    inner join evidence.debtor_contacts as contacts using (loan_id)
                    where contacted_on between entered_on and coalesce(ended_on, as_of)
                    group by loan_id, entered_on
                ) as again using (loan_id, entered_on)
                where shown.attempts <> tried or shown.reached <> talked or shown.first_reached_on is distinct from spoke_on
            """,
        ),
        rows(
            title="First attempts and first contacts lie within their episode",
            sql="""
                select loan_id, entered_on, first_attempt_on, first_reached_on
                from {batch}
                where first_attempt_on not between entered_on and coalesce(ended_on, as_of)
                    or first_reached_on not between entered_on and coalesce(ended_on, as_of)
                    or days_to_first_attempt is distinct from first_attempt_on - entered_on
                    or days_to_first_reached is distinct from first_reached_on - entered_on
                    or (attempts > 0) <> (first_attempt_on is not null)
            """,
        ),
    ]


def contact_moves() -> list[Rows]:
    around = {
        f"attempts_{name}": condition
        for name, condition in (
            ("7d_before", "contacted_on between moved_on - 7 and moved_on - 1"),
            ("30d_before", "contacted_on between moved_on - 30 and moved_on - 1"),
            ("on_day", "contacted_on = moved_on"),
            ("7d_after", "contacted_on between moved_on + 1 and moved_on + 7"),
            ("30d_after", "contacted_on between moved_on + 1 and moved_on + 30"),
        )
    }
    counts = ", ".join(
        f"count(*) filter (lender_began and {condition}) as {name}" for name, condition in around.items()
    )
    return [
        rows(
            title="A loan is in the stage that its last move led to",
            sql="""
                select loan_id, moved_on, to_stage, m_stage
                from (select * from {batch} qualify row_number() over (partition by loan_id order by moved_on desc) = 1) as last
                inner join marts.loan_aging as loans using (loan_id)
                where loans.as_of = (select max(as_of) from evidence.run) and m_stage <> to_stage
            """,
        ),
        rows(
            title="Each move begins in the stage that the one before it led to",
            sql="""
                select loan_id, moved_on, from_stage, to_stage, stage_before
                from (select *, lag(to_stage, 1, from_stage) over (partition by loan_id order by moved_on) as stage_before from {batch})
                where from_stage <> stage_before or from_stage = to_stage
            """,
        ),
        rows(
            title="Moves into arrears and out of them are the days on which episodes begin and end",
            sql="""
                with episodes as (
                    select loan_id, entered_on as moved_on, true as begins from marts.contact_timing
                    union all
                    select loan_id, ended_on, false from marts.contact_timing where ended_on is not null
                )

                select loan_id, moved_on, from_stage, to_stage
                from (
                    select *, coalesce(from_stage = 'M0', false) as begins from {batch}
                    where from_stage = 'M0' or to_stage in ('M0', 'closed')
                ) as moves
                anti join episodes using (loan_id, moved_on, begins)  -- keys alone: else every pair is looked at
            """,
        ),
        rows(
            title="A move out of arrears is a cure where the episode was cured, and no move by a new plan is for the worse",
            sql="""
                select loan_id, moved_on, from_stage, to_stage, is_reaged, ended_by
                from {batch} as moves
                left join (select loan_id, ended_on as moved_on, ended_by from marts.contact_timing) using (loan_id, moved_on)
                where (to_stage = 'M0' and is_reaged <> (ended_by = 're_aged')) or (is_reaged and is_worse)
            """,
        ),
        rows(
            title="Attempts around a move are those of the ledger",
            description="Of customers whose time zone and contacts are said in full.",
            sql=f"""
                select loan_id, moved_on, shown.attempts_30d_before, again.attempts_30d_before as recounted
                from {{batch}} as shown
                inner join (
                    select loan_id, moved_on, {counts}
                    from {{batch}}
                    inner join evidence.debtor_contacts as contacts using (loan_id)
                    group by loan_id, moved_on
                ) as again using (loan_id, moved_on)
                where {" or ".join(f"shown.{name} <> again.{name}" for name in around)}
            """,
        ),
    ]


def contact_effect() -> list[Rows]:
    return [
        rows(
            title="Episodes cured or paid are among those followed, and those among all",
            sql="""
                select channel, result, m_stage, currency, horizon_days, episodes, followed_episodes, cured_episodes, reaged_episodes,
                    paid_episodes
                from {batch}
                where not (
                    episodes >= customers and customers >= 1 and followed_episodes <= episodes
                    and cured_episodes >= 0 and reaged_episodes >= 0 and cured_episodes + reaged_episodes <= followed_episodes
                    and paid_episodes between 0 and followed_episodes
                    and paid_amount >= 0
                )
            """,
        ),
        rows(
            title="Rates of cure and payment are their shares",
            sql="""
                select channel, result, m_stage, currency, horizon_days, cure_rate, paid_rate
                from {batch}
                where (followed_episodes = 0) <> (cure_rate is null) or (followed_episodes = 0) <> (paid_rate is null)
                    or abs(cure_rate * followed_episodes - cured_episodes) > 0.0000005 * followed_episodes
                    or abs(paid_rate * followed_episodes - paid_episodes) > 0.0000005 * followed_episodes
            """,
        ),
        rows(
            title="Episodes in which the ledger has a debtor reached are counted",
            description="Of customers whose time zone and contacts are said in full; by channel and currency, over all stages.",
            sql="""
                select channel, currency, known, shown
                from (
                    select channel, currency, count(distinct (loan_id, entered_on)) as known
                    from marts.contact_timing
                    inner join evidence.debtor_contacts using (loan_id)
                    where lender_began and spoke and is_recent and contacted_on between entered_on and coalesce(ended_on, as_of)
                    group by channel, currency
                )
                left join (
                    select channel, currency, sum(episodes) as shown
                    from {batch}
                    where result = 'reached' and horizon_days = 30
                    group by channel, currency
                ) using (channel, currency)
                where known > coalesce(shown, 0)
            """,
        ),
    ]


MARTS = {
    "contactability": ("Who can be reached", contactability),
    "collection_worklist": ("What to do tomorrow", collection_worklist),
    "contact_breaches": ("Breaches of conduct", contact_breaches),
    "conduct_rules": ("Rules of conduct", conduct_rules),
    "promises": ("Promises to pay", promises),
    "contact_timing": ("How soon debtors are contacted", contact_timing),
    "contact_moves": ("Contact before and after a move", contact_moves),
    "contact_effect": ("What followed a contact", contact_effect),
}
