"""One loan: its plan and terms, the ladder, what each payment paid, days, history, class. Facts alone; `words.py` tells them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flows.errors import UsageError
from flows.evidence.recompute import (
    KEYS,
    NEVER,
    ONE_DAY,
    LoanFile,
    Obligation,
    Period,
    Position,
    Products,
    Row,
    Terms,
    as_amount,
    known,
    loan_files,
    obligations,
    period_at,
    periods,
    position,
    spans,
    versions,
)
from flows.explain.debtor import debtor_file
from flows.explain.footing import Footing
from flows.explain.risk import class_of
from flows.explain.signals import signals_of

OF_LOAN = ("loans", "installments", "repayments", "charges", "pauses", "adjustments")
Facts = dict[str, Any]


def explain_loan(on: Footing, loan_id: str, with_days: bool) -> Facts:
    """Every figure of `loan_aging` for a loan, worked out from its rows, with what it rests on."""
    rows = {name: on.read(name, loan_id=loan_id) for name in OF_LOAN}
    if not rows["loans"]:
        raise UsageError(
            f"LOAN {loan_id}: no delivery up to {on.known.known_at} has such a loan. Give a loan_id as it stands in the ledger loans."
        )
    rows["customers"] = on.read("customers", customer_id={row["customer_id"] for row in rows["loans"]})
    rows["products"] = on.read("products", product_id={row["product_id"] or "" for row in rows["loans"]})
    ledgers = on.ledgers_of(**rows)
    newest = known(ledgers)
    products = Products(newest["products"], on.house_terms)
    (loan,) = loan_files(newest, versions(ledgers, "loans"))
    day, closed_on = on.as_of, loan.row["closed_on"]
    facts: Facts = {"loan_id": loan_id, "customer_id": loan.row["customer_id"], "row": _newest(rows["loans"])["_no"]}
    if loan.row["disbursed_on"] > day or (closed_on is not None and closed_on <= day):
        outside = {"disbursed_on": loan.row["disbursed_on"], "closed_on": closed_on}
        return {**facts, "outside": outside, "figures": {}, "published": None, "differs": []}
    figures = on.loans(ledgers)[loan_id]
    (published,) = on.mart("loan_aging", as_of=day, loan_id=loan_id) or [None]
    own = len(on.rows)
    file = debtor_file(on, loan.row["customer_id"], rows)
    at = _Found(on, rows, loan, products)
    return {
        **facts,
        "outside": None,
        "figures": figures,
        "published": published,
        "differs": _differences(figures, published),
        "versions": at.versions_told(),
        "plan": at.plan_told(),
        "terms": at.terms_told(),
        "rungs": at.rungs_told(),
        "charges": at.charges_told(),
        "money": at.money_told(),
        "overpaid": as_amount(at.now.overpaid),
        "days": at.days_told(figures, with_days),
        "tolerance": at.tolerance_told(figures),
        "pauses": at.pauses_told(figures),
        "bucket": at.bucket_told(figures),
        "customer_money": at.customer_money_told(),
        "before_plan": at.before_plan_told(),
        "history": at.history_told(),
        "first_payment": at.first_payment_told(),
        "waiting": on.waiting(loan_id=loan_id),
        "own_rows": own,
        "class": class_of(on, file, "loan", loan_id),
        "signals": signals_of(on, file),
    }


def _newest(rows: list[Row]) -> Row:
    return rows[-1]


def _differences(figures: Row, published: Row | None) -> list[dict[str, Any]]:
    """Columns on which the recomputation and the mart do not agree: there should be none."""
    if published is None:
        return []
    return [
        {"column": column, "published": published[column], "recomputed": value}
        for column, value in figures.items()
        if published[column] != value and not (column == "bucket" and value is None)
    ]


class _Found:
    """The file of one loan, and where its figures come from on one day."""

    def __init__(self, on: Footing, rows: dict[str, list[Row]], loan: LoanFile, products: Products) -> None:
        self.on, self.rows, self.loan, self.products, self.day = on, rows, loan, products, on.as_of
        self.period = period_at(loan, self.day, products, on.lag_days)
        self.owed = obligations(loan, self.period, on.calendar)
        self.periods = periods(loan, self.day, products, on.lag_days)
        self._place: dict[tuple[str, tuple[Any, ...]], int] = {}
        for ledger in ("installments", "repayments", "charges", "pauses"):
            for row in rows[ledger]:
                key = tuple(1 if c == "plan_no" and row[c] is None else row[c] for c in KEYS[ledger])
                if ledger in ("repayments", "charges"):
                    self._place.setdefault((ledger, key), row["_no"])
                else:
                    self._place[ledger, key] = row["_no"]
        self.shares, self.now = self._shares()

    @property
    def terms(self) -> Terms:
        return self.period.terms

    def _at(self, money: list[Any], day: date, period: Period, owed: Sequence[Obligation]) -> Position:
        return position(replace(self.loan, money=money, sums={}), day, period, owed, self.on.calendar)

    def _shares(self) -> tuple[list[dict[tuple[str, Any], int]], Position]:
        """What each money adds to what is paid, laid one after the other by (paid_on, id): the difference that it makes.

        The rules themselves say it: the position is taken with the first n, then with one more. Where money lies as one heap
        that is the part of the heap which it is; where it pays in its turn, what it paid. Last, the position with all money.
        """
        found: list[dict[tuple[str, Any], int]] = []
        before = self._paid(self._at([], self.day, self.period, self.owed))
        for number, one in enumerate(self.loan.money, 1):
            if one.paid_on > self.day:
                found.append({})
                continue
            after = self._paid(self._at(self.loan.money[:number], self.day, self.period, self.owed))
            found.append({k: after[k] - before[k] for k in after if after[k] != before[k]})
            before = after
        return found, self._at(self.loan.money, self.day, self.period, self.owed)

    def _paid(self, at: Position) -> dict[tuple[str, Any], int]:
        rungs = {("rung", number): one.paid for number, one in enumerate(self.owed) if one.exists_from <= self.day}
        return rungs | {("charge", one.ident): one.paid for one in at.charges} | {("overpaid", None): at.overpaid}

    def versions_told(self) -> list[Facts]:
        """Each delivery of the loan's own row, and what it changed."""
        told, before = [], None
        for row in self.rows["loans"]:
            values = {k: v for k, v in row.items() if not k.startswith("_")}
            changed = {k: v for k, v in values.items() if before is not None and before[k] != v}
            told.append({"row": row["_no"], "delivery": row["_delivery"], "changed": changed})
            before = values
        return told

    def plan_told(self) -> Facts:
        plan = self.period.plan
        return {
            "plan_no": plan.plan_no if plan else None,
            "effective_on": plan.effective_on if plan else None,
            "replaced_on": self.period.replaced_on,
            "installments": len(plan.installments) if plan else 0,
            "leaves_principal": self.period.leaves_principal,
            "matures_on": self.period.matures_on,
            "is_remaining": self.period.is_remaining,
            "money_counts_from": self.period.money_counts_from if self.period.is_remaining else None,
            "others": [
                {"plan_no": p.plan_no, "effective_on": p.effective_on, "installments": len(p.installments)}
                for p in self.loan.plans
                if p is not plan
            ],
        }

    def terms_told(self) -> list[Facts]:
        """Each convention, and who says so: the product's row in force on the day, else the house's."""
        product_id, row = None, None
        for version in self.rows["loans"]:
            if row is None or date.fromisoformat(version["_delivery"][:10]) <= self.day + timedelta(
                days=self.on.lag_days
            ):
                product_id, row = version["product_id"], version
        newest = {(r["product_id"], r["valid_from"]): r for r in self.rows["products"]}
        in_force = [r for (p, since), r in newest.items() if p == product_id and (since or date.min) <= self.day]
        product = max(in_force, key=lambda r: r["valid_from"] or date.min, default=None)
        (house,) = self.on.seed("convention_default")
        told = []
        for name in Terms.__dataclass_fields__:
            by_product = product is not None and product.get(name) is not None
            source = (
                {"product_id": product_id, "valid_from": product["valid_from"], "row": product["_no"]}
                if by_product and product is not None
                else {"seed": "convention_default", "line": house["_line"], "citation": house["citation"]}
            )
            told.append({"name": name, "value": getattr(self.terms, name), "is_house": not by_product, **source})
        return told

    def rungs_told(self) -> list[Facts]:
        """The queue of the day, each obligation with who paid it and what is left of each component."""
        overdue = {id(one) for one in self.now.overdue()}
        told = []
        for number, one in enumerate(self.owed):
            if one.exists_from > self.day:
                continue
            left = one.unpaid_components(self.terms.component_order)
            told.append(
                {
                    "kind": one.kind,
                    "number": one.number,
                    "due_on": None if one.due_on == NEVER else one.due_on,
                    "rolled_on": None if one.rolled_on == NEVER else one.rolled_on,
                    "rest_days": self.on.days(self.terms.calendar, one.due_on, one.rolled_on - ONE_DAY)
                    if one.rolled_on > one.due_on
                    else [],
                    "fee": as_amount(one.fee),
                    "interest": as_amount(one.interest),
                    "principal": as_amount(one.principal),
                    "amount": as_amount(one.amount),
                    "paid": as_amount(one.paid),
                    "unpaid": as_amount(one.unpaid),
                    "unpaid_fee": as_amount(left["fee"]),
                    "unpaid_interest": as_amount(left["interest"]),
                    "unpaid_principal": as_amount(left["principal"]),
                    "is_overdue": id(one) in overdue,
                    "paid_by": self._paid_by(("rung", number)),
                    "row": self._row_of(one),
                }
            )
        return told

    def _row_of(self, one: Obligation) -> int | None:
        loan_id = self.loan.row["loan_id"]
        if one.kind == "installment" and self.period.plan:
            return self._place["installments", (loan_id, self.period.plan.plan_no, one.number)]
        if one.kind == "residual":
            return _newest(self.rows["loans"])["_no"]
        return self._place.get(("charges" if one.kind == "charge" else "repayments", (one.ident,)))

    def _paid_by(self, target: tuple[str, Any]) -> list[Facts]:
        return [
            {"repayment_id": one.repayment_id, "paid_on": one.paid_on, "amount": as_amount(share[target])}
            for one, share in zip(self.loan.money, self.shares, strict=True)
            if target in share
        ]

    def _reversals_of(self, charge_id: str) -> list[Facts]:
        first: dict[str, Row] = {}
        for row in self.rows["charges"]:
            first.setdefault(row["charge_id"], row)
        return [
            {"charge_id": row["charge_id"], "due_on": row["due_on"], "amount": row["amount"], "row": row["_no"]}
            for row in first.values()
            if row["kind"] == "reversal" and row["reverses_id"] == charge_id and row["due_on"] <= self.day
        ]

    def charges_told(self) -> list[Facts]:
        """Charges of the period by the day, each at what its reversals have left of it."""
        return [
            {
                "charge_id": one.ident,
                "reversals": self._reversals_of(one.ident),
                "due_on": one.due_on,
                "rolled_on": one.rolled_on,
                "amount": as_amount(one.fee),
                "paid": as_amount(one.paid),
                "unpaid": as_amount(one.unpaid),
                "is_due": self.now.is_overdue(one.rolled_on),
                "paid_by": self._paid_by(("charge", one.ident)),
                "row": self._place["charges", (one.ident,)],
            }
            for one in self.now.charges
        ]

    def money_told(self) -> list[Facts]:
        """Payments and waivers by the day they came, what was taken back of each, and what it pays."""
        told = []
        for one, share in zip(self.loan.money, self.shares, strict=True):
            if one.paid_on > self.day:
                continue
            pays = []
            for (kind, which), amount in share.items():
                if kind == "rung":
                    rung = self.owed[which]
                    pays.append(
                        {"kind": rung.kind, "number": rung.number, "id": rung.ident, "amount": as_amount(amount)}
                    )
                else:
                    pays.append({"kind": kind, "number": 0, "id": which, "amount": as_amount(amount)})
            told.append(
                {
                    "repayment_id": one.repayment_id,
                    "paid_on": one.paid_on,
                    "kind": one.kind,
                    "payer": one.payer,
                    "installment_no": one.installment_no,
                    "amount": as_amount(one.amount),
                    "reversals": [
                        {
                            "repayment_id": ident,
                            "paid_on": on,
                            "amount": as_amount(amount),
                            "row": self._place["repayments", (ident,)],
                        }
                        for on, ident, amount in one.reversals
                        if on <= self.day
                    ],
                    "net": as_amount(one.net(self.day)),
                    "counts": one.paid_on >= self.period.money_counts_from,
                    "pays": pays,
                    "row": self._place["repayments", (one.repayment_id,)],
                }
            )
        return told

    def days_told(self, figures: Row, with_days: bool) -> Facts:
        """From the oldest overdue obligation to the day: how calendar days and working days are counted."""
        oldest = figures["oldest_unpaid_due_on"]
        calendar = self.on.seed("calendar", calendar=self.terms.calendar)
        found: Facts = {
            "oldest_unpaid_due_on": oldest,
            "includes_due_date": self.terms.includes_due_date,
            "calendar": self.terms.calendar,
            "calendar_line": calendar[0]["_line"] if calendar else None,
            "confirmed_until": calendar[0]["confirmed_until"] if calendar else None,
            "counted": None,
            "from": None,
            "working": 0,
            "rest": 0,
        }
        if oldest is None:
            return found
        first = oldest if self.terms.includes_due_date else oldest + ONE_DAY
        days = self.on.days(self.terms.calendar, first, self.day)
        working = sum(day["is_working_day"] for day in days)
        found |= {
            "from": first,
            "working": working,
            "rest": len(days) - working,
            "counted": days if with_days else None,
        }
        found["make_up"] = [d for d in days if d["is_working_day"] and d["weekday"] > 5]
        found["days_off"] = [d for d in days if not d["is_working_day"] and d["name_zh"]]
        return found

    def tolerance_told(self, figures: Row) -> Facts:
        limit = max(self.terms.tolerance_amount, self.terms.tolerance_rate * figures["outstanding_principal"])
        return {
            "amount": self.terms.tolerance_amount,
            "rate": self.terms.tolerance_rate,
            "limit": limit,
            "is_within": figures["overdue_amount"] <= limit,
            "grace_days": self.terms.grace_days,
        }

    def pauses_told(self, figures: Row) -> list[Facts]:
        """Each pause, and how many of its days lie where they count (of the union: a day of two pauses counts once)."""
        oldest, told, covered = figures["oldest_unpaid_due_on"], [], date.min
        last = self.day if self.terms.includes_due_date else self.day - ONE_DAY
        first = date.min if self.terms.pause_scope == "all_pause_days" else oldest
        for row in sorted(self._newest_pauses(), key=lambda r: (r["from_on"], r["to_on"] or NEVER)):
            days = 0
            if oldest is not None and first is not None:
                start = max(row["from_on"], first, covered + ONE_DAY if covered > date.min else date.min)
                end = min((row["to_on"] or NEVER) - ONE_DAY, last)
                days = max(0, (end - start).days + 1)
                covered = max(covered, end) if days else covered
            told.append({"from_on": row["from_on"], "to_on": row["to_on"], "days": days, "row": row["_no"]})
        return told

    def _newest_pauses(self) -> list[Row]:
        return list({row["from_on"]: row for row in self.rows["pauses"]}.values())

    def bucket_told(self, figures: Row) -> Facts:
        counts = self.terms.bucket_on
        return {
            "scheme": self.terms.bucket_scheme,
            "on": counts,
            "days": figures[counts],
            "bucket": figures["bucket"],
            "row": _bucket_row(self.on, self.terms.bucket_scheme, figures["bucket"]),
            "m_stage": figures["m_stage"],
            "m_row": _bucket_row(self.on, "CN_M_STAGE", figures["m_stage"]),
        }

    def customer_money_told(self) -> Facts:
        """The oldest overdue obligation if other payers' money had not come."""
        others = [one for one in self.loan.money if one.payer != "customer" and one.paid_on <= self.day]
        own = [one for one in self.loan.money if one.payer == "customer"]
        at = self._at(own, self.day, self.period, obligations(self.loan, self.period, self.on.calendar))
        ids = [{"repayment_id": o.repayment_id, "payer": o.payer, "net": as_amount(o.net(self.day))} for o in others]
        return {"others": ids, "oldest_unpaid_due_on": at.oldest_unpaid_due_on(), "days": at.days_past_due()}

    def before_plan_told(self) -> Facts | None:
        if self.period.replaced_on is None:
            return None
        day = self.period.replaced_on - ONE_DAY
        period = period_at(self.loan, day, self.products, self.on.lag_days)
        at = self._at(self.loan.money, day, period, obligations(self.loan, period, self.on.calendar))
        return {"day": day, "oldest_unpaid_due_on": at.oldest_unpaid_due_on(), "days": at.days_past_due()}

    def history_told(self) -> list[Facts]:
        """Stretches of days with something overdue, each as of its days: from when to when, and the most days past due."""
        found: list[Facts] = []
        for first, after, days in spans(self.loan, self.periods, self.on.calendar):
            if days <= 0:
                continue
            highest = days + (after - first).days - 1
            if found and found[-1]["last"] == first - ONE_DAY:
                found[-1] |= {"last": after - ONE_DAY, "highest": max(found[-1]["highest"], highest)}
            else:
                found.append({"first": first, "last": after - ONE_DAY, "highest": highest})
        return found

    def first_payment_told(self) -> Facts | None:
        """The first installment of the first period: when it fell due, when it is judged."""
        within = int(self.on.policy.settings["fpd_days"])
        for period in self.periods:
            owed = obligations(self.loan, period, self.on.calendar)
            rungs = [one for one in owed if one.kind in ("installment", "residual")]
            first = min(rungs, key=lambda one: (one.kind == "residual", one.number), default=None)
            if first is not None and first.rolled_on != NEVER:
                decided_on = first.rolled_on + timedelta(days=within)
                return {
                    "rolled_on": first.rolled_on,
                    "within": within,
                    "decided_on": decided_on,
                    "amount": as_amount(first.amount),
                }
        return None


def _bucket_row(on: Footing, scheme: str, bucket: str | None) -> dict[str, Any] | None:
    found = [row for row in on.seed("bucket_scheme", scheme=scheme) if row["bucket"] == bucket and on.is_in_force(row)]
    return found[0] if found else None


ZERO = Decimal("0.00")
