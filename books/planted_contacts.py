"""Contacts with known breaches of the rules of conduct, as one more delivery on top of a book.

    expected = plant(book.landing, date(2026, 10, 31))

Each plant is a few attempts on a customer of its own, who lives by the clock of Shanghai, and the breaches they are.
"""

from __future__ import annotations

import csv
from datetime import date, datetime, timedelta
from pathlib import Path

COLUMNS = (
    "attempt_id", "customer_id", "loan_id", "attempted_at", "initiated_by", "channel", "party", "contact_point_id", "outcome",
    "stop_requested", "debt_disclosed", "recorded", "message_text",
)  # fmt: skip
SOUND = {"initiated_by": "lender", "channel": "phone", "party": "debtor", "outcome": "reached", "recorded": "true"}
CALL, MESSAGE = {}, {"channel": "sms", "outcome": "left_message", "recorded": "", "message_text": "您好，请按时还款。"}
AUNT = {"party": "contact", "debt_disclosed": "false"}
NOT_LOST = {"CN_GB_CONTACT_ONLYLOST", "CN_CBA_THIRD_LOST"}
QUIET = {"CN_GB_QUIET", "CN_CBA_QUIET"}

# (days before the delivery, local time, what differs from a sound call, rules that it breaks)
Step = tuple[int, str, dict[str, str], set[str]]
PLANTS: dict[str, list[Step]] = {
    "evening": [(3, "21:59:59", CALL, set()), (2, "22:00:00", CALL, QUIET)],
    "morning": [(3, "07:59:59", CALL, QUIET), (2, "08:00:00", CALL, set())],
    "midnight": [(3, "23:59:59", MESSAGE, QUIET), (2, "00:00:00", MESSAGE, QUIET)],
    "fourth call": [(2, f"{hour:02}:00:00", CALL, set()) for hour in (9, 10, 11)]
    + [(2, "12:00:00", CALL, {"CN_GB_CALL3"})],
    "he calls": [(2, f"{hour:02}:00:00", CALL, set()) for hour in (9, 10, 11)]
    + [(2, "12:00:00", {"initiated_by": "customer"}, set())],
    "two days": [(3, f"{hour:02}:00:00", CALL, set()) for hour in (9, 10, 11)] + [(2, "09:00:00", CALL, set())],
    "seventh dial": [(2, f"{hour:02}:00:00", {"outcome": "no_answer"}, set()) for hour in range(9, 15)]
    + [(2, "15:00:00", {"outcome": "no_answer"}, {"CN_CBA_ATTEMPT6"})],
    "aunt, not lost": [(2, "10:00:00", AUNT, NOT_LOST)],
    "aunt, lost": [(day, "10:00:00", {"outcome": "invalid"}, set()) for day in (6, 5, 4)]
    + [
        (3, "10:00:00", AUNT, set()),
        (2, "10:00:00", AUNT | {"debt_disclosed": "true", "outcome": "refused"}, {"CN_GB_NODISCLOSE"}),
        (1, "10:00:00", AUNT, {"CN_GB_CONTACT_STOP", "CN_CBA_THIRD_STOP"}),
    ],
    "wording": [(2, "10:00:00", MESSAGE | {"message_text": "再不还钱，让你没脸见人！"}, {"CN_CBA_WORDING"})],
    "not recorded": [(2, "10:00:00", {"recorded": "false"}, {"CN_CBA_RECORD"})],
    "stop": [(3, "10:00:00", MESSAGE | {"stop_requested": "true"}, set()), (2, "10:00:00", MESSAGE, {"CN_OPT_OUT"})],
    "no consent": [(2, "10:00:00", {"contact_point_id": "refused"}, {"CN_PIPL_CONSENT"})],
}


def plant(landing: Path, day: date) -> set[tuple[str, str]]:
    """Write delivery `day`.2 with the planted contacts; the (attempt_id, rule_id) of every breach in it."""
    folder = landing / f"{day}.2"
    folder.mkdir()
    customers, loans, installments, points, attempts, expected = [], [], [], [], [], set()
    for n, steps in enumerate(PLANTS.values()):
        customer, loan = f"PLANT-{n}", f"PLANT-L-{n}"
        customers.append({"customer_id": customer, "segment": "personal"})
        loans.append(
            {
                "loan_id": loan,
                "customer_id": customer,
                "disbursed_on": day - timedelta(90),
                "principal": "9.00",
                "currency": "CNY",
            }
        )
        installments.append(
            {"loan_id": loan, "installment_no": 1, "due_on": day - timedelta(30), "principal_due": "9.00"}
        )
        for name, consented in (("phone", "true"), ("refused", "false")):
            points.append(
                {
                    "contact_point_id": f"{customer}-{name}",
                    "customer_id": customer,
                    "kind": "phone",
                    "consented": consented,
                }
            )
        for k, (days, clock, differs, broken) in enumerate(steps):
            begun = datetime.combine(day - timedelta(days), datetime.strptime(clock, "%H:%M:%S").time())
            row = {**dict.fromkeys(COLUMNS, ""), **SOUND, "contact_point_id": "phone", **differs}
            row |= {
                "attempt_id": f"{customer}-{k}",
                "customer_id": customer,
                "loan_id": loan,
                "attempted_at": str(begun),
            }
            row["contact_point_id"] = f"{customer}-{row['contact_point_id']}"
            attempts.append(row)
            expected |= {(row["attempt_id"], rule) for rule in broken}
    ledgers = {
        "customers": customers,
        "loans": loans,
        "installments": installments,
        "contact_points": points,
        "contact_attempts": attempts,
    }
    for name, rows in ledgers.items():
        with open(folder / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    (folder / "repayments.csv").write_text("repayment_id,loan_id,paid_on,amount\n", "utf-8")
    return expected
