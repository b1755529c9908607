"""What the histories must be before they go out: trend, roll rates, recovery by age, vintages."""

from __future__ import annotations

from expectations.business import Rows, rows
from expectations.results import Suite

# `{batch}` is the mart. Rates have six decimals: a sum of n of them may be off by n half millionths.
ITEMS = {"loan": "loan_aging", "advance": "advance_aging"}
PRINCIPAL = {"loan": "outstanding_principal", "advance": "outstanding"}
# loan_aging may hold many dates, advance_aging holds the last one
TODAY = {"loan": "and as_of = (select max(as_of) from evidence.run)", "advance": ""}


def evidence() -> list[Suite]:
    return []


def all_is_the_sum(what: str, key: str, measures: tuple[str, ...]) -> Rows:
    """Each row ALL of a mart is the sum of its segments; an amount in the reporting currency to a cent a segment."""
    apart = " or ".join(
        f"abs(coalesce(sum({one}) filter (segment = 'ALL'), 0) - coalesce(sum({one}) filter (segment <> 'ALL'), 0)) > 0.01 * count(*)"
        for one in measures
    )
    return rows(
        title=f"The row ALL of {what} is the sum of its segments",
        sql=f"select {key} from {{batch}} group by {key} having {apart}",
    )


def aging_trend() -> list[Rows]:
    wrong = " or ".join(
        f"(trend.{rate} is null) <> ({whole} = 0) or abs(trend.{rate} - least(999, {part}::double / nullif({whole}, 0))) > 0.00000051"
        for rate, part, whole in (
            ("overdue_rate", "trend.all_overdue_balance", "trend.all_balance"),
            ("npl_rate", "trend.all_npl_balance", "trend.all_balance"),
            ("provision_coverage", "trend.all_provision", "trend.all_npl_balance"),
            ("deviation_90", "trend.all_balance_beyond_90", "trend.all_npl_balance"),
        )
    )
    return [
        rows(
            title=f"The last date of the trend adds up to the book: {item_type}s",
            description=f"Each scheme spreads the whole book of {mart} of that date, by currency, to the cent.",
            sql=f"""
                with book as (
                    select currency, sum({PRINCIPAL[item_type]}) as total
                    from marts.{mart}
                    where not is_written_off {TODAY[item_type]}
                    group by currency
                ),

                schemes as (
                    select scheme, currency, sum(outstanding_principal) as total
                    from {{batch}}
                    where item_type = '{item_type}' and as_of = (select max(as_of) from evidence.run)
                        and segment <> 'ALL' and currency <> 'ALL'
                    group by scheme, currency
                )

                select scheme, currency, schemes.total as in_trend, book.total as in_book
                from schemes
                full join book using (currency)
                where schemes.total is distinct from book.total
            """,
        )
        for item_type, mart in ITEMS.items()
    ] + [
        rows(
            title="Each rate of the trend is its numerator over its denominator, and the headline's",
            sql=f"""
                select as_of, segment, currency, trend.overdue_rate, headline.overdue_rate as of_headline
                from {{batch}} as trend
                left join marts.headline as headline using (as_of, segment, currency)
                where {wrong}
                    or (trend.all_balance, trend.all_overdue_balance) is distinct from (headline.balance, headline.overdue_balance)
            """,
        ),
        rows(
            title="Rates of the trend lie between 0 and 1",
            sql="""
                select as_of, segment, currency, overdue_rate, npl_rate
                from {batch}
                where overdue_rate not between 0 and 1 or npl_rate not between 0 and 1
            """,
        ),
        all_is_the_sum(
            "the trend",
            "as_of, item_type, scheme, bucket, currency",
            ("items", "outstanding_principal", "overdue_amount", "overdue_balance"),
        ),
    ]


