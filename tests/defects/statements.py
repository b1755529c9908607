"""Statements: each expectation, and what breaks it and nothing else."""

REGIMES = {"past_due_1104": "1104", "past_due_finrep": "FINREP", "past_due_ffiec": "FFIEC", "past_due_rbi": "RBI"}

DEFECTS = {
    (
        "marts.overdue_disclosure",
        "The disclosed total is the overdue balance of loans and advances",
    ): """
        update marts.overdue_disclosure set overdue_balance = overdue_balance + 0.01
        where currency = 'USD' and (
            (item_type = 'total' and period = 'total' and security = 'total')
            or (item_type = 'loan' and period = 'AR_2' and security = 'unsecured')
        )""",
    (
        "marts.overdue_disclosure",
        "The cells of the disclosure add up to its total",
    ): "delete from marts.overdue_disclosure where item_type = 'advance' and period <> 'total' and security <> 'total'",
}
for mart in ("overdue_disclosure", *REGIMES):
    DEFECTS[f"marts.{mart}", "Every row is of a date that was asked for"] = f"update marts.{mart} set as_of = as_of - 1"
    DEFECTS[f"marts.{mart}", "Every row names the policy it was computed under"] = (
        f"update marts.{mart} set policy_version = 'policy-0'"
    )
for mart, regime in REGIMES.items():
    DEFECTS[f"marts.{mart}", f"The rows of the {regime} statement add up to the book"] = (
        f"update marts.{mart} set balance = balance - 0.01 where row_code = 'LATE' and currency = 'CNY'"
    )
