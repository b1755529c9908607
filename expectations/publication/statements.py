"""What the statements must be before they go out: each is the same book, cut another way."""

from __future__ import annotations

from collections.abc import Callable

from expectations.business import Rows, rows
from expectations.results import Suite

TODAY = "as_of = (select max(as_of) from evidence.run)"


def evidence() -> list[Suite]:
    return []


def past_due(regime: str, with_advances: bool = False) -> Callable[[], list[Rows]]:
    """A regulator's statement: its rows hold every loan of the book once, and every advance where it has them."""
    advances = "union all select currency, outstanding from marts.advance_aging where not is_written_off"
    return lambda: [
        rows(
            title=f"The rows of the {regime} statement add up to the book",
            description="Items and outstanding by currency, to the cent; the row of what is not past due included.",
            sql=f"""
                with book as (
                    select currency, count(*) as items, sum(balance) as balance
                    from (
                        select currency, outstanding_principal as balance from marts.loan_aging where not is_written_off and {TODAY}
                        {advances if with_advances else ""}
                    ) as items
                    group by currency
                ),

                stated as (
                    select currency, sum(items) as items, sum(balance) as balance
                    from {{batch}}
                    where currency <> 'ALL'
                    group by currency
                )

                select currency, stated.items, book.items as book_items, stated.balance, book.balance as book_balance
                from book
                full join stated using (currency)
                where stated.items is distinct from book.items or stated.balance is distinct from book.balance
            """,
        ),
    ]


def overdue_disclosure() -> list[Rows]:
    return [
        rows(
            title="The disclosed total is the overdue balance of loans and advances",
            description=(
                "By currency, to the cent, of what is not written off; not above it where the policy counts the overdue principal "
                "alone of personal loans in installments."
            ),
            sql=f"""
                with book as (
                    select currency, sum(balance) as total
                    from (
                        select currency, overdue_balance as balance from marts.loan_aging
                        where not is_written_off and days_past_due > 0 and {TODAY}
                        union all
                        select currency, outstanding from marts.advance_aging
                        where not is_written_off and days_past_due > 0
                    )
                    group by currency
                ),

                disclosed as (
                    select currency, overdue_balance as total
                    from {{batch}}
                    where item_type = 'total' and period = 'total' and security = 'total' and currency <> 'ALL'
                )

                select currency, disclosed.total as disclosed, book.total as in_book
                from book
                full join disclosed using (currency)
                where (
                    coalesce(disclosed.total, 0) <> coalesce(book.total, 0)
                    and not (disclosed.total < book.total and (select installment_loan_basis from evidence.run limit 1) = 'by_90_days')
                )
            """,
        ),
        rows(
            title="The cells of the disclosure add up to its total",
            sql="""
                select currency, sum(overdue_balance) filter (item_type <> 'total' and period <> 'total' and security <> 'total') as cells,
                    max(overdue_balance) filter (item_type = 'total' and period = 'total' and security = 'total') as total
                from {batch}
                where currency <> 'ALL'
                group by currency
                having cells is distinct from total
            """,
        ),
    ]


MARTS = {
    "overdue_disclosure": ("Overdue disclosure", overdue_disclosure),
    "past_due_1104": ("Past due, 1104", past_due("1104", with_advances=True)),
    "past_due_finrep": ("Past due, FINREP", past_due("FINREP")),
    "past_due_ffiec": ("Past due, FFIEC", past_due("FFIEC")),
    "past_due_rbi": ("Past due, RBI", past_due("RBI")),
}
