"""The re-performance itself, against figures worked out by hand: one example a rule.

Unless an example says otherwise, a loan of 300.00 is disbursed on 2025-03-03 and repaid in three installments of
100.00 on 2025-04-10, 2025-05-12 and 2025-06-10 (all working days), under the default conventions.
"""

from __future__ import annotations

import json
import time
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from flows.evidence import recompute
from reperformance import strategies
from reperformance.landing import Notices, read_landing

CALENDAR = Notices()
THE_DAY = (date(2020, 1, 1), 1)
PEER_CASES = Path(__file__).parents[2] / ".." / "shared" / "conformance" / "peer_cases.json"


def on(text: str) -> date:
    return date.fromisoformat(text)


def amount(value: str | int) -> Decimal:
    return Decimal(value)


class Example:
    """One loan, written down row by row."""

    def __init__(self, loan_id: str = "L1", **loan: Any) -> None:
        self.loan_id = loan_id
        self.ledgers: recompute.Ledgers = {name: [] for name in recompute.COLUMNS}
        self._given = {"disbursed_on": on("2025-03-03"), "principal": amount(300), "product_id": "P"} | loan
        self.add("customers", customer_id="C1", segment="personal")
        self.add("loans", loan_id=loan_id, customer_id="C1", currency="CNY", **self._given)

    def add(self, ledger: str, delivery: recompute.Delivery = THE_DAY, **columns: Any) -> Example:
        self.ledgers[ledger].append(columns | {"_delivery": delivery})
        return self

    def product(self, valid_from: str | None = None, **conventions: Any) -> Example:
        return self.add("products", product_id="P", valid_from=valid_from and on(valid_from), **conventions)

    def installment(
        self, number: int, due_on: str, principal: str | int, interest: str | int = 0, fee: str | int = 0, **more: Any
    ) -> Example:
        return self.add(
            "installments",
            loan_id=self.loan_id,
            installment_no=number,
            due_on=on(due_on),
            principal_due=amount(principal),
            interest_due=amount(interest),
            fee_due=amount(fee),
            **more,
        )

    def three_installments(self) -> Example:
        self.installment(1, "2025-04-10", 100)
        self.installment(2, "2025-05-12", 100)
        return self.installment(3, "2025-06-10", 100)

    def plan(self, plan_no: int, effective_on: str, *lines: tuple[int, str, int]) -> Example:
        for number, due_on, principal in lines:
            self.installment(number, due_on, principal, plan_no=plan_no, effective_on=on(effective_on))
        return self

    def event(self, kind: str, repayment_id: str, paid_on: str, value: str | int, **more: Any) -> Example:
        return self.add(
            "repayments",
            repayment_id=repayment_id,
            loan_id=self.loan_id,
            paid_on=on(paid_on),
            amount=amount(value),
            kind=kind,
            **more,
        )

    def paid(self, repayment_id: str, paid_on: str, value: str | int, **more: Any) -> Example:
        return self.event("payment", repayment_id, paid_on, value, **more)

    def reversal(self, repayment_id: str, of: str, paid_on: str, value: str | int) -> Example:
        return self.event("reversal", repayment_id, paid_on, value, reverses_id=of)

    def charge(self, charge_id: str, due_on: str, value: str | int, kind: str = "fee", **more: Any) -> Example:
        return self.add(
            "charges",
            charge_id=charge_id,
            loan_id=self.loan_id,
            due_on=on(due_on),
            amount=amount(value),
            kind=kind,
            **more,
        )

    def pause(self, from_on: str, to_on: str | None) -> Example:
        return self.add("pauses", loan_id=self.loan_id, from_on=on(from_on), to_on=to_on and on(to_on))

    def at(self, as_of: str, **policy: Any) -> recompute.Row:
        return recompute.loan_aging(self.ledgers, on(as_of), calendar=CALENDAR, **policy)[self.loan_id]


def shows(row: recompute.Row, **expected: Any) -> None:
    """Compare some columns; dates may be given as text and amounts as whole numbers."""
    wanted = {column: on(v) if isinstance(v, str) and v[:2] == "20" else v for column, v in expected.items()}
    assert {column: row[column] for column in wanted} == wanted


# ------------------------------------------------------------------------------------------------ counting the days


def test_due_date_is_day_zero_by_default() -> None:
    example = Example().three_installments()
    shows(example.at("2025-04-10"), days_past_due=0, oldest_unpaid_due_on=None, m_stage="M0", overdue_balance=0)
    shows(
        example.at("2025-04-11"),
        days_past_due=1,
        oldest_unpaid_due_on="2025-04-10",
        overdue_amount=100,
        overdue_balance=300,
        missed_installments=1,
        m_stage="M1",
    )


def test_due_date_is_day_one_under_include_due_date() -> None:
    example = Example().product(day_count="include_due_date").three_installments()
    shows(example.at("2025-04-09"), days_past_due=0)
    # Thursday the 10th, a working day, counts too.
    shows(example.at("2025-04-10"), days_past_due=1, business_days_past_due=1, overdue_amount=100)
    shows(example.at("2025-04-11"), days_past_due=2, business_days_past_due=2)


@pytest.mark.parametrize(
    ("days", "stage"),
    [(0, "M0"), (1, "M1"), (30, "M1"), (31, "M2"), (90, "M3"), (91, "M4"), (180, "M6"), (181, "M7+"), (900, "M7+")],
)
def test_stage_edges(days: int, stage: str) -> None:
    as_of = on("2025-04-10") + timedelta(days=days)
    example = Example(principal=amount(100)).installment(1, "2025-04-10", 100)
    shows(example.at(as_of.isoformat()), days_past_due=days, m_stage=stage, bucket=stage)


