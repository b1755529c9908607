"""What advances, exposure and customer types must be before they go out. They are of the run's last date."""

from __future__ import annotations

from expectations.business import Rows, rows
from expectations.publication.risk import measures_fit
from expectations.results import Suite


def evidence() -> list[Suite]:
    return [Suite("evidence.advances_out", advances_out(), title="Advances, worked out from the ledgers")]


def advances_out() -> list[Rows]:
    """`evidence.advances_out`: one row per advance that is not fully repaid, written off or not."""
    return [
        rows(
            title="No advance that is out is absent from advance_aging",
            sql="""
                select advance_id, currency, outstanding
                from {batch}
                anti join marts.advance_aging using (advance_id)
            """,
        ),
        rows(
            title="No advance is in advance_aging that is not out",
            sql="""
                select advance_id, currency, outstanding
                from marts.advance_aging
                anti join {batch} as again using (advance_id)
            """,
        ),
        rows(
            title="The outstanding of every advance is the one recomputed",
            description="To the cent, advance by advance, in its currency; and whether it was written off.",
            sql="""
                select advance_id, again.outstanding as recomputed_outstanding, aging.outstanding, aging.currency
                from {batch} as again
                inner join marts.advance_aging as aging using (advance_id)
                where again.outstanding is distinct from aging.outstanding
                    or again.currency is distinct from aging.currency
                    or again.is_written_off is distinct from aging.is_written_off
            """,
        ),
        rows(
            title="The days of every advance are those recomputed",
            description="How long it has been out, and past due.",
            sql="""
                select
                    advance_id,
                    again.duration_days as recomputed_duration_days, aging.duration_days,
                    again.days_past_due as recomputed_days_past_due, aging.days_past_due
                from {batch} as again
                inner join marts.advance_aging as aging using (advance_id)
                where again.duration_days is distinct from aging.duration_days
                    or again.days_past_due is distinct from aging.days_past_due
            """,
        ),
    ]


# The two books, item by item: what every mart of this domain adds up to.
ITEMS = """
    select
        customer_id, currency, 1 as loans, 0 as advances, outstanding_principal as loan_balance, 0 as advance_balance,
        outstanding_principal as balance, overdue_amount, overdue_balance, days_past_due
    from marts.loan_aging
    where as_of = (select max(as_of) from evidence.run) and not is_written_off
    union all
    select
        customer_id, currency, 0, 1, 0, outstanding, outstanding,
        if(days_past_due > 0, outstanding, 0), if(days_past_due > 0, outstanding, 0), days_past_due
    from marts.advance_aging
    where not is_written_off
"""


# Both books in each currency that they are shown in.
SHOWN_ITEMS = f"""
    select item.* replace (
        shown_in as currency, balance * rate as balance, overdue_amount * rate as overdue_amount, overdue_balance * rate as overdue_balance
    )
    from ({ITEMS}) as item
    inner join evidence.shown using (currency)
"""

# What overdue customers owe, in each currency that it is shown in: its own, and ALL where there is a rate for every one.
OF_LATE_CUSTOMERS = f"""
    with item as ({ITEMS})

    select item.* replace (shown_in as currency, overdue_amount * rate as overdue_amount, overdue_balance * rate as overdue_balance)
    from item
    inner join evidence.shown using (currency)
    where (customer_id, item.currency) in (select customer_id, currency from item where days_past_due > 0)
"""


def adds_up(title: str, measures: dict[str, str], where: str = "true", items: str = ITEMS) -> Rows:
    """Sums by currency: what the mart says of a measure, and what the items come to.

    Each row of ALL is rounded by itself, so these may differ by half a cent a row, and by no more.
    """
    lines = " union all ".join(
        f"""
        select
            '{measure}' as measure, currency, sum(in_mart) as in_mart, sum(in_book) as in_book,
            if(currency = 'ALL', 0.005, 0) * sum(mart_rows) as rounding
        from (
            select currency, {measure} as in_mart, 0 as in_book, 1 as mart_rows from {{batch}} where {where}
            union all
            select currency, 0, {of_item}, 0 from ({items}) as items
        ) as both_sides
        group by currency
        """
        for measure, of_item in measures.items()
    )
    return rows(
        title=title,
        description="By currency, against loan_aging and advance_aging without what is written off.",
        sql=f"""
            select measure, currency, in_mart, in_book, in_mart - in_book as difference
            from ({lines}) as sums
            where abs(in_mart - in_book) > rounding
        """,
    )


BALANCES = {"loan_balance": "loan_balance", "advance_balance": "advance_balance"}


