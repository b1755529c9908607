"""What the marts about the data itself must be before they go out."""

from __future__ import annotations

from expectations.business import Rows, rows
from expectations.results import Suite


def evidence() -> list[Suite]:
    return []


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


def restatements() -> list[Rows]:
    return [
        rows(
            title="A restatement says something else than was published",
            sql="""
                select restated_as_of, loan_id, column_name, old_value
                from {batch}
                where old_value is not distinct from new_value
            """,
        ),
        rows(
            title="Nothing is restated of this date or a later one",
            sql="select restated_as_of, loan_id, column_name from {batch} where not restated_as_of < as_of",
        ),
    ]


def differing(which: str) -> str:
    return f"""
        select gl_account, currency, ledger_balance, gl_balance, difference, explained_amount
        from {{batch}}
        inner join evidence.general_ledger as delivered using (gl_account, currency)
        where status = 'differs' and {which}
    """


def reconciliation() -> list[Rows]:
    return [
        rows(
            title="The book agrees with the general ledger",
            description="By account and currency, within the policy's tolerance, or with an explanation that is in force.",
            sql=differing("not delivered.is_overtaken"),
        ),
        rows(
            title="The book as known now agrees with the general ledger as it was closed",
            severity="warning",
            description="Of balances after which more was delivered: what came late is in the book of their date, and in a later ledger.",
            sql=differing("delivered.is_overtaken"),
        ),
        rows(
            title="Each balance of the general ledger is compared as it was delivered",
            sql="""
                select gl_account, currency, compared.gl_balance, delivered.balance as delivered
                from (from {batch} where gl_balance is not null) as compared
                full join evidence.general_ledger as delivered using (gl_account, currency)
                where compared.gl_balance is distinct from delivered.balance
            """,
        ),
        rows(
            title="What is compared is the book",
            description="By currency, to the cent: loans and advances that are not written off.",
            sql="""
                with book as (
                    select currency, sum(balance) as balance
                    from (
                        select currency, outstanding_principal as balance from marts.loan_aging
                        where not is_written_off and as_of = (select max(as_of) from evidence.run)
                        union all
                        select currency, outstanding from marts.advance_aging where not is_written_off
                    )
                    group by currency
                )

                select currency, compared.balance, book.balance as in_book
                from (select currency, sum(ledger_balance) as balance from {batch} group by currency) as compared
                full join book using (currency)
                where coalesce(compared.balance, 0) <> coalesce(book.balance, 0)
            """,
        ),
        rows(
            title="Accounts of the book have a balance in the general ledger",
            severity="warning",
            description="Looked at where balances were delivered for the date.",
            sql="""
                select gl_account, currency, items, ledger_balance
                from {batch}
                where status = 'no_gl' and exists (select * from evidence.general_ledger)
            """,
        ),
    ]


MARTS = {
    "reconciliation": ("Reconciliation with the general ledger", reconciliation),
    "restatements": ("Restatements", restatements),
    "quarantine_summary": ("Quarantine summary", quarantine_summary),
}