def roll_rates() -> list[Rows]:
    return [
        rows(
            title="Each row of the roll-rate matrix sums to 1",
            description="By count and by balance, leaving states included, within the rounding of its rates.",
            sql="""
                select
                    from_as_of, segment, currency, from_bucket,
                    sum(rate_by_count) as by_count, sum(rate_by_balance) as by_balance
                from {batch}
                group by from_as_of, segment, currency, from_bucket
                having abs(sum(rate_by_count) - 1) > 0.0000005 * count(*)
                    or abs(sum(rate_by_balance) - 1) > 0.0000005 * count(*)
            """,
        ),
        rows(
            title="Every link of the roll rates goes forward in time",
            sql="select from_as_of, as_of from {batch} where from_as_of is null or not from_as_of < as_of",
        ),
        all_is_the_sum("the roll rates", "from_as_of, currency, from_bucket, to_bucket", ("loans", "opening_balance")),
    ]


def recovery_by_age() -> list[Rows]:
    return [
        rows(
            title="No more was recovered than was overdue",
            sql="""
                select from_as_of, m_stage, horizon_days, currency, overdue_amount, recovered_amount
                from {batch}
                where recovered_amount > overdue_amount or cured_loans + reaged_loans > loans
            """,
        ),
        rows(
            title="A horizon that is not over has no recovery yet",
            sql="""
                select from_as_of, m_stage, horizon_days, recovered_amount
                from {batch}
                where (recovered_amount is null) <> (from_as_of + horizon_days > as_of)
            """,
        ),
        all_is_the_sum(
            "recovery by age",
            "from_as_of, m_stage, horizon_days, currency",
            ("loans", "overdue_amount", "recovered_amount", "cured_loans", "reaged_loans"),
        ),
    ]


def cure_curves() -> list[Rows]:
    return [
        rows(
            title="A cure curve follows the loans that rolled from the stage",
            description="Loans of the book at each month's last date of the history, as far as they were followed for so many whole months.",
            sql="""
                with month_end as (
                    select max(as_of) as as_of from (select distinct as_of from marts.aging_trend) as dates group by date_trunc('month', as_of)
                ),

                late as (
                    select from_as_of as as_of, from_bucket as m_stage, segment, sum(loans) as loans from marts.roll_rates
                    where from_bucket <> 'M0' and from_bucket like 'M%' and currency <> 'ALL' and segment <> 'ALL'
                    group by from_as_of, from_bucket, segment
                ),

                followed as (
                    select opening.as_of, n.months_since
                    from month_end as opening
                    cross join (select unnest(range(1, 13)) as months_since) as n
                    inner join month_end as later
                        on date_diff('month', opening.as_of, later.as_of) = n.months_since
                            and later.as_of >= opening.as_of + to_months(n.months_since::integer)
                ),

                wanted as (
                    select late.m_stage, unnest(['ALL', late.segment]) as segment, followed.months_since, late.loans
                    from late
                    inner join followed using (as_of)
                ),

                summed as (
                    select m_stage, segment, months_since, sum(loans) as loans from wanted group by m_stage, segment, months_since
                )

                select m_stage, segment, months_since, curve.loans, summed.loans as rolled
                from {batch} as curve
                full join summed using (m_stage, segment, months_since)
                where curve.loans is distinct from summed.loans
            """,
        ),
        rows(
            title="Each rate of a cure curve is its numerator over the loans",
            description="No loan is counted twice, and none is cured in a month that was not cured by it.",
            sql="""
                select m_stage, segment, months_since, loans, cured_loans, cure_rate, reaged_loans, reage_rate
                from {batch}
                where abs(cure_rate - cured_loans::double / loans) > 0.00000051 or abs(reage_rate - reaged_loans::double / loans) > 0.00000051
                    or cured_loans + reaged_loans + other_loans > loans or cured_in_month > cured_loans or cure_rate is null or reage_rate is null
            """,
        ),
        all_is_the_sum("a cure curve", "m_stage, months_since", ("cured_loans", "reaged_loans", "other_loans")),
    ]