# due, as of, rolled (following), calendar days unrolled, calendar days rolled, business days (rolled)
GOLDEN = [
    ("2025-01-28", "2025-02-10", "2025-02-05", 13, 5, 4),
    ("2025-10-01", "2025-10-12", "2025-10-09", 11, 3, 2),
    ("2026-02-14", "2026-03-02", "2026-02-14", 16, 16, 6),
    ("2024-02-09", "2024-02-19", "2024-02-09", 10, 10, 2),
    ("2024-09-14", "2024-09-18", "2024-09-14", 4, 4, 1),
]


@pytest.mark.parametrize(("due", "as_of", "rolled", "unrolled_days", "rolled_days", "business_days"), GOLDEN)
def test_golden_calendar(
    due: str, as_of: str, rolled: str, unrolled_days: int, rolled_days: int, business_days: int
) -> None:
    def loan(roll: str) -> recompute.Row:
        example = Example(disbursed_on=on("2024-01-02"), principal=amount(100)).product(due_date_roll=roll)
        return example.installment(1, due, 100).at(as_of)

    shows(loan("none"), days_past_due=unrolled_days, oldest_unpaid_due_on=due)
    shows(
        loan("following"),
        days_past_due=rolled_days,
        oldest_unpaid_due_on=rolled,
        business_days_past_due=business_days,
    )


def test_following_holiday_moves_only_from_days_that_the_notice_names() -> None:
    def loan(roll: str, due: str) -> recompute.Row:
        example = Example(disbursed_on=on("2025-01-02"), principal=amount(100)).product(due_date_roll=roll)
        return example.installment(1, due, 100).at("2025-03-03")

    # Saturday 2025-02-15 is an ordinary weekend: only `following` moves it, to Monday.
    shows(loan("following", "2025-02-15"), oldest_unpaid_due_on="2025-02-17")
    shows(loan("following_holiday", "2025-02-15"), oldest_unpaid_due_on="2025-02-15")
    # Saturday 2025-02-01 lies in Spring Festival, 2025-02-04 is a day in lieu: both move to Wednesday the 5th.
    shows(loan("following_holiday", "2025-02-01"), oldest_unpaid_due_on="2025-02-05")
    shows(loan("following_holiday", "2025-02-04"), oldest_unpaid_due_on="2025-02-05")
    # Saturday 2025-02-08 is a working day: nothing moves it.
    shows(loan("following", "2025-02-08"), oldest_unpaid_due_on="2025-02-08")


def test_years_without_a_notice_have_monday_to_friday() -> None:
    example = Example(principal=amount(100)).product(due_date_roll="following").installment(1, "2027-10-02", 100)
    # Saturday moves to Monday 2027-10-04, in what will surely be a holiday; nobody has announced it.
    shows(example.at("2027-10-06"), oldest_unpaid_due_on="2027-10-04", business_days_past_due=2)


def test_grace_is_off_delinquent_days_only() -> None:
    example = Example().product(grace_days=3).three_installments()
    shows(example.at("2025-04-12"), days_past_due=2, delinquent_days=0)
    shows(example.at("2025-04-15"), days_past_due=5, delinquent_days=2)


def test_tolerance_forgives_days_up_to_and_including_the_limit() -> None:
    example = Example().product(tolerance_amount=amount(10)).three_installments()
    example.paid("R1", "2025-04-10", 90)
    shows(example.at("2025-04-20"), overdue_amount=10, days_past_due=10, delinquent_days=0)
    over = Example().product(tolerance_amount=amount(10)).three_installments().paid("R1", "2025-04-10", "89.99")
    shows(over.at("2025-04-20"), overdue_amount=Decimal("10.01"), days_past_due=10, delinquent_days=10)


def test_tolerance_rate_is_of_the_outstanding_principal() -> None:
    # After 90 of the first installment 210 is outstanding; 5% of it is 10.50, and 10 is overdue.
    example = Example().product(tolerance_rate=Decimal("0.05")).three_installments().paid("R1", "2025-04-10", 90)
    shows(example.at("2025-04-20"), outstanding_principal=210, delinquent_days=0)
    # 4.7% of it is 9.87.
    stricter = Example().product(tolerance_rate=Decimal("0.047")).three_installments().paid("R1", "2025-04-10", 90)
    shows(stricter.at("2025-04-20"), delinquent_days=10)


def test_pause_scopes() -> None:
    def loan(scope: str) -> Example:
        example = Example().product(pause_scope=scope).three_installments()
        example.pause("2025-04-05", "2025-04-13")  # from before the due date through the 12th
        example.pause("2025-04-12", "2025-04-15")  # overlaps the first
        return example.pause("2025-04-28", None)  # open

    # From the 10th up to but excluding the 20th: 10th..14th are paused.
    shows(loan("overlap").at("2025-04-20"), days_past_due=10, delinquent_days=5)
    # All pause days before the 20th: 5th..14th, ten of them.
    shows(loan("all_pause_days").at("2025-04-20"), days_past_due=10, delinquent_days=0)
    # The open pause: 28th, 29th, 30th, but not the as-of day.
    shows(loan("overlap").at("2025-05-01"), days_past_due=21, delinquent_days=13)


