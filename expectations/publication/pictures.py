"""What the views bi_<picture> must be: the marts that they show, added up as a tool would add them up."""

from __future__ import annotations

from collections.abc import Collection

from expectations.business import Rows, rows
from expectations.results import Suite

GRAINS = {  # what a row of each is found by, and the marts that it needs
    "bi_headline": (("currency",), ("headline",)),
    "bi_headline_over_time": (("as_of", "currency"), ("headline",)),
    "bi_segments": (("segment", "currency"), ("headline",)),
    "bi_aging": (("bucket", "currency"), ("aging_trend", "headline")),
    "bi_aging_over_time": (("as_of", "bucket", "currency"), ("aging_trend", "headline")),
    "bi_roll_matrix": (("from_bucket", "to_bucket", "currency"), ("roll_rates",)),
    "bi_roll_forward": (("as_of", "currency"), ("roll_forward",)),
    "bi_overdue_roll_forward": (("as_of", "currency"), ("roll_forward",)),
    "bi_vintages": (("cohort_month", "months_on_book", "currency"), ("vintages",)),
    "bi_classes": (("risk_class", "currency"), ("risk_classification",)),
    "bi_recovery": (("m_stage", "horizon_days", "currency"), ("recovery_by_age",)),
    "bi_customer_types": (("customer_type", "currency"), ("customer_type_summary",)),
    "bi_disclosure": (("period", "security", "currency"), ("overdue_disclosure",)),
    "bi_advances": (("bucket", "currency"), ("advance_distribution",)),
    "bi_watchlist": (("severity", "segment"), ("watchlist",)),
}
SHOWN = "qualify (currency = 'ALL') = bool_or(currency = 'ALL') over (partition by as_of)"


def pictures(marts: Collection[str]) -> list[Suite]:
    """The suites on the views whose marts are there."""
    return [
        Suite(
            f"marts.{view}",
            [one_row(grain), *TIES.get(view, [])],
            title=f"Picture: {view.removeprefix('bi_').replace('_', ' ')}",
        )
        for view, (grain, needed) in GRAINS.items()
        if set(needed) <= set(marts)
    ]


def one_row(grain: tuple[str, ...]) -> Rows:
    return rows(
        title=f"One row for each {', '.join(grain).replace('_', ' ')}",
        sql=f"select {', '.join(grain)}, count(*) as times from {{batch}} group by all having count(*) > 1",
    )


TIES = {
    "bi_aging_over_time": [
        rows(
            title="The stages add up to the trend, in the one currency that is shown",
            description="Loans of all segments, to the cent.",
            sql=f"""
                with trend as (
                    select as_of, currency, sum(items) as items, sum(outstanding_principal) as balance
                    from (
                        select * from marts.aging_trend
                        where item_type = 'loan' and scheme = 'CN_M_STAGE' and segment = 'ALL'
                        {SHOWN}
                    )
                    group by as_of, currency
                ),

                drawn as (
                    select as_of, currency, sum(items) as items, sum(outstanding_principal) as balance from {{batch}} group by as_of, currency
                )

                select as_of, currency, drawn.items, trend.items as in_trend, drawn.balance, trend.balance as balance_in_trend
                from drawn
                full join trend using (as_of, currency)
                where coalesce(drawn.items, 0) <> coalesce(trend.items, 0) or coalesce(drawn.balance, 0) <> coalesce(trend.balance, 0)
            """,
        ),
    ],
    "bi_segments": [
        rows(
            title="The segments add up to the headline",
            description="In one currency to the cent, in ALL but for a cent of rounding for each segment.",
            sql="""
                with latest as (
                    select currency, balance from marts.headline
                    where segment = 'ALL' and as_of = (select max(as_of) from marts.headline)
                )

                select currency, sum(drawn.balance) as balance, max(whole.balance) as headline
                from {batch} as drawn
                full join (from latest where (currency = 'ALL') = (select bool_or(currency = 'ALL') from latest)) as whole using (currency)
                group by currency
                having abs(coalesce(sum(drawn.balance), 0) - coalesce(max(whole.balance), 0)) > if(currency = 'ALL', 0.02, 0)
            """,
        ),
    ],
    "bi_classes": [
        rows(
            title="The classes add up to what is classified",
            sql="""
                select currency, drawn.balance, classified.balance as in_mart
                from (select currency, sum(balance) as balance, sum(items) as items from {batch} group by currency) as drawn
                full join (
                    select currency, sum(balance) as balance, count(*) as items from marts.risk_classification group by currency
                ) as classified using (currency)
                where drawn.balance is distinct from classified.balance or drawn.items is distinct from classified.items
            """,
        ),
    ],
}
