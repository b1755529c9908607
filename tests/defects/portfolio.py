"""Advances, exposure, customer types: each expectation, and what breaks it and nothing else."""

MARTS = (
    "advance_aging",
    "advance_distribution",
    "customer_exposure",
    "advance_loan_cross",
    "overdue_customers",
    "customer_type_summary",
    "concentration",
    "collateral_shortfall",
)

DEFECTS = {
    (
        "evidence.advances_out",
        "No advance that is out is absent from advance_aging",
    ): "insert into evidence.advances_out values ('A-9', 'CNY', 10, 5, 5, false)",
    (
        "evidence.advances_out",
        "No advance is in advance_aging that is not out",
    ): "delete from evidence.advances_out where advance_id = 'A-1'",
    (
        "evidence.advances_out",
        "The outstanding of every advance is the one recomputed",
    ): "update evidence.advances_out set outstanding = 100.01 where advance_id = 'A-1'",
    (
        "evidence.advances_out",
        "The days of every advance are those recomputed",
    ): "update evidence.advances_out set days_past_due = 9 where advance_id = 'A-1'",
    (
        "marts.advance_aging",
        "No advance is listed twice",
    ): "insert into marts.advance_aging select * from marts.advance_aging where advance_id = 'A-W'",
    (
        "marts.advance_aging",
        "Business days of an advance are at most its calendar days",
    ): "update marts.advance_aging set business_duration_days = 11 where advance_id = 'A-1'",
    (
        "marts.advance_distribution",
        "The distribution of advances adds up to their book",
    ): "update marts.advance_distribution set outstanding = outstanding + 0.01 where currency = 'USD'",
    (
        "marts.customer_exposure",
        "The exposures add up to both books",
    ): "update marts.customer_exposure set overdue_balance = overdue_balance - 0.01 where customer_id = 'CL-2'",
    (
        "marts.customer_exposure",
        "The share repaid is cash over cash and what is overdue",
    ): "update evidence.cash_90d set cash = cash + 1 where customer_id = 'CL-2'",
    (
        "marts.customer_exposure",
        "The share in arrears is what is due and unpaid, not what is still to fall due",
    ): "update marts.customer_exposure set arrears_share = 1 where customer_id = 'CL-2'",
    (
        "marts.customer_exposure",
        "Collateral is worth what its newest valuations say",
    ): "delete from evidence.collateral_value where customer_id = 'CL-1'",
    (
        "marts.advance_loan_cross",
        "The cells add up to both books",
    ): "update marts.advance_loan_cross set loan_balance = loan_balance + 0.01 where loan_bucket = 'M2'",
    ("marts.advance_loan_cross", "Where there is none there is no balance"): """
        update marts.advance_loan_cross set loan_balance = 1 where loan_bucket = 'none';
        update marts.advance_loan_cross set loan_balance = loan_balance - 1 where loan_bucket = 'M6'""",
    (
        "marts.overdue_customers",
        "Likely causes are those of the customer's case",
    ): "update marts.overdue_customers set likely_causes = 'losses' where customer_id = 'CL-2'",
    (
        "marts.overdue_customers",
        "Every customer with something overdue is listed",
    ): "delete from marts.overdue_customers where customer_id = 'CL-6'",
    (
        "marts.overdue_customers",
        "No measure stands outside its days past due",
    ): "update marts.overdue_customers set recommended_measures = 'calls, legal_action' where customer_id = 'CL-2'",
    (
        "marts.overdue_customers",
        "Nobody is listed without something overdue",
    ): "insert into marts.overdue_customers select * replace ('C-9' as customer_id) from marts.overdue_customers where customer_id = 'CL-6'",
    (
        "marts.overdue_customers",
        "What a customer owes is the sum of its loans and advances",
    ): "update marts.overdue_customers set exposure = exposure + 0.01 where customer_id = 'CL-2'",
    (
        "marts.overdue_customers",
        "Earlier loans are those that the ledger has",
    ): "insert into evidence.loans_made values ('CL-6', '2020-01-01', 1)",
    (
        "marts.customer_type_summary",
        "The primary types add up to what overdue customers owe",
    ): "update marts.customer_type_summary set overdue_balance = overdue_balance + 0.02 where type_basis = 'primary' and currency = 'ALL'",
    (
        "marts.customer_type_summary",
        "The balances of all customers of the primary types add up to the book",
    ): "update marts.customer_type_summary set type_balance = type_balance + 0.01 where type_basis = 'primary' and currency = 'USD'",
    ("marts.concentration", "The ten largest borrowers and the others add up to both books"): """
        update marts.concentration set overdue_balance = overdue_balance + 0.01, overdue_rate = (overdue_balance + 0.01)::double / balance
        where currency = 'USD' and (dimension = 'top_ten' and member = '1' or dimension <> 'top_ten')""",
    (
        "marts.concentration",
        "Every dimension of the concentration divides the same book",
    ): "delete from marts.concentration where dimension = 'branch' and segment = 'personal' and currency = 'USD'",
    (
        "marts.concentration",
        "Each share of the concentration is its numerator over its denominator",
    ): "update marts.concentration set overdue_rate = 0.5 where dimension = 'branch' and currency = 'USD'",
    (
        "marts.concentration",
        "The shares of a dimension sum to 1",
    ): "update marts.concentration set all_balance = all_balance + 0.01 where dimension = 'top_ten' and member = '3' and currency = 'USD'",
    (
        "marts.concentration",
        "The ten largest borrowers are those who owe most",
    ): "update marts.concentration set customer_id = 'C-9' where member = '2' and currency = 'USD' and segment = 'ALL'",
    (
        "marts.collateral_shortfall",
        "Every loan that collateral secures is listed once, with its balance",
    ): "insert into marts.collateral_shortfall select * replace ('L-6' as loan_id) from marts.collateral_shortfall where loan_id = 'L-4'",
    (
        "marts.collateral_shortfall",
        "Collateral of a loan is worth what the ledger says, less the haircut of its kind",
    ): "update evidence.collateral_of_loan set value_after_haircut = value_after_haircut + 0.01",
    (
        "marts.collateral_shortfall",
        "A shortfall is what collateral leaves of the balance",
    ): "update marts.collateral_shortfall set shortfall = shortfall - 0.01 where loan_id = 'L-4'",
    (
        "marts.collateral_shortfall",
        "The collateral asked for restores the target, and a cent less would not",
    ): "update marts.collateral_shortfall set collateral_to_ask = collateral_to_ask + 0.01 where loan_id = 'L-4'",
}
DEFECTS |= {
    (f"marts.{mart}", "Every row is of a date that was asked for"): f"update marts.{mart} set as_of = as_of - 1"
    for mart in MARTS
}
DEFECTS |= {
    (
        f"marts.{mart}",
        "Every row names the policy it was computed under",
    ): f"update marts.{mart} set policy_version = null"
    for mart in MARTS
}