def test_pause_includes_the_as_of_day_under_include_due_date() -> None:
    example = Example().product(day_count="include_due_date").three_installments().pause("2025-04-12", None)
    # 10th, 11th, 12th, 13th: four days, the last two paused.
    shows(example.at("2025-04-13"), days_past_due=4, delinquent_days=2)


@pytest.mark.parametrize(
    ("bucket_on", "bucket"), [("days_past_due", "M2"), ("delinquent_days", "M1"), ("business_days_past_due", "M1")]
)
def test_bucket_follows_the_product_and_m_stage_does_not(bucket_on: str, bucket: str) -> None:
    example = Example().product(bucket_on=bucket_on, grace_days=5).three_installments()
    # 33 days; 28 after grace; 21 working days from 2025-04-11 through 2025-05-13 (May Day out, 04-27 worked).
    shows(
        example.at("2025-05-13"),
        days_past_due=33,
        delinquent_days=28,
        business_days_past_due=21,
        bucket=bucket,
        m_stage="M2",
    )


# ------------------------------------------------------------------------------------------------ laying the money


def test_oldest_installment_is_paid_first() -> None:
    example = Example().three_installments().paid("R1", "2025-05-20", 150)
    shows(
        example.at("2025-05-20"),
        oldest_unpaid_due_on="2025-05-12",
        days_past_due=8,
        overdue_amount=50,
        outstanding_principal=150,
        last_paid_on="2025-05-20",
    )


def test_component_order_says_what_a_part_payment_leaves() -> None:
    def loan(order: str | None) -> recompute.Row:
        example = Example(principal=amount(100)).product(component_order=order)
        return example.installment(1, "2025-04-10", 100, 20, 5).paid("R1", "2025-04-10", 30).at("2025-04-11")

    shows(loan(None), overdue_fees=0, overdue_interest=0, overdue_principal=95, outstanding_principal=95)
    shows(loan("principal,interest,fee"), overdue_fees=5, overdue_interest=20, overdue_principal=70)
    shows(loan("interest,principal,fee"), overdue_fees=5, overdue_interest=0, overdue_principal=90)


def test_prepayment_and_overpayment() -> None:
    example = Example().three_installments().paid("R1", "2025-04-01", 310)
    shows(example.at("2025-04-01"), outstanding_principal=0, overpaid_amount=10, days_past_due=0)


def test_zero_amount_installment_is_never_overdue() -> None:
    example = Example(principal=amount(100)).installment(0, "2025-03-03", 0).installment(1, "2025-04-10", 100)
    shows(example.at("2025-04-12"), oldest_unpaid_due_on="2025-04-10", missed_installments=1)


def test_reversal_months_later_restores_the_original_due_date() -> None:
    example = Example().three_installments()
    example.paid("R1", "2025-04-10", 100).paid("R2", "2025-05-12", 100).paid("R3", "2025-06-10", 100)
    example.reversal("R4", "R1", "2025-09-01", 100)
    shows(example.at("2025-08-31"), days_past_due=0, outstanding_principal=0, first_overdue_on=None)
    # The 200 that is left pays installments 1 and 2; the third has been due since 10 June: 83 days.
    shows(
        example.at("2025-09-01"),
        oldest_unpaid_due_on="2025-06-10",
        days_past_due=83,
        first_overdue_on="2025-09-01",
        max_days_past_due=83,
        last_paid_on="2025-06-10",
    )


def test_partial_reversal_and_last_paid_on() -> None:
    example = Example().three_installments().paid("R1", "2025-04-10", 100).paid("R2", "2025-04-20", 50)
    example.reversal("R3", "R1", "2025-04-22", 40).reversal("R4", "R2", "2025-04-25", 50)
    # On the 22nd 60 + 50 are there; from the 25th on 60, and the payment of the 20th never was.
    shows(example.at("2025-04-22"), overdue_amount=0, last_paid_on="2025-04-20", outstanding_principal=190)
    shows(example.at("2025-04-25"), overdue_amount=40, last_paid_on="2025-04-10", days_past_due=15)


def test_chargeback_is_a_new_obligation_of_its_own_day() -> None:
    example = Example().three_installments().paid("R1", "2025-04-10", 100).event("chargeback", "R2", "2025-04-20", 100)
    shows(example.at("2025-04-20"), days_past_due=0, outstanding_principal=300, last_paid_on="2025-04-10")
    shows(
        example.at("2025-04-21"),
        oldest_unpaid_due_on="2025-04-20",
        days_past_due=1,
        overdue_principal=100,
        missed_installments=0,  # it is not an installment
    )


def test_waiver_is_never_cash_and_pays_charges_first() -> None:
    example = Example().three_installments().charge("F1", "2025-04-05", 30)
    example.event("waiver", "R1", "2025-04-12", 50)
    # 30 for the charge, 20 for installment 1.
    shows(example.at("2025-04-12"), overdue_fees=0, overdue_principal=80, last_paid_on=None, days_past_due=2)


def test_waiver_that_names_an_installment_leaves_charges_alone() -> None:
    example = Example().three_installments().charge("F1", "2025-04-05", 30)
    example.event("waiver", "R1", "2025-04-12", 50, installment_no=1)
    shows(example.at("2025-04-12"), overdue_fees=30, overdue_principal=50, overdue_amount=80)


