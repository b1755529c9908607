"""What classification, watchlist and case files must be before they go out."""

from __future__ import annotations

from expectations.business import Rows, rows
from expectations.results import Suite


def measures_fit(column: str) -> Rows:
    """Of watchlist, cases and types of customers alike: that is what keeps them from contradicting each other."""
    return rows(
        title="No measure stands outside its days past due",
        description="As the seed measure has them: legal action without arrears, or a longer tenor beside it, would.",
        sql=f"""
            with late as (
                select customer_id, max(days_past_due) as days_past_due
                from marts.risk_classification
                group by customer_id
            )

            select customer_id, late.days_past_due, measure.measure_id
            from {{batch}}
            inner join late using (customer_id)
            inner join evidence.measure_days as measure
                on position(' ' || measure.measure_id || ',' in ' ' || {column} || ',') > 0
            where late.days_past_due not between measure.days_from and measure.days_to
        """,
    )


def evidence() -> list[Suite]:
    return [Suite("evidence.to_classify", to_classify(), title="What is to be classified")]


def to_classify() -> list[Rows]:
    """`evidence.to_classify`: loans of the book and advances outstanding, with their least class by days and impairment."""
    return [
        rows(
            title="Every loan and advance of the book is classified",
            sql="""
                select item_type, item_id, currency
                from {batch}
                anti join marts.risk_classification using (item_type, item_id)
            """,
        ),
        rows(
            title="Nothing is classified that the book does not have",
            sql="""
                select item_type, item_id, currency
                from marts.risk_classification
                anti join {batch} as book using (item_type, item_id)
            """,
        ),
        rows(
            title="The classified balances are those of the book",
            description="To the cent and in the book's currency, item by item; those with special cases have no second balance.",
            sql="""
                select item_type, item_id, book.balance as book_balance, classified.balance
                from {batch} as book
                inner join marts.risk_classification as classified using (item_type, item_id)
                where book.balance <> classified.balance or book.currency is distinct from classified.currency
            """,
        ),
        rows(
            title="Nothing is classified better than its days and impairment allow",
            description="What the rules say, against days that were recomputed independently, and the flag in the ledger.",
            sql="""
                select item_type, item_id, book.least_class, classified.class_by_rules
                from {batch} as book
                inner join marts.risk_classification as classified using (item_type, item_id)
                where classified.class_by_rules < book.least_class
            """,
        ),
    ]


def risk_classification() -> list[Rows]:
    return [
        rows(
            title="No item is classified twice",
            sql="""
                select item_type, item_id, count(*) as times
                from {batch}
                group by item_type, item_id
                having count(*) > 1 or item_id is null
            """,
        ),
        rows(
            title="Every class is one of five",
            sql="select item_type, item_id, risk_class from {batch} where risk_class is null or risk_class not between 1 and 5",
        ),
        rows(
            title="A class worse than pass names the rule that decided",
            description="And the rule that decided is one of those that held. Looked at is what the rules say; an adjustment has no rule.",
            sql="""
                select item_type, item_id, class_by_rules, rules_fired, deciding_rule
                from {batch}
                where (class_by_rules > 1 and deciding_rule is null)
                    or (deciding_rule is not null and position(deciding_rule in rules_fired) = 0)
            """,
        ),
        rows(
            title="A class is what the rules say, or what an approved adjustment in force says",
            description="Each override is a row of the ledger adjustments with a reason, approved by another than who prepared it.",
            sql="""
                select
                    item_type, item_id, shown.risk_class, class_by_rules, shown.adjustment_id,
                    ledger.adjustment_id as in_force, ledger.risk_class as adjusted_to, ledger.approved_by
                from {batch} as shown
                left join (select *, 'loan' as item_type, loan_id as item_id from evidence.adjustments) as ledger
                    using (item_type, item_id)
                where shown.risk_class <> coalesce(ledger.risk_class::integer, class_by_rules)
                    or shown.adjustment_id is distinct from ledger.adjustment_id
                    or shown.adjusted_by is distinct from ledger.prepared_by
                    or shown.approved_by is distinct from ledger.approved_by
                    or shown.adjusted_until is distinct from ledger.valid_until
                    or not ledger.has_reason
                    or lower(trim(ledger.approved_by)) = lower(trim(ledger.prepared_by))
            """,
        ),
        rows(
            title="The provision is the balance times the rate of the class",
            description="Rounded half up to the cent.",
            sql="""
                select item_type, item_id, balance, provision_rate, provision_amount
                from {batch}
                where provision_amount is distinct from round(balance::decimal(28, 2) * provision_rate, 2)
            """,
        ),
        rows(
            title="A worse class provides at least as much as a better one",
            sql="""
                select worse.item_id, worse.risk_class, worse.provision_rate, better.risk_class as better_class
                from (select risk_class, max(provision_rate) as provision_rate from {batch} group by risk_class) as better
                inner join {batch} as worse
                    on worse.risk_class > better.risk_class and worse.provision_rate < better.provision_rate
            """,
        ),
        rows(
            title="Migration agrees with the class of the last month-end",
            sql="""
                select item_type, item_id, previous_class, risk_class, migration
                from {batch}
                where migration is distinct from case
                    when previous_class is null then 'new'
                    when risk_class > previous_class then 'downgraded'
                    when risk_class < previous_class then 'upgraded'
                    else 'unchanged'
                end
            """,
        ),
    ]