def advance_aging() -> list[Rows]:
    return [
        rows(
            title="No advance is listed twice",
            sql="select advance_id, count(*) as times from {batch} group by advance_id having count(*) > 1",
        ),
        rows(
            title="Business days of an advance are at most its calendar days",
            sql="""
                select advance_id, duration_days, business_duration_days
                from {batch}
                where business_duration_days is null or business_duration_days not between 0 and duration_days
            """,
        ),
    ]


def advance_distribution() -> list[Rows]:
    return [
        adds_up(
            "The distribution of advances adds up to their book",
            {"advances": "advances", "outstanding": "advance_balance"},
        ),
    ]


def customer_exposure() -> list[Rows]:
    return [
        adds_up(
            "The exposures add up to both books",
            {
                "loans": "loans",
                "advances": "advances",
                **BALANCES,
                "overdue_amount": "overdue_amount",
                "overdue_balance": "overdue_balance",
            },
        ),
        rows(
            title="The share repaid is cash over cash and what is overdue",
            description="Payments less reversals of the last 90 days, summed again from the ledgers; waivers are none.",
            sql="""
                with again as (
                    select
                        customer_id, currency, repaid_share_90d, overdue_amount,
                        greatest(0, coalesce(cash_90d.cash, 0)) as cash
                    from {batch}
                    left join evidence.cash_90d as cash_90d using (customer_id, currency)
                )

                select customer_id, currency, repaid_share_90d, cash, overdue_amount
                from again
                where (repaid_share_90d is null) <> (cash + overdue_amount = 0)
                    or abs(repaid_share_90d * (cash + overdue_amount)::decimal(28, 2) - cash) > 0.0000005 * (cash + overdue_amount)::decimal(28, 2)
            """,
        ),
        rows(
            title="The share in arrears is what is due and unpaid, not what is still to fall due",
            sql="""
                select customer_id, currency, arrears_share, overdue_amount, (loan_balance + advance_balance)::decimal(28, 2) as balance
                from {batch}
                where (arrears_share is null) <> (balance = 0)
                    or abs(arrears_share * balance - least(overdue_amount, balance)) > 0.0000005 * balance
            """,
        ),
        rows(
            title="Collateral is worth what its newest valuations say",
            sql="""
                select customer_id, currency, mart.collateral_value, again.collateral_value as recomputed_value
                from {batch} as mart
                left join evidence.collateral_value as again using (customer_id, currency)
                where mart.collateral_value is distinct from again.collateral_value
            """,
        ),
    ]


def advance_loan_cross() -> list[Rows]:
    return [
        adds_up("The cells add up to both books", BALANCES),
        rows(
            title="Where there is none there is no balance",
            description="Loan bucket none has no loans, advance bucket none no advances.",
            sql="""
                select loan_bucket, advance_bucket, currency, loan_balance, advance_balance
                from {batch}
                where (loan_bucket = 'none' and loan_balance <> 0)
                    or (advance_bucket = 'none' and advance_balance <> 0)
            """,
        ),
    ]


BY_CUSTOMER = f"""
    select
        customer_id, currency, max(days_past_due) as days_past_due, sum(overdue_amount) as overdue_amount,
        sum(overdue_balance) as overdue_balance, sum(balance) as exposure
    from ({ITEMS}) as items
    group by customer_id, currency
    having max(days_past_due) > 0
"""


def overdue_customers() -> list[Rows]:
    return [
        measures_fit("recommended_measures"),
        rows(
            title="Likely causes are those of the customer's case",
            sql="""
                select customer_id, listed.likely_causes, cases.causes
                from {batch} as listed
                inner join marts.case_files as cases using (customer_id)
                where listed.likely_causes is distinct from cases.causes
            """,
        ),
        rows(
            title="Every customer with something overdue is listed",
            sql=f"""
                select customer_id, currency, days_past_due, overdue_amount
                from ({BY_CUSTOMER}) as late
                anti join {{batch}} as listed using (customer_id, currency)
            """,
        ),
        rows(
            title="Nobody is listed without something overdue",
            sql=f"""
                select customer_id, currency, days_past_due, overdue_amount
                from {{batch}}
                anti join ({BY_CUSTOMER}) as late using (customer_id, currency)
            """,
        ),
        rows(
            title="What a customer owes is the sum of its loans and advances",
            description="Worst days, overdue amount and balance, exposure, against loan_aging and advance_aging.",
            sql=f"""
                select
                    customer_id, currency, listed.days_past_due, late.days_past_due as worst_days,
                    listed.overdue_amount, late.overdue_amount as summed_overdue_amount,
                    listed.exposure, late.exposure as summed_exposure
                from {{batch}} as listed
                inner join ({BY_CUSTOMER}) as late using (customer_id, currency)
                where listed.days_past_due is distinct from late.days_past_due
                    or listed.overdue_amount is distinct from late.overdue_amount
                    or listed.overdue_balance is distinct from late.overdue_balance
                    or listed.exposure is distinct from late.exposure
            """,
        ),
        rows(
            title="Earlier loans are those that the ledger has",
            description="Disbursed before the judged item began, closed ones too; advances are none.",
            sql="""
                with counted as (
                    select
                        listed.customer_id, listed.currency, listed.earlier_loans,
                        coalesce(sum(made.loans) filter (made.disbursed_on < listed.judged_started_on), 0) as in_ledger
                    from {batch} as listed
                    left join evidence.loans_made as made using (customer_id)
                    group by listed.customer_id, listed.currency, listed.earlier_loans
                )

                select * from counted where earlier_loans is distinct from in_ledger
            """,
        ),
    ]