def test_charges_that_do_not_age_are_paid_last_and_have_no_clock() -> None:
    example = Example().three_installments().charge("F1", "2025-04-05", 30)
    shows(example.at("2025-04-08"), days_past_due=0, overdue_fees=30, overdue_amount=30, overdue_balance=0)
    shows(example.at("2025-04-08"), missed_installments=0, oldest_unpaid_due_on=None, delinquent_days=0)
    # 110 on the 10th: 100 is due, 10 of what is left pays the charge.
    example.paid("R1", "2025-04-10", 110)
    shows(example.at("2025-04-11"), overdue_fees=20, overdue_principal=0, outstanding_principal=200)
    # 150: the charge, and 20 of installment 2.
    example.paid("R2", "2025-04-11", 40)
    shows(example.at("2025-04-11"), overdue_fees=0, outstanding_principal=180)


def test_charges_age() -> None:
    example = Example().product(charges_age=True).three_installments().charge("F1", "2025-04-05", 30)
    shows(
        example.at("2025-04-08"),
        days_past_due=3,
        oldest_unpaid_due_on="2025-04-05",
        overdue_fees=30,
        overdue_balance=300,
        missed_installments=0,
    )
    # The queue starts with the charge, so 100 leaves 30 of installment 1.
    example.paid("R1", "2025-04-10", 100)
    shows(example.at("2025-04-11"), oldest_unpaid_due_on="2025-04-10", overdue_fees=0, overdue_principal=30)


def test_a_charge_stands_before_a_chargeback_of_the_same_day() -> None:
    example = Example().product(charges_age=True).three_installments()
    example.event("chargeback", "R1", "2025-04-05", 20).charge("F1", "2025-04-05", 30).paid("R2", "2025-04-06", 30)
    shows(example.at("2025-04-06"), overdue_fees=0, overdue_principal=20, days_past_due=1)


def test_charge_reversal_takes_effect_on_its_own_day() -> None:
    example = Example().product(charges_age=True).three_installments().charge("F1", "2025-04-05", 30)
    example.charge("F2", "2025-04-09", 30, "reversal", reverses_id="F1")
    shows(example.at("2025-04-08"), days_past_due=3, max_days_past_due=3)
    shows(example.at("2025-04-09"), days_past_due=0, overdue_fees=0, max_days_past_due=3, first_overdue_on="2025-04-06")


def test_fees_first() -> None:
    # 100 on the due day pays the charges of that day and before (30 + 10), then 60 of installment 1.
    example = Example().product(allocation="fees_first").three_installments()
    example.charge("F1", "2025-04-05", 30).charge("F2", "2025-04-10", 10).charge("F3", "2025-04-11", 5)
    example.paid("R1", "2025-04-10", 100)
    shows(example.at("2025-04-12"), overdue_principal=40, overdue_fees=5, days_past_due=2, overdue_amount=45)


def test_fees_first_waiver_that_names_an_installment_pays_no_charge() -> None:
    def loan(**more: Any) -> Example:
        example = Example().product(allocation="fees_first").three_installments().charge("F1", "2025-04-05", 30)
        return example.event("waiver", "R1", "2025-04-12", 50, **more)

    shows(loan(installment_no=1).at("2025-04-12"), overdue_fees=30, overdue_principal=50)
    shows(loan().at("2025-04-12"), overdue_fees=0, overdue_principal=80)


def test_fees_first_reversed_money_is_left_out_of_the_replay() -> None:
    example = Example().product(allocation="fees_first").three_installments().charge("F1", "2025-04-05", 30)
    example.paid("R1", "2025-04-06", 30).paid("R2", "2025-04-10", 100).reversal("R3", "R1", "2025-04-20", 30)
    shows(example.at("2025-04-19"), overdue_amount=0)
    # Without R1, R2 pays the charge, and 30 of installment 1 is missing since the 10th.
    shows(example.at("2025-04-20"), overdue_fees=0, overdue_principal=30, days_past_due=10)


def test_fees_first_money_beyond_everything_pays_later_charges() -> None:
    example = Example().product(allocation="fees_first").three_installments()
    example.paid("R1", "2025-04-06", 320).charge("F1", "2025-04-20", 15)
    shows(example.at("2025-04-21"), overdue_fees=0, overpaid_amount=5, outstanding_principal=0)


def test_by_installment_pays_what_it_names() -> None:
    example = Example().product(allocation="by_installment").three_installments()
    example.paid("R1", "2025-05-12", 100, installment_no=2)
    shows(example.at("2025-05-13"), oldest_unpaid_due_on="2025-04-10", days_past_due=33, missed_installments=1)
    # Its rest, and money naming nothing or nothing that exists, falls back to the oldest.
    example.paid("R2", "2025-05-14", 130, installment_no=3).paid("R3", "2025-05-15", 50, installment_no=77)
    shows(example.at("2025-05-14"), overdue_amount=70)
    shows(example.at("2025-05-15"), overdue_amount=20, outstanding_principal=20)


@pytest.mark.parametrize("ids", [("R1", "R2"), ("R2", "R1")])
def test_by_installment_gives_the_same_whatever_the_ids_of_one_day(ids: tuple[str, str]) -> None:
    example = Example().product(allocation="by_installment").three_installments()
    example.paid(ids[0], "2025-04-10", 150).paid(ids[1], "2025-04-10", 100, installment_no=2)
    # Either way numbers 1 and 2 are paid, and 50 of number 3.
    shows(example.at("2025-06-11"), oldest_unpaid_due_on="2025-06-10", overdue_amount=50, missed_installments=1)


