"""All that a debtor owes, read once: the rows, the figures of each loan and advance, the classes carried from day to day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from flows.evidence import classes, lives
from flows.evidence.recompute import (
    ONE_DAY,
    Ledgers,
    LoanFile,
    Products,
    Row,
    known,
    loan_files,
    versions,
)
from flows.explain.advance import advance_at
from flows.explain.footing import Footing

OF_LOAN = ("loans", "installments", "repayments", "charges", "pauses", "adjustments")
Rows = dict[str, list[Row]]


@dataclass
class DebtorFile:
    """The rows of one customer's debts, each with its number among the rows shown."""

    on: Footing
    customer_id: str
    rows: Rows

    @cached_property
    def ledgers(self) -> Ledgers:
        return self.on.ledgers_of(**self.rows)

    @cached_property
    def loans(self) -> dict[str, Row]:
        """Loans as `loan_aging` has them on the day."""
        return self.loans_on(self.on.as_of)

    @cached_property
    def loans_before(self) -> dict[str, Row]:
        """The same at the month-end before."""
        return self.loans_on(self.before)

    @property
    def before(self) -> date:
        return self.on.as_of.replace(day=1) - ONE_DAY

    def loans_on(self, day: date) -> dict[str, Row]:
        return self.on.loans(self.ledgers, day)

    @cached_property
    def advances(self) -> dict[str, Row]:
        """Advances as `advance_aging` has them on the day."""
        events: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows["advance_repayments"]:
            events[row["advance_id"]].append(row)
        found = {}
        for advance_id, rows in self._by("advances", "advance_id").items():
            if figures := advance_at(self.on, rows, events[advance_id], self.rows["customers"])["figures"]:
                found[advance_id] = figures
        return found

    @cached_property
    def files(self) -> list[LoanFile]:
        return list(loan_files(known(self.ledgers), versions(self.ledgers, "loans")))

    @cached_property
    def products(self) -> Products:
        return Products(known(self.ledgers)["products"], self.on.house_terms)

    @cached_property
    def items(self) -> list[lives.Item]:
        on = self.on
        people = versions(self.ledgers, "customers")[(self.customer_id,)]
        asset_classes = lives.AssetClasses(known(self.ledgers)["products"])
        args = (on.as_of, self.products, asset_classes, on.calendar, on.lag_days)
        found = [lives.life_of_loan(one, people, *args) for one in self.files]
        repayments: dict[str, list[Row]] = defaultdict(list)
        for row in known(self.ledgers)["advance_repayments"]:
            repayments[row["advance_id"]].append(row)
        kinds = {row["kind"]: row for row in on.seed("advance_kind")}
        for (advance_id,), history in versions(self.ledgers, "advances").items():
            life = lives.life_of_advance(history, repayments[advance_id], people, on.as_of, kinds, on.lag_days)
            found.append(life)
        return found

    @cached_property
    def classified(self) -> classes.Classified:
        on = self.on
        numbered = {name: on.seed(name) for name in ("risk_class_rule", "risk_treatment")}
        seeds = {**{name: seed.rows for name, seed in on.policy.seeds.items()}, **numbered}
        rules = classes.Rules(seeds, on.policy.settings["risk_regime"])
        newest = {(row["loan_id"], row["from_on"]): row for row in self.rows["pauses"]}
        debtor = classes.Debtor(self.items, rules, [*newest.values()], on.as_of, [on.as_of, self.before])
        rates = {
            int(row["risk_class"]): Decimal(row["rate"])
            for row in on.seed("provision_rate", scheme=on.policy.settings["provision_scheme"])
        }
        return classes.Classified(debtor, self.rows["adjustments"], rates, on.as_of)

    @cached_property
    def place(self) -> dict[tuple[str, str], int]:
        """(item_type, item_id) -> number of the newest row of the item."""
        found = {("loan", row["loan_id"]): row["_no"] for row in self.rows["loans"]}
        return found | {("advance", row["advance_id"]): row["_no"] for row in self.rows["advances"]}

    def _by(self, ledger: str, column: str) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows[ledger]:
            found[row[column]].append(row)
        return found


def debtor_file(on: Footing, customer_id: str, have: Rows | None = None) -> DebtorFile:
    """Read what a customer owes; `have` are rows that are read already, whole ids of loans or advances."""
    rows: Rows = {name: [*(have or {}).get(name, ())] for name in (*OF_LOAN, "advances", "advance_repayments")}
    rows |= {name: (have or {}).get(name) or [] for name in ("customers", "products")}
    rows["customers"] = rows["customers"] or on.read("customers", customer_id=customer_id)
    _add(on, rows, _ids(on, rows, "loans", "loan_id", customer_id), "loan_id", OF_LOAN)
    known_ids = _ids(on, rows, "advances", "advance_id", customer_id)
    _add(on, rows, known_ids, "advance_id", ("advances", "advance_repayments"))
    known_products = {row["product_id"] for row in rows["products"]}
    wanted = {row["product_id"] or "" for row in rows["loans"]} - known_products
    if wanted:
        rows["products"] += on.read("products", product_id=wanted)
    for ledger, of in (("loans", OF_LOAN), ("advances", ("advances", "advance_repayments"))):
        _keep_own(rows, ledger, of, customer_id)
    return DebtorFile(on, customer_id, rows)


def _ids(on: Footing, rows: Rows, ledger: str, key: str, customer_id: str) -> set[str]:
    """Ids of the customer that are not read yet."""
    return on.ids(ledger, key, customer_id=customer_id) - {row[key] for row in rows[ledger]}


def _add(on: Footing, rows: Rows, ids: set[str], key: str, ledgers: Sequence[str]) -> None:
    if ids:
        for name in ledgers:
            rows[name] += on.read(name, **{key: ids})


def _keep_own(rows: Rows, ledger: str, of: Sequence[str], customer_id: str) -> None:
    """Without what a newer version gives to another customer."""
    key = f"{ledger[:-1]}_id"
    newest = {row[key]: row["customer_id"] for row in rows[ledger]}
    if any(owner != customer_id for owner in newest.values()):
        for name in of:
            rows[name] = [row for row in rows[name] if newest.get(row[key]) == customer_id]
