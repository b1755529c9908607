"""Loan aging, and what any publication must be: each expectation, and what breaks it and nothing else."""

A_DAY_EARLIER = "as_of - 1 as as_of, oldest_unpaid_due_on - 1 as oldest_unpaid_due_on"
NOTHING = "0 as loans, 0 as outstanding_principal, 0 as overdue_amount, 0 as overdue_balance"
DEFECTS = {
    (
        "evidence.run",
        "The publication states its date, its knowledge and its policy",
    ): "update evidence.run set known_at = null",
    (
        "evidence.run",
        "The calendar of the as-of date has been announced",
    ): "update evidence.run set calendar_confirmed_until = '2026-10-30'",
    ("evidence.book", "No loan of the book is absent from loan_aging"): """
        insert into evidence.book values ('2026-10-31', 'L-9', 'CNY', 10);
        insert into evidence.recomputed values ('L-9', 0, 0, 10)""",
    (
        "evidence.book",
        "No loan is in loan_aging that the book does not have",
    ): "delete from evidence.book where loan_id = 'L-1'",
    (
        "evidence.book",
        "Every loan's currency and outstanding principal agree with the book",
    ): "update evidence.book set outstanding_principal = 1000.01 where loan_id = 'L-1'",
    ("evidence.book", "The book is not empty"): """
        delete from evidence.book; delete from evidence.recomputed; delete from evidence.previous;
        delete from marts.loan_aging; delete from marts.aging_distribution;
        delete from marts.advance_aging; delete from evidence.advances_out; delete from marts.advance_distribution;
        delete from marts.customer_exposure; delete from marts.advance_loan_cross; delete from marts.overdue_customers; delete from marts.concentration; delete from marts.collateral_shortfall; delete from marts.forbearance; delete from marts.cure_curves; delete from marts.recovery_after_write_off; delete from evidence.recovered; delete from evidence.waived;
        delete from marts.customer_type_summary; delete from marts.aging_trend; delete from marts.headline; delete from evidence.items_at;
        delete from marts.roll_forward; delete from evidence.moved; delete from marts.bi_aging_over_time;
        delete from marts.bi_segments; delete from marts.class_migration; delete from marts.class_migration_rates;
        delete from marts.overdue_disclosure;
        delete from marts.past_due_1104; delete from marts.past_due_finrep; delete from marts.past_due_ffiec;
        delete from marts.past_due_rbi; delete from marts.contactability; delete from marts.collection_worklist;
        delete from marts.contact_timing; delete from marts.contact_moves; delete from marts.contact_effect;
        delete from marts.reconciliation; delete from evidence.general_ledger""",
    (
        "marts.loan_aging",
        "No payment after the as-of date counts",
    ): "update marts.loan_aging set last_paid_on = as_of + 1 where loan_id = 'L-1'",
    (
        "evidence.recomputed",
        "Late loans are flagged",
    ): "update evidence.recomputed set days_past_due = 1 where loan_id = 'L-1'",
    (
        "evidence.recomputed",
        "Flagged loans are late",
    ): "update evidence.recomputed set days_past_due = 0 where loan_id = 'L-2'",
    (
        "evidence.recomputed",
        "Late loans are late by the days recomputed",
    ): "update evidence.recomputed set days_past_due = 29 where loan_id = 'L-2'",
    (
        "evidence.recomputed",
        "The overdue amount is the one recomputed",
    ): "update evidence.recomputed set overdue_amount = 219.99 where loan_id = 'L-2'",
    (
        "evidence.recomputed",
        "The outstanding principal is the one recomputed",
    ): "update evidence.recomputed set outstanding_principal = 0 where loan_id = 'L-2'",
    (
        "evidence.recomputed",
        "Every loan of the book was recomputed",
    ): "delete from evidence.recomputed where loan_id = 'L-1'",
    (
        "evidence.recomputed",
        "Nearly all late loans were recomputed",
    ): "delete from evidence.recomputed where loan_id = 'L-6'",
    (
        "evidence.reperformed",
        "Every figure of the sampled loans is the one re-performed",
    ): "update evidence.reperformed set recomputed = null where column_name = 'oldest_unpaid_due_on'",
    ("evidence.reperformed", "Loans were re-performed"): "delete from evidence.reperformed",
    (
        "evidence.closed_with_principal",
        "No loan was closed as repaid with principal unpaid",
    ): "insert into evidence.closed_with_principal values ('L-8', 'CNY', 5)",
    (
        "evidence.currencies_without_rate",
        "Every currency of the book has a rate",
    ): "insert into evidence.currencies_without_rate values ('JPY', 3, date '2026-10-31')",
    ("evidence.book_size", "There is a book"): "insert into evidence.book_size values (null, 0, false, 0.2)",
    (
        "evidence.book_size",
        "The book has not shrunk by more than the policy allows",
    ): """
        update evidence.book_size set loans_now = 7 where is_comparable;
        insert into evidence.left_the_book values ('L-8', 'P', 'B'), ('L-9', 'P', 'B'), ('L-10', null, 'B')""",
    (
        "evidence.previous",
        "No mart has shrunk by more than the policy allows",
    ): "update evidence.previous set \"rows\" = 11 where mart = 'loan_aging'",
    (
        "columns of the publication",
        "No column holds personal data",
    ): "alter table marts.quarantine_summary add column Phone varchar",
    (
        "marts.loan_aging",
        "Every row is of a date that was asked for",
    ): f"insert into marts.loan_aging select * replace ({A_DAY_EARLIER}) from marts.loan_aging where loan_id = 'W-1'",
    (
        "marts.loan_aging",
        "Every row names the policy it was computed under",
    ): "update marts.loan_aging set policy_version = 'policy-0' where loan_id = 'W-1'",
    (
        "marts.loan_aging",
        "No loan is listed twice",
    ): "insert into marts.loan_aging select * from marts.loan_aging where loan_id = 'W-1'",
    (
        "marts.loan_aging",
        "No amount is below zero",
    ): "update marts.loan_aging set overpaid_amount = -0.01 where loan_id = 'L-1'",
    (
        "marts.loan_aging",
        "The parts of what is overdue add up",
    ): "update marts.loan_aging set overdue_fees = 0.01 where loan_id = 'L-2'",
    (
        "marts.loan_aging",
        "A late loan has something overdue",
    ): "update marts.loan_aging set overdue_amount = 0, overdue_principal = 0, overdue_interest = 0 where loan_id = 'W-1'",
    (
        "marts.loan_aging",
        "A late loan is overdue with its whole outstanding principal",
    ): "update marts.loan_aging set overdue_balance = 700 where loan_id = 'W-1'",
    (
        "marts.loan_aging",
        "A loan that is not late has no overdue balance",
    ): "update marts.loan_aging set overdue_balance = 8000 where loan_id = 'W-2'",
    (
        "marts.loan_aging",
        "Days past due are counted from the oldest unpaid due date",
    ): "update marts.loan_aging set oldest_unpaid_due_on = oldest_unpaid_due_on + 1 where loan_id = 'L-2'; update marts.loan_aging set oldest_unpaid_due_on = oldest_unpaid_due_on + 2 where loan_id = 'L-3'",
    (
        "marts.loan_aging",
        "The M-stage follows from the days past due",
    ): "update marts.loan_aging set m_stage = 'M2' where loan_id = 'L-2'; delete from marts.contact_moves where loan_id = 'L-2'",
    ("marts.loan_aging", "Every loan has a bucket"): "update marts.loan_aging set bucket = null where loan_id = 'L-2'",
    (
        "marts.loan_aging",
        "A bucket named like an M-stage follows from a count of days",
    ): "update marts.loan_aging set bucket = 'M2' where loan_id = 'L-2'",
    (
        "marts.loan_aging",
        "Delinquent days are days past due less grace, pauses and tolerance",
    ): "update marts.loan_aging set delinquent_days = 31 where loan_id = 'L-2'",
    (
        "marts.loan_aging",
        "Business days are at most the calendar days",
    ): "update marts.loan_aging set business_days_past_due = 31 where loan_id = 'L-2'",
    (
        "marts.loan_aging",
        "No loan is later now than at its worst",
    ): "update marts.loan_aging set max_days_past_due = 29 where loan_id = 'L-2'",
    (
        "marts.loan_aging",
        "No figure of a loan rests on a repayment or plan in quarantine",
    ): "update marts.loan_aging set has_quarantine = true where loan_id = 'L-2'",
    (
        "marts.aging_distribution",
        "Every row is of a date that was asked for",
    ): f"insert into marts.aging_distribution select * replace (as_of - 1 as as_of, {NOTHING}) from marts.aging_distribution limit 1",
    (
        "marts.aging_distribution",
        "Every row names the policy it was computed under",
    ): "update marts.aging_distribution set policy_version = null where bucket = 'M0'",
    (
        "marts.aging_distribution",
        "No cell of the distribution is listed twice",
    ): f"insert into marts.aging_distribution select * replace ({NOTHING}) from marts.aging_distribution limit 1",
    ("marts.aging_distribution", "No amount of the distribution is below zero"): """
        update marts.aging_distribution set overdue_amount = overdue_amount - 1000 where bucket = 'M1';
        update marts.aging_distribution set overdue_amount = overdue_amount + 1000 where bucket = 'M2'""",
    (
        "marts.aging_distribution",
        "The buckets of each scheme add up to the book: number of loans",
    ): "update marts.aging_distribution set loans = loans + 1 where bucket = 'M1'",
    (
        "marts.aging_distribution",
        "The buckets of each scheme add up to the book: outstanding principal",
    ): "update marts.aging_distribution set outstanding_principal = outstanding_principal + 0.01 where bucket = 'M1'",
    (
        "marts.aging_distribution",
        "The buckets of each scheme add up to the book: overdue amount",
    ): "update marts.aging_distribution set overdue_amount = overdue_amount + 0.01 where bucket = 'M1'",
    (
        "marts.aging_distribution",
        "The buckets of each scheme add up to the book: overdue balance",
    ): "update marts.aging_distribution set overdue_balance = overdue_balance + 0.01 where bucket = 'M1'",
}