def test_by_installment_money_cannot_pay_what_does_not_exist_yet() -> None:
    example = Example().product(allocation="by_installment").three_installments()
    example.paid("R1", "2025-04-10", 150).event("chargeback", "R2", "2025-05-01", 25)
    # The 50 beyond number 1 went to number 2 in April; the chargeback of May finds nothing waiting.
    shows(example.at("2025-05-02"), oldest_unpaid_due_on="2025-05-01", overdue_amount=25, outstanding_principal=175)


def test_by_installment_waiting_money_pays_charges_before_money_that_ran_ahead() -> None:
    example = Example().product(allocation="by_installment").three_installments()
    example.paid("R1", "2025-04-10", 340).charge("F1", "2025-04-20", 30)
    shows(example.at("2025-04-21"), overdue_fees=0, overpaid_amount=10, outstanding_principal=0)


def test_by_installment_credit_pays_what_comes_later() -> None:
    example = Example().product(allocation="by_installment").three_installments()
    example.paid("R1", "2025-04-10", 340).event("chargeback", "R2", "2025-05-01", 25)
    shows(example.at("2025-04-30"), overpaid_amount=40)
    shows(example.at("2025-05-02"), overpaid_amount=15, days_past_due=0, outstanding_principal=0)


def test_by_installment_charges_are_paid_from_money_that_ran_ahead() -> None:
    example = Example().product(allocation="by_installment").three_installments()
    example.paid("R1", "2025-04-10", 150).charge("F1", "2025-04-20", 30)
    # 50 of number 2 is prepaid; 30 of it goes to the charge ...
    shows(example.at("2025-04-21"), overdue_fees=0, outstanding_principal=180)
    # ... until number 2 is due and needs it.
    shows(example.at("2025-05-12"), overdue_fees=30, outstanding_principal=150)


def test_customer_days_past_due_ignores_money_of_others() -> None:
    example = Example().three_installments().paid("R1", "2025-04-20", 100, payer="guarantor")
    shows(example.at("2025-04-30"), days_past_due=0, customer_days_past_due=20, last_paid_on="2025-04-20")
    # A reversal belongs to the payer of what it reverses, whatever it says itself.
    example.paid("R2", "2025-05-01", 100).event("reversal", "R3", "2025-05-03", 100, reverses_id="R1", payer="customer")
    shows(example.at("2025-05-05"), days_past_due=0, customer_days_past_due=0)


# --------------------------------------------------------------------------------------------------- what is owed


def test_loan_without_installments_owes_its_principal_at_maturity() -> None:
    example = Example(matures_on=on("2025-06-10"))
    shows(example.at("2025-06-10"), days_past_due=0, outstanding_principal=300, plan_no=None, plan_effective_on=None)
    shows(example.at("2025-06-12"), days_past_due=2, overdue_principal=300, missed_installments=1)
    shows(Example().at("2030-01-01"), days_past_due=0, outstanding_principal=300)  # no maturity known: never due


def test_principal_that_the_plan_leaves_out_is_due_at_maturity() -> None:
    def loan(**more: Any) -> Example:
        return Example(**more).installment(1, "2025-04-10", 100).paid("R1", "2025-04-10", 100)

    shows(loan(matures_on=on("2025-12-01")).at("2025-12-02"), days_past_due=1, overdue_principal=200)
    # Maturity unknown: with the last installment.
    shows(loan().at("2025-04-11"), days_past_due=1, overdue_principal=200, missed_installments=1)


def test_whole_plan_lists_paid_installments_too() -> None:
    example = Example().three_installments().paid("R1", "2025-04-10", 100)
    example.plan(2, "2025-05-20", (1, "2025-04-10", 100), (2, "2025-07-10", 100), (3, "2025-08-11", 100))
    shows(example.at("2025-05-19"), plan_no=1, days_past_due=7, days_before_plan=None, plan_effective_on="2025-03-03")
    shows(
        example.at("2025-05-20"),
        plan_no=2,
        plan_effective_on="2025-05-20",
        days_past_due=0,
        days_before_plan=7,
        outstanding_principal=200,
        max_days_past_due=7,
        first_overdue_on="2025-05-13",
    )


def remaining_plan() -> Example:
    example = Example().product(plan_basis="remaining").three_installments().paid("R1", "2025-04-10", 100)
    return example.plan(2, "2025-05-20", (1, "2025-07-10", 120), (2, "2025-08-11", 90))


def test_remaining_plan_replaces_everything_before_it() -> None:
    example = remaining_plan().charge("F1", "2025-04-30", 30).event("chargeback", "R2", "2025-05-01", 10)
    shows(example.at("2025-05-20"), outstanding_principal=210, overdue_amount=0, days_past_due=0, days_before_plan=18)
    # Only money from the plan's day on pays it; R1 does not.
    example.paid("R3", "2025-05-20", 20)
    shows(example.at("2025-07-11"), overdue_principal=100, days_past_due=1, outstanding_principal=190)


def test_a_plan_drawn_up_net_of_its_first_days_money_does_not_count_it_twice() -> None:
    example = Example().product(plan_basis="remaining", plan_includes_day=True).three_installments()
    example.paid("R1", "2025-05-20", 100).plan(2, "2025-05-20", (1, "2025-07-10", 120), (2, "2025-08-11", 90))
    shows(example.at("2025-05-20"), outstanding_principal=210, overdue_amount=0)
    example.paid("R2", "2025-05-21", 20)
    shows(example.at("2025-07-11"), overdue_principal=100, outstanding_principal=190)
    example.reversal("R3", "R1", "2025-07-12", 100)  # the plan believed it: owed again, from the plan's first day
    shows(example.at("2025-07-12"), oldest_unpaid_due_on="2025-05-20", outstanding_principal=290)