def watchlist() -> list[Rows]:
    return [
        rows(
            title="No customer is watched twice",
            sql="""
                select customer_id, count(*) as times
                from {batch}
                group by customer_id
                having count(*) > 1 or customer_id is null
            """,
        ),
        rows(
            title="Every watched customer has a signal, evidence and a measure",
            sql="""
                select customer_id, signals, evidence, measures
                from {batch}
                where coalesce(signals, '') = '' or coalesce(evidence, '') = '' or coalesce(measures, '') = ''
            """,
        ),
        measures_fit("measures"),
        rows(
            title="More points are never less severe",
            sql="""
                select worse.customer_id, worse.points, worse.severity_order, better.severity_order as severity_of_fewer
                from (select severity_order, min(points) as points from {batch} group by severity_order) as better
                inner join {batch} as worse on worse.points > better.points and worse.severity_order > better.severity_order
            """,
        ),
    ]


def case_files() -> list[Rows]:
    return [
        measures_fit("measures"),
        rows(
            title="Every customer with something overdue has one case",
            sql="""
                select late.customer_id, coalesce(cases.times, 0) as cases
                from (select distinct customer_id from marts.risk_classification where days_past_due > 0) as late
                left join (select customer_id, count(*) as times from {batch} group by customer_id) as cases using (customer_id)
                where coalesce(cases.times, 0) <> 1
            """,
        ),
        rows(
            title="No case is about a customer without arrears",
            sql="""
                select customer_id, days_past_due
                from {batch}
                anti join (select customer_id from marts.risk_classification where days_past_due > 0) as late using (customer_id)
            """,
        ),
        rows(
            title="A case is as late and as bad as the customer's worst item",
            sql="""
                select cases.customer_id, cases.days_past_due, items.most_days, cases.risk_class, items.worst_class
                from {batch} as cases
                inner join (
                    select customer_id, max(days_past_due) as most_days, max(risk_class) as worst_class
                    from marts.risk_classification
                    group by customer_id
                ) as items using (customer_id)
                where cases.days_past_due <> items.most_days or cases.risk_class is distinct from items.worst_class
            """,
        ),
        rows(
            title="Every case has a cause with its evidence, and a measure",
            sql="""
                select customer_id, causes, evidence, measures
                from {batch}
                where coalesce(causes, '') = '' or coalesce(evidence, '') = '' or coalesce(measures, '') = ''
            """,
        ),
        rows(
            title="A case has every measure that the watchlist has",
            sql="""
                select customer_id, measure.measure_id
                from {batch} as cases
                inner join marts.watchlist as watched using (customer_id)
                inner join evidence.measure_days as measure
                    on position(' ' || measure.measure_id || ',' in ' ' || watched.measures || ',') > 0
                where position(' ' || measure.measure_id || ',' in ' ' || cases.measures || ',') = 0
                    and cases.days_past_due between measure.days_from and measure.days_to
            """,
        ),
        rows(
            title="What was paid in six months is that of the ledger",
            description="Cash on the overdue debts, reversals taken off, by currency: what a plan is sized by.",
            sql="""
                with paid as (
                    select items.customer_id, items.currency, sum(coalesce(lately.paid, 0))::decimal(18, 2) as paid
                    from marts.risk_classification as items
                    left join evidence.paid_lately as lately using (item_type, item_id)
                    where items.days_past_due > 0
                    group by all
                )

                select customer_id, cases.paid_six_months, again.paid as in_ledger
                from {batch} as cases
                inner join (
                    select customer_id, string_agg(currency || ' ' || paid::varchar, ', ' order by currency) as paid
                    from paid
                    group by customer_id
                ) as again using (customer_id)
                where cases.paid_six_months is distinct from again.paid
            """,
        ),
        rows(
            title="A case tells the shortfall that the ledger of collateral leaves",
            sql="""
                select customer_id, item_id, lacking
                from (
                    select
                        cases.customer_id, cases.debts_en, items.item_id,
                        greatest(0, items.balance - coalesce(secured.value_after_haircut, 0))::decimal(18, 2) as lacking
                    from {batch} as cases
                    inner join marts.risk_classification as items using (customer_id)
                    left join evidence.collateral_of_loan as secured on items.item_type = 'loan' and secured.loan_id = items.item_id
                    where items.days_past_due > 0
                )
                where position('shortfall ' || lacking::varchar || ',' in debts_en) = 0
            """,
        ),
    ]