def customer_type_summary() -> list[Rows]:
    return [
        adds_up(
            "The primary types add up to what overdue customers owe",
            {"overdue_amount": "overdue_amount", "overdue_balance": "overdue_balance"},
            where="type_basis = 'primary'",
            items=OF_LATE_CUSTOMERS,
        ),
        adds_up(
            "The balances of all customers of the primary types add up to the book",
            {"type_balance": "balance"},
            where="type_basis = 'primary'",
            items=SHOWN_ITEMS,
        ),
    ]


def concentration() -> list[Rows]:
    """Each dimension once more divides the whole book, by segment and currency."""
    return [
        adds_up(
            "The ten largest borrowers and the others add up to both books",
            {"balance": "balance", "overdue_amount": "overdue_amount", "overdue_balance": "overdue_balance"},
            where="dimension = 'top_ten' and segment = 'ALL'",
            items=SHOWN_ITEMS,
        ),
        rows(
            title="Every dimension of the concentration divides the same book",
            description="Items, balance, overdue amount and overdue balance of each, against top_ten; ALL of segments against their sum. Rows of currency ALL are rounded one by one.",
            sql="""
                with summed as (
                    select
                        dimension, segment, currency, sum(items) as items, sum(balance) as balance, sum(overdue_amount) as overdue_amount,
                        sum(overdue_balance) as overdue_balance, if(currency = 'ALL', 0.005, 0) * count(*) as rounding
                    from {batch}
                    group by dimension, segment, currency
                    union all
                    select
                        'segments', 'ALL', currency, sum(items), sum(balance), sum(overdue_amount), sum(overdue_balance),
                        if(currency = 'ALL', 0.005, 0) * count(*)
                    from {batch}
                    where dimension = 'top_ten' and segment <> 'ALL'
                    group by currency
                ),

                wanted as (
                    select largest.*, unnest(['industry', 'region', 'branch', 'product']) as of_dimension
                    from summed as largest
                    where dimension = 'top_ten'
                    union all
                    select *, 'segments' from summed where dimension = 'top_ten' and segment = 'ALL'
                )

                select
                    of_dimension as dimension, wanted.segment, wanted.currency, wanted.items as largest_items, other.items,
                    wanted.balance as largest_balance, other.balance
                from wanted
                left join summed as other
                    on other.dimension = of_dimension and other.segment = wanted.segment and other.currency = wanted.currency
                where wanted.items is distinct from other.items
                    or abs(wanted.balance - other.balance) > wanted.rounding + other.rounding
                    or abs(wanted.overdue_amount - other.overdue_amount) > wanted.rounding + other.rounding
                    or abs(wanted.overdue_balance - other.overdue_balance) > wanted.rounding + other.rounding
            """,
        ),
        rows(
            title="Each share of the concentration is its numerator over its denominator",
            sql="""
                select dimension, member, segment, currency
                from {batch}
                where (share_of_balance is null) <> (all_balance = 0)
                    or (share_of_overdue_amount is null) <> (all_overdue_amount = 0)
                    or (overdue_rate is null) <> (balance = 0)
                    or abs(share_of_balance - balance::double / nullif(all_balance, 0)) > 0.00000051
                    or abs(share_of_overdue_amount - overdue_amount::double / nullif(all_overdue_amount, 0)) > 0.00000051
                    or abs(overdue_rate - overdue_balance::double / nullif(balance, 0)) > 0.00000051
            """,
        ),
        rows(
            title="The shares of a dimension sum to 1",
            description="Within the rounding of each; their denominator is the sum of the numerators, to the cent.",
            sql="""
                select dimension, segment, currency, sum(share_of_balance) as shares, sum(share_of_overdue_amount) as overdue_shares
                from {batch}
                group by dimension, segment, currency
                having abs(sum(share_of_balance) - 1) > 0.0000005 * count(*)
                    or abs(sum(share_of_overdue_amount) - 1) > 0.0000005 * count(*)
                    or min(all_balance) <> sum(balance) or max(all_balance) <> sum(balance)
                    or min(all_overdue_amount) <> sum(overdue_amount) or max(all_overdue_amount) <> sum(overdue_amount)
            """,
        ),
        rows(
            title="The ten largest borrowers are those who owe most",
            description="Ranked again from loan_aging and advance_aging, in each currency over all segments; equal ones by customer_id.",
            sql=f"""
                with owed as (
                    select customer_id, currency, sum(balance) as balance from ({SHOWN_ITEMS}) as items group by customer_id, currency
                ),

                ranked as (
                    select *, row_number() over (partition by currency order by balance desc, customer_id) as place from owed
                ),

                largest as (
                    select currency, member::integer as place, customer_id from {{batch}}
                    where dimension = 'top_ten' and segment = 'ALL' and member <> 'others'
                )

                select currency, place, largest.customer_id, ranked.customer_id as owes_most
                from largest
                full join (select * from ranked where place <= 10) as ranked using (currency, place)
                where largest.customer_id is distinct from ranked.customer_id
            """,
        ),
    ]