def test_later_reversal_of_earlier_money_is_due_when_the_remaining_plan_began() -> None:
    example = remaining_plan().reversal("R2", "R1", "2025-06-30", 100)
    shows(example.at("2025-06-29"), days_past_due=0, outstanding_principal=210)
    shows(
        example.at("2025-06-30"),
        oldest_unpaid_due_on="2025-05-20",
        days_past_due=41,
        customer_days_past_due=41,
        overdue_principal=100,
        outstanding_principal=310,
        missed_installments=0,
        first_overdue_on="2025-05-13",
    )
    example.paid("R3", "2025-07-01", 100)  # pays it before anything else
    shows(example.at("2025-07-11"), oldest_unpaid_due_on="2025-07-10", overdue_principal=120)


def test_reopened_money_stands_before_everything_else() -> None:
    example = Example().product(plan_basis="remaining").three_installments().paid("R1", "2025-04-10", 100)
    example.plan(2, "2025-05-20", (1, "2025-05-15", 120)).reversal("R2", "R1", "2025-06-30", 100)
    # Even before an installment due earlier. 120 pays the 100 and leaves 100 of the installment.
    example.paid("R3", "2025-07-01", 120)
    shows(example.at("2025-07-01"), oldest_unpaid_due_on="2025-05-15", overdue_amount=100, missed_installments=1)


def test_money_reversed_before_the_remaining_plan_is_not_owed_again() -> None:
    example = remaining_plan().reversal("R2", "R1", "2025-05-19", 100)
    shows(example.at("2025-05-20"), outstanding_principal=210, overdue_amount=0, days_before_plan=39)


def test_a_plan_in_force_counts_from_its_day_even_if_a_higher_one_is_known() -> None:
    example = Example().three_installments().plan(2, "2025-12-01", (1, "2026-01-12", 300))
    shows(example.at("2025-11-30"), plan_no=1, missed_installments=3)
    shows(example.at("2025-12-01"), plan_no=2, missed_installments=0, days_before_plan=234)


# ------------------------------------------------------------------------------------------------------- history


def test_maximum_and_first_day_remember_what_was_paid_since() -> None:
    example = Example().three_installments().paid("R1", "2025-04-15", 100).paid("R2", "2025-05-15", 100)
    example.paid("R3", "2025-06-10", 100)
    # Four days' unpaid nights in April (11th-14th), two in May.
    shows(example.at("2025-12-31"), days_past_due=0, first_overdue_on="2025-04-11", max_days_past_due=4)


def test_first_payment_default_is_decided_once() -> None:
    late = Example().three_installments().paid("R1", "2025-05-11", 100)
    shows(late.at("2025-05-09"), is_first_payment_default=None)
    shows(late.at("2025-05-10"), is_first_payment_default=True)  # 30 days after 10 April
    shows(late.at("2025-12-31"), is_first_payment_default=True)  # never reverts
    in_time = Example().three_installments().paid("R1", "2025-05-10", 100).reversal("R2", "R1", "2025-07-01", 100)
    shows(in_time.at("2025-12-31"), is_first_payment_default=False)
    shows(late.at("2025-05-09", fpd_days=10), is_first_payment_default=True)


def test_first_payment_default_needs_full_payment_of_the_first_installment_only() -> None:
    def loan(value: str) -> Example:
        # 100 of the principal is left for maturity, which is not the first payment.
        example = (
            Example(matures_on=on("2025-12-01")).installment(1, "2025-04-10", 100).installment(2, "2025-05-12", 100)
        )
        return example.paid("R1", "2025-04-10", value)

    shows(loan("99.99").at("2025-05-10"), is_first_payment_default=True)
    shows(loan("100").at("2025-05-10"), is_first_payment_default=False)


def test_first_payment_default_follows_the_plan_that_contains_its_own_day() -> None:
    # Plan 1 would be judged on 10 May, but plan 2 has replaced it on 1 May: judged on 10 June + 30.
    example = Example().three_installments().plan(2, "2025-05-01", (1, "2025-06-10", 300))
    shows(example.at("2025-07-09"), is_first_payment_default=None)
    shows(example.at("2025-07-10"), is_first_payment_default=True)


def test_each_day_has_the_conventions_of_that_day() -> None:
    example = Example().product().product("2025-05-01", day_count="include_due_date").three_installments()
    shows(example.at("2025-04-30"), days_past_due=20)
    shows(example.at("2025-05-01"), days_past_due=22, max_days_past_due=22)


def test_history_reads_the_product_of_each_day() -> None:
    example = Example().product().add("products", product_id="Q", day_count="include_due_date").three_installments()
    example.ledgers["loans"].append(
        example.ledgers["loans"][0] | {"product_id": "Q", "_delivery": (on("2025-05-02"), 1)}
    )
    example.paid("R1", "2025-05-02", 100)
    # Delivered on 2 May, so read from 1 May on: that day counts 22 days, and no later one does.
    shows(example.at("2025-05-11"), days_past_due=0, max_days_past_due=22, product_id="Q")


# ----------------------------------------------------------------------------------------------------- knowledge