CELL = "from_as_of, as_of, span, segment, currency"


def class_migration() -> list[Rows]:
    return [
        rows(
            title="Each row of the class matrix sums to 1",
            description="By count and by balance, what has left included, within the rounding of its rates.",
            sql=f"""
                select {CELL}, from_class, sum(rate_by_count) as by_count, sum(rate_by_balance) as by_balance
                from {{batch}}
                group by {CELL}, from_class
                having abs(sum(rate_by_count) - 1) > 0.0000005 * count(*)
                    or abs(sum(rate_by_balance) - 1) > 0.0000005 * count(*)
            """,
        ),
        rows(
            title="A class matrix opens with the headline",
            description="All items and their balance at its first date, in every segment and currency, to the cent.",
            sql=f"""
                with opened as (
                    select {CELL}, sum(items) as items, sum(opening_balance) as balance
                    from {{batch}}
                    where currency <> 'ALL'
                    group by {CELL}
                )

                select {", ".join(f"opened.{name}" for name in CELL.split(", "))}, opened.items, opened.balance, headline.balance as in_headline
                from opened
                left join marts.headline as headline
                    on headline.as_of = opened.from_as_of and headline.segment = opened.segment
                        and headline.currency = opened.currency
                where opened.items is distinct from headline.items or opened.balance is distinct from headline.balance
            """,
        ),
        rows(
            title="No more is kept than was there, and nothing of what has left",
            sql=f"""
                select {CELL}, from_class, to_code, opening_balance, kept_balance
                from {{batch}}
                where kept_balance not between 0 and opening_balance or (to_order > 5 and kept_balance <> 0)
            """,
        ),
    ]


def class_migration_rates() -> list[Rows]:
    return [
        rows(
            title="Each rate of migration is its numerator over its denominator",
            sql=f"""
                select {CELL}, rate_id
                from {{batch}}
                where (rate_by_count is null) <> (kept_items = 0) or (rate_by_balance is null) <> (kept_balance = 0)
                    or abs(rate_by_count - migrated_items::double / nullif(kept_items, 0)) > 0.00000051
                    or abs(rate_by_balance - migrated_balance::double / nullif(kept_balance, 0)) > 0.00000051
            """,
        ),
        rows(
            title="A rate of migration adds up the class matrix",
            description="What of its opening classes is still there, and what of that is in a worse class, to the cent.",
            sql=f"""
                with added as (
                    select
                        {CELL}, rate_id, sum(items) as kept_items, sum(kept_balance) as kept_balance,
                        sum(if(to_order >= to_class_min, items, 0)) as migrated_items,
                        sum(if(to_order >= to_class_min, kept_balance, 0)) as migrated_balance
                    from marts.class_migration
                    inner join evidence.migration_rate as rates on from_class between from_class_min and from_class_max
                    where to_order <= 5
                    group by all
                )

                select {CELL}, rate_id, rated.kept_balance, added.kept_balance as kept_in_matrix, rated.migrated_balance,
                    added.migrated_balance as migrated_in_matrix
                from {{batch}} as rated
                full join added using ({CELL}, rate_id)
                where rated.kept_items is distinct from added.kept_items or rated.kept_balance is distinct from added.kept_balance
                    or rated.migrated_items is distinct from added.migrated_items
                    or rated.migrated_balance is distinct from added.migrated_balance
            """,
        ),
    ]


