"""Headline, roll-forward and publication: each expectation, and what breaks it and nothing else."""

EARLIER = "where as_of = '2026-09-30'"
LATER = "where as_of = '2026-10-31'"

DEFECTS = {
    (
        "evidence.items_at",
        "The headline counts every loan of the book and every advance, at every date",
    ): f"update evidence.items_at set items = items + 1 {EARLIER} and currency = 'USD'",
    (
        "marts.headline",
        "The row ALL of the headline is the sum of its segments",
    ): f"update marts.headline set written_off_in_month = 0.01 {LATER} and segment = 'ALL' and currency = 'CNY'",
    (
        "marts.headline",
        "On its last date the headline is the book",
    ): f"update marts.headline set overdue_amount = overdue_amount + 0.01 {LATER} and currency = 'USD'",
    (
        "marts.headline",
        "On its last date the headline is as classified",
    ): f"""
        update marts.headline
        set provision = provision + 0.01, provision_coverage = round((provision + 0.01)::double / npl_balance, 6)
        {LATER} and currency = 'CNY'""",
    (
        "marts.headline",
        "On earlier dates the headline is the trend",
    ): "update marts.aging_trend set overdue_amount = overdue_amount + 0.01 "
    f"{EARLIER} and scheme = 'CN_M_STAGE' and bucket = 'M1' and currency = 'CNY' and item_type = 'loan'",
    (
        "marts.headline",
        "Each ratio of the headline is its numerator over its denominator",
    ): f"update marts.headline set npl_rate = npl_rate + 0.000001 {LATER}",
    (
        "marts.headline",
        "What the headline says of the month before is what it says there",
    ): f"update marts.headline set previous_npl_rate = null {LATER}",
    ("marts.headline", "Money that is later is no more than money that is late"): f"""
        update marts.headline set balance_beyond_60 = balance_beyond_90 - 0.01,
            beyond_60_rate = round((balance_beyond_90 - 0.01)::double / balance, 6)
        {LATER}""",
    (
        "marts.headline",
        "Every row names the policy it was computed under",
    ): "update marts.headline set policy_version = 'policy-0'",
    (
        "marts.publication",
        "The publication is one row, of what the run knows",
    ): "update marts.publication set known_at = '2026-09-30'",
    (
        "marts.publication",
        "The publication says that rows are in quarantine where quarantine_summary has some",
    ): "update marts.publication set open_quarantine_rows = 1",
    (
        "marts.publication",
        "Every row names the policy it was computed under",
    ): "update marts.publication set policy_version = 'policy-0'",
    (
        "marts.publication",
        "Every row is of a date that was asked for",
    ): "update marts.publication set as_of = as_of - 1",
    (
        "evidence.moved",
        "What the roll-forward says was disbursed is what the ledgers say",
    ): "update evidence.moved set lent = lent + 0.01 where currency = 'USD'",
    (
        "evidence.moved",
        "No more was repaid than was paid",
    ): "update evidence.moved set paid = 19.99 where currency = 'USD'",
    (
        "marts.roll_forward",
        "Opening and movements are closing",
    ): "update marts.roll_forward set restated = restated - 0.01, revalued = 0.01 where currency = 'USD'",
    ("marts.roll_forward", "What closes a roll-forward opens the next"): """
        insert into marts.roll_forward
        select * replace (date '2026-09-15' as from_as_of, date '2026-09-30' as as_of, opening + 1 as opening, restated - 1 as restated)
        from marts.roll_forward;
        update marts.roll_forward set opening = opening + 2, restated = restated - 2 where as_of = '2026-10-31';
        insert into evidence.moved select * replace (date '2026-09-30' as as_of) from evidence.moved""",
    (
        "marts.roll_forward",
        "The roll-forward closes with the headline",
    ): "update marts.roll_forward set closing = closing + 0.01, restated = restated + 0.01 where currency = 'USD'",
    (
        "marts.roll_forward",
        "The row ALL of the roll-forward is the sum of its segments",
    ): """
        update marts.roll_forward set written_off = written_off - 0.01, restated = restated + 0.01
        where currency = 'USD' and segment = 'ALL' and measure = 'overdue'""",
    (
        "marts.roll_forward",
        "Every row names the policy it was computed under",
    ): "update marts.roll_forward set policy_version = 'policy-0'",
}