def test_columns_without_a_date_are_read_by_delivery_date_and_lag() -> None:
    example = Example(security="mortgaged")
    example.ledgers["loans"][0]["_delivery"] = (on("2025-03-04"), 1)
    changed = example.ledgers["loans"][0] | {"security": "unsecured", "matures_on": on("2025-09-09")}
    example.ledgers["loans"].append(changed | {"_delivery": (on("2025-06-10"), 1)})
    shows(example.at("2025-06-08"), security="mortgaged", matures_on="2025-09-09")  # a date is simply known
    shows(example.at("2025-06-09"), security="unsecured")  # delivered the day after
    shows(example.at("2025-06-09", attribute_lag_days=0), security="mortgaged")
    shows(example.at("2025-03-03", attribute_lag_days=0), security="mortgaged")  # before any delivery: the first known


def test_loans_in_and_out() -> None:
    example = Example(closed_on=on("2025-06-10"), written_off_on=on("2025-05-01"), restructured_on=on("2025-05-02"))
    example.three_installments()
    shows(example.at("2025-04-30"), is_written_off=False, is_restructured=False)
    shows(example.at("2025-05-01"), is_written_off=True, is_restructured=False, days_past_due=21)
    shows(example.at("2025-06-09"), is_restructured=True)
    for day in ("2025-03-02", "2025-06-10"):
        assert recompute.loan_aging(example.ledgers, on(day), calendar=CALENDAR) == {}


def test_corrected_master_rows_replace_and_repeated_events_count_once(tmp_path: Path) -> None:
    for folder, files in {
        "2025-03-03": {
            "customers": "customer_id,segment\nC1,personal\n",
            "loans": "loan_id,customer_id,disbursed_on,principal,currency\nL1,C1,2025-03-03,100.00,CNY\n",
            "installments": "loan_id,installment_no,due_on,principal_due\nL1,1,2025-04-10,100.00\n",
            "repayments": "repayment_id,loan_id,paid_on,amount\nR1,L1,2025-04-01,40\n",
        },
        "2025-04-11": {"repayments": "repayment_id,loan_id,paid_on,amount\nR1,L1,2025-04-01,40\n"},
        "2025-04-11.2": {
            "installments": "loan_id,installment_no,due_on,principal_due\nL1,1,2025-04-09,100.00\n",
            "repayments": "repayment_id,loan_id,paid_on,amount\n",
        },
    }.items():
        for name, text in files.items():
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{name}.csv").write_text(text, encoding="utf-8")
    ledgers = read_landing(tmp_path)
    assert len(ledgers["repayments"]) == 1
    row = recompute.loan_aging(ledgers, on("2025-04-11"), calendar=CALENDAR)["L1"]
    shows(row, days_past_due=2, overdue_amount=60)
    earlier = read_landing(tmp_path, known_at=(on("2025-04-11"), 1))
    shows(recompute.loan_aging(earlier, on("2025-04-11"), calendar=CALENDAR)["L1"], days_past_due=1)


# ------------------------------------------------------------------------------- what must hold for every random book


@pytest.mark.parametrize(("payments", "reversed_of_them"), [(9_900, 0), (4_800, 2_400)])
def test_thousands_of_repayments_on_one_loan_take_no_minute(payments: int, reversed_of_them: int) -> None:
    """Money is summed once for the loan, not once a day: a minute before, less than a second after."""
    example = Example(principal=amount(100_000)).installment(1, "2026-12-31", 100_000)
    for n in range(payments):
        paid_on = str(on("2025-03-04") + timedelta(days=n % 600))
        example.event("payment", f"R{n}", paid_on, 1)
        if n < reversed_of_them:
            example.event("reversal", f"X{n}", str(on(paid_on) + timedelta(days=1)), 1, reverses_id=f"R{n}")
    began = time.process_time()
    row = recompute.loan_aging(example.ledgers, on("2026-11-30"), calendar=CALENDAR)["L1"]
    assert time.process_time() - began < 5
    shows(row, days_past_due=0, outstanding_principal=100_000 - payments + reversed_of_them)


FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@FEW
@given(strategies.books())
def test_every_day_gives_the_same_history(book: tuple[recompute.Ledgers, date]) -> None:
    """Working out only the days on which something changes is the same as working out all of them."""
    ledgers, as_of = book
    result = recompute.loan_aging(ledgers, as_of, calendar=CALENDAR)
    rows = recompute.known(ledgers)
    products = recompute.Products(rows["products"])
    for loan in recompute.loan_files(rows, recompute.versions(ledgers, "loans")):
        row = result.get(loan.row["loan_id"])
        if row is None:
            continue
        by_day: dict[date, int] = {}
        day = loan.row["disbursed_on"]
        while day <= as_of:
            period = recompute.period_at(loan, day, products, 1)
            owed = recompute.obligations(loan, period, CALENDAR)
            by_day[day] = recompute.position(loan, day, period, owed, CALENDAR).days_past_due()
            day += timedelta(days=1)
        assert row["first_overdue_on"] == min((day for day, days in by_day.items() if days > 0), default=None)
        assert row["max_days_past_due"] == max(by_day.values())


@FEW
@given(strategies.books())
def test_no_money_is_lost_or_made(book: tuple[recompute.Ledgers, date]) -> None:
    """What came in stands on obligations, on charges, or as overpaid; and nothing is paid more than it is."""
    ledgers, as_of = book
    rows = recompute.known(ledgers)
    products = recompute.Products(rows["products"])
    for loan in recompute.loan_files(rows, recompute.versions(ledgers, "loans")):
        period = recompute.period_at(loan, as_of, products, 1)
        owed = recompute.obligations(loan, period, CALENDAR)
        position = recompute.position(loan, as_of, period, owed, CALENDAR)
        came = sum(money.net(as_of) for money in loan.money if period.counts_from <= money.paid_on <= as_of)
        everything = [one for one in position.queue if one.kind != "charge"] + position.charges
        assert came == sum(one.paid for one in everything) + position.overpaid
        assert all(0 <= one.paid <= one.amount for one in everything)
        assert position.overpaid == 0 or all(one.unpaid == 0 for one in everything)