def forbearance() -> list[Rows]:
    """Concessions, against what loan_aging says of the plan in force and of restructuring, and the ledger of waivers."""
    return [
        rows(
            title="A loan is restructured in loan_aging where forbearance has its restructuring",
            sql="""
                select loan_id, aged.is_restructured, listed.times
                from (select * from marts.loan_aging where as_of = (select max(as_of) from evidence.run)) as aged
                full join (select loan_id, count(*) as times from {batch} where kind = 'restructured' group by loan_id) as listed
                    using (loan_id)
                where coalesce(aged.is_restructured, false) <> (coalesce(listed.times, 0) = 1) or listed.times > 1
            """,
        ),
        rows(
            title="Days before the plan or the extension in force are those of loan_aging",
            description="And no loan that was late before its plan took effect is without a new plan or an extension.",
            sql="""
                with agreed as (
                    select loan_id, event_on, days_before from {batch} where kind in ('new_plan', 'extension')
                ),

                aged as (select * from marts.loan_aging where as_of = (select max(as_of) from evidence.run))

                select loan_id, agreed.event_on, agreed.days_before, aged.days_before_plan
                from agreed
                left join aged using (loan_id)
                where aged.loan_id is null
                    or (agreed.event_on = aged.plan_effective_on and agreed.days_before is distinct from aged.days_before_plan)
                union all
                select loan_id, plan_effective_on, null, days_before_plan
                from aged
                where days_before_plan > 0 and plan_no > 1 and plan_effective_on > disbursed_on
                    and loan_id not in (select loan_id from agreed)
            """,
        ),
        rows(
            title="Waivers add up to those of the ledger",
            description="Of loans that are open, less reversals by the date, by currency, to the cent.",
            sql="""
                select currency, listed.waived, ledger.waived as in_ledger
                from (select currency, sum(waived_amount) as waived from {batch} where kind = 'waiver' group by currency) as listed
                full join evidence.waived as ledger using (currency)
                where coalesce(listed.waived, 0) <> coalesce(ledger.waived, 0)
            """,
        ),
        rows(
            title="What followed a concession follows from its dates",
            description="A default again lies after it and within the observation; an observation that has passed has ended; days were taken away where there are fewer.",
            sql="""
                select loan_id, event_on, kind, observation_ends_on, is_observation_passed, redefault_on
                from {batch}
                where is_redefault <> (redefault_on is not null)
                    or redefault_on <= event_on or redefault_on >= observation_ends_on
                    or is_observation_passed <> coalesce(
                        observation_ends_on <= (select max(as_of) from evidence.run) and (redefault_on is null or kind = 'restructured'), false
                    )
                    or is_in_arrears <> (days_before > 0)
                    or is_reaging <> (kind in ('extension', 'new_plan') and days_after < days_before)
                    or (waived_amount is null) <> (kind <> 'waiver') or (rate_after is null) <> (kind <> 'rate_cut') or rate_after >= rate_before
                    or event_on > (select max(as_of) from evidence.run)
            """,
        ),
    ]


MARTS = {
    "class_migration": ("Migration of classes", class_migration),
    "class_migration_rates": ("Rates of migration", class_migration_rates),
    "risk_classification": ("Risk classification", risk_classification),
    "watchlist": ("Watchlist", watchlist),
    "forbearance": ("Concessions", forbearance),
    "case_files": ("Case files", case_files),
}