def collateral_shortfall() -> list[Rows]:
    """Loans secured by collateral, against what the ledger of collateral says of each."""
    return [
        rows(
            title="Every loan that collateral secures is listed once, with its balance",
            description="Mortgaged, pledged and combined ones of loan_aging, and those for which something was valued.",
            sql="""
                with secured as (
                    select loan_id, outstanding_principal as balance from marts.loan_aging
                    where as_of = (select max(as_of) from evidence.run) and not is_written_off
                        and (security in ('mortgaged', 'pledged', 'combined') or loan_id in (select loan_id from evidence.collateral_of_loan))
                ),

                listed as (select loan_id, max(balance) as balance, count(*) as times from {batch} group by loan_id)

                select loan_id, listed.times, listed.balance, secured.balance as outstanding_principal
                from listed
                full join secured using (loan_id)
                where listed.times is distinct from 1 or listed.balance is distinct from secured.balance
            """,
        ),
        rows(
            title="Collateral of a loan is worth what the ledger says, less the haircut of its kind",
            description="Its newest valuations by the date, in the loan's currency, added up again; and how old the oldest is.",
            sql="""
                select loan_id, listed.collateral_value, again.collateral_value as recomputed, listed.value_after_haircut, again.value_after_haircut as after_again
                from {batch} as listed
                left join evidence.collateral_of_loan as again using (loan_id)
                where listed.collateral_value <> coalesce(again.collateral_value, 0)
                    or listed.value_after_haircut <> coalesce(again.value_after_haircut, 0)
                    or listed.oldest_valued_on is distinct from again.oldest_valued_on
                    or listed.oldest_valued_on + listed.oldest_age_days not in (select as_of from evidence.run)
            """,
        ),
        rows(
            title="A shortfall is what collateral leaves of the balance",
            description="Never below 0; and the ratio is the balance over the value after haircut.",
            sql="""
                select loan_id, balance, value_after_haircut, shortfall, loan_to_value
                from {batch}
                where shortfall is distinct from greatest(0, balance - value_after_haircut)
                    or (loan_to_value is null) <> (value_after_haircut = 0)
                    or abs(loan_to_value - least(999, balance::double / nullif(value_after_haircut, 0))) > 0.00000051
            """,
        ),
        rows(
            title="The collateral asked for restores the target, and a cent less would not",
            sql="""
                select loan_id, balance, value_after_haircut, target_loan_to_value, collateral_to_ask
                from {batch}
                where collateral_to_ask < 0 or balance > target_loan_to_value * (value_after_haircut + collateral_to_ask)::decimal(28, 2)
                    or (collateral_to_ask > 0 and balance <= target_loan_to_value * (value_after_haircut + collateral_to_ask - 0.01)::decimal(28, 2))
            """,
        ),
    ]


MARTS = {
    "advance_aging": ("Advances", advance_aging),
    "advance_distribution": ("Distribution of advances", advance_distribution),
    "customer_exposure": ("Customer exposure", customer_exposure),
    "advance_loan_cross": ("Advances by loans", advance_loan_cross),
    "overdue_customers": ("Overdue customers", overdue_customers),
    "customer_type_summary": ("Types of overdue customers", customer_type_summary),
    "concentration": ("Concentration", concentration),
    "collateral_shortfall": ("Collateral and its shortfall", collateral_shortfall),
}