@FEW
@given(strategies.books())
def test_columns_agree_with_each_other(book: tuple[recompute.Ledgers, date]) -> None:
    ledgers, as_of = book
    for row in recompute.loan_aging(ledgers, as_of, calendar=CALENDAR).values():
        assert row["overdue_amount"] == row["overdue_principal"] + row["overdue_interest"] + row["overdue_fees"]
        assert row["overdue_balance"] == (row["outstanding_principal"] if row["days_past_due"] else 0)
        assert (row["days_past_due"] > 0) == (row["oldest_unpaid_due_on"] is not None)
        assert 0 <= row["delinquent_days"] <= row["days_past_due"] <= row["max_days_past_due"]
        assert 0 <= row["business_days_past_due"] <= row["days_past_due"]
        assert (row["first_overdue_on"] is None) == (row["max_days_past_due"] == 0)
        assert row["overdue_principal"] <= row["outstanding_principal"]
        assert row["customer_days_past_due"] >= row["days_past_due"] or _names_installments(ledgers)


def _names_installments(ledgers: recompute.Ledgers) -> bool:
    """Without another's money, money that names its installment may stand elsewhere: days may then be fewer."""
    return any(row["allocation"] == "by_installment" for row in ledgers["products"])


@FEW
@given(strategies.small_ledgers())
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, ledgers: recompute.Ledgers) -> None:
    folder = tmp_path_factory.mktemp("landing")
    strategies.write_landing(ledgers, folder)
    as_of = strategies.last_delivery(ledgers)[0]
    read = recompute.loan_aging(read_landing(folder), as_of, calendar=CALENDAR)
    assert read == recompute.loan_aging(ledgers, as_of, calendar=CALENDAR)


def test_a_seed_gives_one_book() -> None:
    assert strategies.random_ledgers(7, 50) == strategies.random_ledgers(7, 50)
    assert strategies.random_ledgers(7, 50) != strategies.random_ledgers(8, 50)


# --------------------------------------------------------------------------------------------------------- peers


def peer_cases() -> list[Any]:
    if not PEER_CASES.exists():
        reason = "the peers' cases (../shared/conformance/peer_cases.json) are not beside this checkout"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="absent")]
    cases = json.loads(PEER_CASES.read_text(encoding="utf-8"))["cases"]
    return [pytest.param(case, id=case["id"]) for case in cases]


def peer_example(case: dict[str, Any]) -> Example:
    """A peer's case as ledger rows.

    Some list only the first installments of a longer schedule: the rest is then put beyond the case's horizon, as
    principal due at a far maturity.
    """
    convention, loan = case["convention"], case["loan"]
    example = Example(
        loan["loan_id"],
        principal=Decimal(loan["principal"]),
        disbursed_on=on(loan["disbursed_on"]),
        matures_on=on(loan.get("maturity", "2099-12-31")),
    )
    example.product(
        day_count="include_due_date" if convention["due_date_counts_as_day_1"] else "exclude_due_date",
        grace_days=convention["grace_days"],
        pause_scope=convention.get("pause_scope"),
        allocation={
            "oldest_instalment_first": "oldest_installment_first",
            "fees_first_then_oldest_instalment": "fees_first",
        }[convention["allocation"]],
        bucket_on=convention.get("bucket_on"),
        bucket_scheme="PEER",
    )
    for line in case["schedule"]:
        example.installment(line["n"], line["due_date"], line["principal"], line["interest"])
    amounts = {event["id"]: event["amount"] for event in case["events"] if "id" in event and "amount" in event}
    for number, event in enumerate(case["events"]):
        ident = event.get("id", f"e{number:03d}")
        if event["type"] == "fee":
            example.charge(ident, event["date"], event["amount"])
        elif event["type"] == "reversal":
            example.reversal(f"e{number:03d}", event["of"], event["date"], event.get("amount", amounts[event["of"]]))
        else:
            example.event(event["type"], ident, event["date"], event["amount"])
    for from_on, to_on in dict.fromkeys((pause["from"], pause["to"]) for pause in convention["pauses"]):
        if from_on < to_on:  # a pause ended on the day it began has no paused day, and no row
            example.pause(from_on, to_on)
    return example


@pytest.mark.parametrize("case", peer_cases())
def test_peer_case(case: dict[str, Any]) -> None:
    convention = case["convention"]
    scheme = [("NO_DELINQUENCY", 0, 0), *(tuple(bucket) for bucket in convention.get("buckets", [("LATE", 1, None)]))]
    row = peer_example(case).at(case["as_of"], bucket_schemes={"PEER": scheme})
    found = {
        "days_past_due": row["days_past_due"],
        "delinquent_days": row["delinquent_days"],
        "overdue_amount": str(row["overdue_amount"]),
        "overdue_since": row["oldest_unpaid_due_on"] and row["oldest_unpaid_due_on"].isoformat(),
        "overdue_loan_balance": str(row["overdue_balance"]),
        "bucket": row["bucket"],
        "recomputed_bucket": row["bucket"],
    }
    expected = case["computed"] | {column: value for column, value in case["expected"].items() if column in found}
    assert {column: found[column] for column in expected} == expected
