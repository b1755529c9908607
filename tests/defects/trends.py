"""Trend, roll rates, recovery, vintages: each expectation, and what breaks it and nothing else."""

MARTS = ("aging_trend", "roll_rates", "recovery_by_age", "cure_curves", "recovery_after_write_off", "vintages")

DEFECTS = {
    (
        "marts.aging_trend",
        "The last date of the trend adds up to the book: loans",
    ): "update marts.aging_trend set outstanding_principal = outstanding_principal + 0.01 where scheme = 'NINETY' and bucket = '90+'",
    (
        "marts.aging_trend",
        "The last date of the trend adds up to the book: advances",
    ): "delete from marts.aging_trend where item_type = 'advance' and currency = 'USD' and as_of = '2026-10-31'",
    (
        "marts.aging_trend",
        "Rates of the trend lie between 0 and 1",
    ): "update marts.aging_trend set npl_rate = 1.000001, all_npl_balance = all_balance + 0.01, "
    "provision_coverage = round(all_provision::double / (all_balance + 0.01), 6), "
    "deviation_90 = round(all_balance_beyond_90::double / (all_balance + 0.01), 6) where bucket = '90+'",
    (
        "marts.aging_trend",
        "Each rate of the trend is its numerator over its denominator, and the headline's",
    ): "update marts.aging_trend set all_provision = all_provision + 0.01 where bucket = '90+'",
    (
        "marts.aging_trend",
        "The row ALL of the trend is the sum of its segments",
    ): "update marts.aging_trend set overdue_amount = overdue_amount + 0.05 where segment = 'ALL' and bucket = '90+'",
    (
        "marts.vintages",
        "The row ALL of a vintage is the sum of its segments",
    ): "update marts.vintages set ever_1_principal = 500, ever_1_rate_by_principal = 0.5 where segment = 'ALL'",
    (
        "marts.roll_rates",
        "Each row of the roll-rate matrix sums to 1",
    ): "update marts.roll_rates set rate_by_count = 0.25 where to_bucket = 'closed'",
    (
        "marts.roll_rates",
        "Every link of the roll rates goes forward in time",
    ): "update marts.roll_rates set as_of = from_as_of",
    (
        "marts.roll_rates",
        "The row ALL of the roll rates is the sum of its segments",
    ): "update marts.roll_rates set loans = 2 where segment = 'ALL' and to_bucket = 'M2'",
    (
        "marts.recovery_by_age",
        "The row ALL of recovery by age is the sum of its segments",
    ): "update marts.recovery_by_age set overdue_amount = 110 where segment = 'ALL' and horizon_days = 30",
    (
        "marts.recovery_by_age",
        "No more was recovered than was overdue",
    ): "update marts.recovery_by_age set recovered_amount = 100.01 where horizon_days = 30",
    (
        "marts.recovery_by_age",
        "A horizon that is not over has no recovery yet",
    ): "update marts.recovery_by_age set recovered_amount = 0 where horizon_days = 60",
    (
        "marts.recovery_by_age",
        "Every row is of a date that was asked for",
    ): "update marts.recovery_by_age set as_of = as_of + 1 where horizon_days = 30",
    (
        "marts.cure_curves",
        "Every row is of a date that was asked for",
    ): "update marts.cure_curves set as_of = as_of - 1",
    (
        "marts.cure_curves",
        "A cure curve follows the loans that rolled from the stage",
    ): "update marts.cure_curves set loans = loans + 1 where m_stage = 'M1' and segment = 'ALL'",
    (
        "marts.cure_curves",
        "Each rate of a cure curve is its numerator over the loans",
    ): "update marts.cure_curves set cure_rate = 0.000001 where m_stage = 'M1' and segment = 'ALL'",
    (
        "marts.cure_curves",
        "The row ALL of a cure curve is the sum of its segments",
    ): "update marts.cure_curves set cured_loans = 1, cure_rate = 0.333333 where m_stage = 'M1' and segment = 'ALL'",
    (
        "marts.recovery_after_write_off",
        "Every row is of a date that was asked for",
    ): "update marts.recovery_after_write_off set as_of = as_of - 1",
    (
        "marts.recovery_after_write_off",
        "What came in after write-offs is what the ledgers say",
    ): "update evidence.recovered set recovered = recovered + 0.01",
    (
        "marts.recovery_after_write_off",
        "Each rate of recovery after write-off is its numerator over what was written off",
    ): "update marts.recovery_after_write_off set recovery_rate = 0.02 where months_since = 1 and segment = 'ALL'",
    (
        "marts.recovery_after_write_off",
        "The rows ALL of recovery after write-off are the sums of cohorts and segments",
    ): "update marts.recovery_after_write_off set written_off_amount = 7000.01 where segment = 'personal' and cohort_year = '2026'",
    (
        "marts.vintages",
        "No more loans of a vintage are late by more days than by fewer",
    ): "update marts.vintages set ever_60_rate_by_count = 0.35, ever_60_loans = 35, ever_30_loans = 30, ever_1_loans = 40, loans = 100, "
    "ever_90_loans = 10, current_1_loans = 30, current_30_loans = 20, current_60_loans = 10",
    (
        "marts.vintages",
        "No vintage is late now with more loans than ever were",
    ): "update marts.vintages set current_1_rate_by_count = 0.5, current_1_loans = 5",
    (
        "marts.vintages",
        "A cohort has one row of each age",
    ): "insert into marts.vintages select * replace (as_of - 7 as as_of) from marts.vintages",
    (
        "marts.vintages",
        "Each rate of a vintage is its numerator over the cohort",
    ): "update marts.vintages set current_90_principal = 0.01",
} | {
    (
        f"marts.{mart}",
        "Every row names the policy it was computed under",
    ): f"update marts.{mart} set policy_version = 'policy-0'"
    for mart in MARTS
}