def recovery_after_write_off() -> list[Rows]:
    summed = ("items", "written_off_amount", "recovered_in_month", "recovered_amount")
    return [
        rows(
            title="What came in after write-offs is what the ledgers say",
            description="Items followed for a whole month and all cash of whole months, worked out from dates and amounts of the ledgers, by currency.",
            sql="""
                with curve as (
                    select currency, max(items) filter (months_since = 0) as items, sum(recovered_in_month) as recovered
                    from {batch}
                    where cohort_year = 'ALL' and segment = 'ALL' and currency <> 'ALL'
                    group by currency
                )

                select currency, curve.items, ledgers.items as in_ledgers, curve.recovered, ledgers.recovered as recovered_in_ledgers
                from curve
                full join evidence.recovered as ledgers using (currency)
                where curve.items is distinct from ledgers.items or curve.recovered is distinct from ledgers.recovered
            """,
        ),
        rows(
            title="Each rate of recovery after write-off is its numerator over what was written off",
            sql="""
                select cohort_year, segment, currency, months_since, recovered_amount, written_off_amount, recovery_rate
                from {batch}
                where (recovery_rate is null) <> (written_off_amount = 0)
                    or abs(recovery_rate - greatest(-999, least(999, recovered_amount::double / nullif(written_off_amount, 0)))) > 0.00000051
            """,
        ),
        rows(
            title="The rows ALL of recovery after write-off are the sums of cohorts and segments",
            description="In each currency, to the cent.",
            sql=f"""
                with summed as (
                    select
                        currency, months_since, cohort_year = 'ALL' as is_all_cohorts, segment = 'ALL' as is_all_segments,
                        {", ".join(f"sum({name}) as {name}" for name in summed)}
                    from {{batch}}
                    where currency <> 'ALL'
                    group by all
                )

                select currency, months_since
                from summed
                group by currency, months_since
                having count(*) <> 4 or {" or ".join(f"min({name}) <> max({name})" for name in summed)}
            """,
        ),
    ]


def vintages() -> list[Rows]:
    rates = [
        (f"{kind}_{days}_{part}", f"{kind}_{days}_rate_by_{by}", whole)
        for kind in ("ever", "current")
        for days in ("1", "30", "60", "90")
        for part, by, whole in (("loans", "count", "loans"), ("principal", "principal", "principal"))
    ]
    wrong = " or ".join(
        f"({rate} is null) <> ({whole} = 0) or abs({rate} - {part}::double / nullif({whole}, 0)) > 0.00000051"
        for part, rate, whole in rates
    )
    steps = [("1", "30"), ("30", "60"), ("60", "90")]
    worse = " or ".join(
        f"{kind}_{more}_rate_by_count > {kind}_{less}_rate_by_count"
        for kind in ("ever", "current")
        for less, more in steps
    )
    return [
        rows(
            title="No more loans of a vintage are late by more days than by fewer",
            sql=f"select as_of, cohort_month, segment, currency from {{batch}} where {worse}",
        ),
        rows(
            title="A cohort has one row of each age",
            description="By segment and currency: of several dates in one month the last one stands for the age.",
            sql="""
                select cohort_month, months_on_book, segment, currency, count(*) as times
                from {batch}
                group by cohort_month, months_on_book, segment, currency
                having count(*) > 1
            """,
        ),
        rows(
            title="Each rate of a vintage is its numerator over the cohort",
            sql=f"select as_of, cohort_month, segment, currency from {{batch}} where {wrong}",
        ),
        rows(
            title="No vintage is late now with more loans than ever were",
            sql="""
                select as_of, cohort_month, segment, currency
                from {batch}
                where current_1_rate_by_count > ever_1_rate_by_count or current_30_rate_by_count > ever_30_rate_by_count
                    or current_60_rate_by_count > ever_60_rate_by_count or current_90_rate_by_count > ever_90_rate_by_count
            """,
        ),
        all_is_the_sum(
            "a vintage",
            "as_of, cohort_month, currency",
            ("loans", "principal", *(part for part, _, _ in rates)),
        ),
    ]


MARTS = {
    "aging_trend": ("Aging trend", aging_trend),
    "roll_rates": ("Roll rates", roll_rates),
    "recovery_by_age": ("Recovery by age", recovery_by_age),
    "cure_curves": ("Cure curves", cure_curves),
    "recovery_after_write_off": ("Recovery after write-off", recovery_after_write_off),
    "vintages": ("Vintages", vintages),
}
