"""Independent re-performance of what a report opens with, in plain Python, from the contract alone.

Items come from the re-performance of `loan_aging`, of advances and of classes; here they are only summed, each amount as an
exact fraction, rounded to the cent once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from flows.evidence import recompute
from flows.evidence.recompute import Calendar, Ledgers, Row, attribute, known, versions
from reperformance import histories, portfolio, risk
from reperformance.portfolio import rounded, share, total

OF_LOANS = ("loans", "installments", "repayments", "charges", "pauses")
SEGMENTS = ("ALL", "personal", "corporate")
RATES = {
    "overdue_rate": ("overdue_balance", "balance"),
    "beyond_30_rate": ("balance_beyond_30", "balance"),
    "beyond_60_rate": ("balance_beyond_60", "balance"),
    "beyond_90_rate": ("balance_beyond_90", "balance"),
    "npl_rate": ("npl_balance", "balance"),
    "provision_coverage": ("provision", "npl_balance"),
    "deviation_90": ("balance_beyond_90", "npl_balance"),
}


@dataclass(frozen=True)
class Item:
    """A loan of the book or an advance, at the end of one day."""

    ident: tuple[str, str]
    customer_id: str
    segment: str
    currency: str
    balance: Fraction
    overdue_amount: Fraction
    days: int
    risk_class: int = 1

    @property
    def overdue_balance(self) -> Fraction:
        return self.balance if self.days > 0 else Fraction(0)

    @property
    def provision(self) -> Fraction:
        return Fraction(rounded(self.balance * risk.PROVISIONS[self.risk_class] / 100, 2))


ItemsAt = dict[date, dict[tuple[str, str], Item]]


def items_at(ledgers: Ledgers, dates: Sequence[date], calendar: Calendar) -> ItemsAt:
    """For each date what is in the book and what is advanced, with its class."""
    classes = risk.Book(ledgers, dates[-1], calendar=calendar).classify(risk.Regime("CN"), dates)
    found: ItemsAt = {}
    for day in dates:
        loans = recompute.loan_aging(ledgers, day, calendar=calendar)
        of_day = portfolio.book(loans, portfolio.advance_aging(ledgers, day, calendar))
        found[day] = {}
        for item in (one for items in of_day.values() for one in items):
            ident = item.kind, item.ident
            row = item.row
            found[day][ident] = Item(
                ident,
                row["customer_id"],
                row["segment"],
                row["currency"],
                item.balance,
                item.overdue_amount,
                item.days,
                classes[day][ident]["risk_class"],
            )
    return found


@dataclass(frozen=True)
class Exit:
    """What left the book by a write-off or a sale, with what was outstanding at the end of that day."""

    ident: tuple[str, str]
    how: str
    day: date
    segment: str
    currency: str
    balance: Fraction


def exits(ledgers: Ledgers, upto: date, calendar: Calendar) -> list[Exit]:
    """Loans written off or sold, whichever came first, and advances written off."""
    rows, customers = known(ledgers), versions(ledgers, "customers")
    found = []

    def leave(ident: tuple[str, str], how: str, row: Row, day: date, balance: Fraction) -> None:
        segment = attribute(customers[(row["customer_id"],)], "segment", day, 1)
        found.append(Exit(ident, how, day, segment, row["currency"], balance))

    for loan in rows["loans"]:
        lost_on, closed_on = loan["written_off_on"], loan["closed_on"]
        how, day = "written_off", lost_on
        if closed_on and (lost_on is None or closed_on < lost_on):
            how, day = "sold", closed_on if loan["close_reason"] == "sold" else None
        if day and day <= upto:
            alone = ledgers | {
                name: [row for row in ledgers[name] if row["loan_id"] == loan["loan_id"]] for name in OF_LOANS
            }
            alone["loans"] = [row | {"closed_on": None} for row in alone["loans"]]
            left = recompute.loan_aging(alone, day, calendar=calendar)[loan["loan_id"]]["outstanding_principal"]
            leave(("loan", loan["loan_id"]), how, loan, day, Fraction(left))
    for advance in rows["advances"]:
        day = advance["written_off_on"]
        if day and day <= upto:
            left = portfolio.advance_aging(ledgers, day, calendar).get(advance["advance_id"], {}).get("outstanding", 0)
            leave(("advance", advance["advance_id"]), "written_off", advance, day, Fraction(left))
    return found


def headline(ledgers: Ledgers, dates: Sequence[date], items: ItemsAt, gone: Sequence[Exit]) -> dict[str, Row]:
    """`headline` over the dates: "as_of segment currency" -> column -> value."""
    found: dict[str, Row] = {}
    for day in dates:
        earlier = [one for one in dates if (one.year, one.month) < (day.year, day.month)]
        before = max(earlier, default=None)
        shown_in = portfolio.currencies(ledgers, day)
        for currency in {one for shown in shown_in.values() for one in shown}:
            for segment in SEGMENTS:
                rates = {one: shown[currency] for one, shown in shown_in.items() if currency in shown}
                held = [
                    (one, rates[one.currency])
                    for one in items[day].values()
                    if one.currency in rates and segment in ("ALL", one.segment)
                ]
                row = _figures(held)
                row["written_off_in_month"] = total(
                    one.balance * rates[one.currency]
                    for one in gone
                    if one.how == "written_off"
                    and one.currency in rates
                    and segment in ("ALL", one.segment)
                    and (one.day.year, one.day.month) == (day.year, day.month)
                    and one.day <= day
                )
                for rate, (part, whole) in RATES.items():
                    row[rate] = share(row[part], row[whole])
                row["previous_as_of"] = before
                if before:
                    then = found.get(f"{before} {segment} {currency}", {})
                    row |= {f"previous_{name}": then.get(name) for name in list(row) if not name.startswith("previous")}
                found[f"{day} {segment} {currency}"] = row
    return found


def _figures(held: list[tuple[Item, Fraction]]) -> Row:
    def late(days: int) -> object:
        return total(one.balance * rate for one, rate in held if one.days > days)

    return {
        "customers": len({one.customer_id for one, _ in held}),
        "items": len(held),
        "balance": total(one.balance * rate for one, rate in held),
        "overdue_amount": total(one.overdue_amount * rate for one, rate in held),
        "overdue_balance": total(one.overdue_balance * rate for one, rate in held),
        "balance_beyond_30": late(30),
        "balance_beyond_60": late(60),
        "balance_beyond_90": late(90),
        "npl_balance": total(one.balance * rate for one, rate in held if one.risk_class >= 3),
        "provision": total(one.provision * rate for one, rate in held),
    }


MOVEMENTS = (
    "disbursed",
    "became_overdue",
    "repaid",
    "cured",
    "written_off",
    "sold",
    "reclassified",
    "restated",
)
ZERO = dict.fromkeys(("opening", *MOVEMENTS, "closing"), Fraction(0))


def roll_forward(ledgers: Ledgers, dates: Sequence[date], items: ItemsAt, gone: Sequence[Exit]) -> dict[str, Row]:
    """`roll_forward` from each date to the next: "as_of measure segment currency" -> column -> value."""
    rows, customers = known(ledgers), versions(ledgers, "customers")
    lent = {("loan", row["loan_id"]): (row, row["disbursed_on"], row["principal"]) for row in rows["loans"]}
    lent |= {("advance", row["advance_id"]): (row, row["advanced_on"], row["amount"]) for row in rows["advances"]}
    left = {one.ident: one for one in gone}
    paid = _cash(rows, left)
    found: dict[str, Row] = {}
    for first, second in pairwise(dates):
        then, now = items[first], items[second]
        parts: list[tuple[str, str, str, dict[str, Fraction]]] = []  # measure, segment, currency, amounts
        for ident, (row, lent_on, amount) in lent.items():
            before, after = then.get(ident), now.get(ident)
            came = Fraction(amount) if first < lent_on <= second else Fraction(0)
            out = left.get(ident)
            out = out if out and first < out.day <= second else None
            if before is None and after is None and not came:
                continue
            opening, closing = (one.balance if one else Fraction(0) for one in (before, after))
            fall = opening + came - (out.balance if out else 0) - closing
            cash = sum((money for on, money in paid[ident] if first < on <= second), Fraction(0))
            repaid = max(min(fall, max(cash, 0)), min(cash, 0))
            on_the_way = {"repaid": -repaid, "restated": repaid - fall} | ({out.how: -out.balance} if out else {})
            segment = (
                after.segment
                if after
                else before.segment
                if before
                else attribute(customers[(row["customer_id"],)], "segment", lent_on, 1)
            )
            book = {"opening": opening, "disbursed": came, "closing": closing} | on_the_way
            late: dict[str, Fraction] = {}
            if before and before.overdue_balance > 0:
                stays = after.overdue_balance if after else Fraction(0)
                late = {"opening": opening, "closing": stays, "cured": stays - closing} | on_the_way
            elif after and after.overdue_balance > 0:
                late = {"became_overdue": closing, "closing": closing}
            for measure, amounts in (("book", book), ("overdue", late)):
                if before and before.segment != segment and amounts.get("opening"):
                    leaves = {"opening": opening, "reclassified": -opening}
                    parts.append((measure, before.segment, row["currency"], ZERO | leaves))
                    amounts |= {"opening": Fraction(0), "reclassified": opening}
                parts.append((measure, segment, row["currency"], ZERO | amounts))
        rates_then, rates_now = portfolio.currencies(ledgers, first), portfolio.currencies(ledgers, second)
        has_all = all("ALL" in shown for shown in rates_then.values())
        for currency in {one for shown in rates_now.values() for one in shown if one != "ALL" or has_all}:
            rates = {one: shown[currency] for one, shown in rates_now.items() if currency in shown}
            for measure in ("book", "overdue"):
                for segment in SEGMENTS:
                    mine = [
                        (amounts, rates[one], rates_then.get(one, {}).get(currency, rates[one]))
                        for what, of, one, amounts in parts
                        if what == measure and one in rates and segment in ("ALL", of)
                    ]
                    row = {name: signed(amounts[name] * rate for amounts, rate, _ in mine) for name in ZERO}
                    row["opening"] = signed(amounts["opening"] * rate for amounts, _, rate in mine)
                    row["revalued"] = row["closing"] - row["opening"] - sum(row[name] for name in MOVEMENTS)
                    found[f"{second} {measure} {segment} {currency}"] = row | {"from_as_of": first}
    return found


CLASSES = {1: "pass", 2: "special_mention", 3: "substandard", 4: "doubtful", 5: "loss"}
MIGRATIONS = {
    "MIG_NORMAL": ((1, 2), 3),
    "MIG_PASS": ((1,), 2),
    "MIG_SM": ((2,), 3),
    "MIG_SS": ((3,), 4),
    "MIG_DB": ((4,), 5),
}


def _moves(
    ledgers: Ledgers, dates: Sequence[date], items: ItemsAt, gone: Sequence[Exit]
) -> dict[str, list[tuple[int, int | str, Fraction, Fraction]]]:
    """Of each "from as_of span segment currency": class, class or exit, balance then, what is kept of it."""
    links = [(first, second, "step") for first, second in pairwise(dates)]
    if earlier := [day for day in dates if day.year < dates[-1].year]:
        links.append((earlier[-1], dates[-1], "year_to_date"))
    left = {one.ident: one for one in gone}
    found: dict[str, list[tuple[int, int | str, Fraction, Fraction]]] = defaultdict(list)
    for first, second, span in links:
        shown_in = portfolio.currencies(ledgers, first)
        for ident, then in items[first].items():
            now, out = items[second].get(ident), left.get(ident)
            to: int | str = now.risk_class if now else out.how if out and out.day <= second else "closed"
            kept = min(then.balance, now.balance) if now else Fraction(0)
            for currency, rate in shown_in[then.currency].items():
                for segment in ("ALL", then.segment):
                    move = then.risk_class, to, then.balance * rate, kept * rate
                    found[f"{first} {second} {span} {segment} {currency}"].append(move)
    return found


def class_migration(ledgers: Ledgers, dates: Sequence[date], items: ItemsAt, gone: Sequence[Exit]) -> dict[str, Row]:
    """`class_migration`: "from as_of span segment currency class state" -> column -> value."""
    found: dict[str, Row] = {}
    for cell, moves in _moves(ledgers, dates, items, gone).items():
        for of in {one for one, *_ in moves}:
            mine = [move for move in moves if move[0] == of]
            opened = sum(total(m[2] for m in mine if m[1] == state) for state in {m[1] for m in mine})
            for to in {state for _, state, *_ in mine}:
                there = [move for move in mine if move[1] == to]
                found[f"{cell} {of} {CLASSES.get(to, to)}"] = {  # type: ignore[call-overload]
                    "items": len(there),
                    "opening_balance": (opening := total(move[2] for move in there)),
                    "kept_balance": total(move[3] for move in there),
                    "all_items": len(mine),
                    "all_opening_balance": opened,
                    "rate_by_count": share(len(there), len(mine)),
                    "rate_by_balance": share(opening, opened),
                }
    return found


def class_migration_rates(
    ledgers: Ledgers, dates: Sequence[date], items: ItemsAt, gone: Sequence[Exit]
) -> dict[str, Row]:
    """`class_migration_rates`: "from as_of span segment currency rate" -> column -> value, from the matrix's amounts in cents."""
    found: dict[str, Row] = {}
    for key, row in class_migration(ledgers, dates, items, gone).items():
        cell, of, to = key.rsplit(" ", 2)
        order = {code: number for number, code in CLASSES.items()}
        for rate, (classes, worse) in MIGRATIONS.items():
            if int(of) in classes and to in order:
                empty = {
                    "migrated_items": 0,
                    "kept_items": 0,
                    "migrated_balance": Decimal(0),
                    "kept_balance": Decimal(0),
                }
                sums = found.setdefault(f"{cell} {rate}", empty)
                sums["kept_items"] += row["items"]
                sums["kept_balance"] += row["kept_balance"]
                if order[to] >= worse:
                    sums["migrated_items"] += row["items"]
                    sums["migrated_balance"] += row["kept_balance"]
    for sums in found.values():
        sums["rate_by_count"] = share(sums["migrated_items"], sums["kept_items"])
        sums["rate_by_balance"] = share(sums["migrated_balance"], sums["kept_balance"])
    return found


def cure_curves(
    ledgers: Ledgers, dates: Sequence[date], items: ItemsAt, gone: Sequence[Exit], calendar: Calendar
) -> dict[str, Row]:
    """`cure_curves`: "stage segment months" -> column -> value. Each loan is followed from each month's end at which it is late."""
    rows = known(ledgers)
    products = recompute.Products(rows["products"])
    files = {one.row["loan_id"]: one for one in recompute.loan_files(rows, versions(ledgers, "loans"))}
    ends = sorted({(day.year, day.month): day for day in sorted(dates)}.values())
    found: dict[str, list[tuple[date, int | None, str]]] = defaultdict(list)
    for opening in ends:
        later = [(day, (day.year - opening.year) * 12 + day.month - opening.month) for day in ends if day > opening]
        for (kind, loan_id), item in items[opening].items():
            if kind != "loan" or item.days == 0:
                continue
            loan, after, how = files[loan_id], None, "none"
            closed_on, lost_on = loan.row["closed_on"], loan.row["written_off_on"]
            for day, months in later:
                now = items[day].get((kind, loan_id))
                is_repaid = closed_on and closed_on <= day and (loan.row["close_reason"] or "repaid") == "repaid"
                if (now and now.days == 0) or (is_repaid and not (lost_on and lost_on <= closed_on)):
                    after = months
                    reaged = histories.reaged_days(loan, day, products, calendar)
                    paid = histories.cash(loan, opening, day) > 0
                    how = "reaged" if any(one > opening for one in reaged) else "cured" if paid else "other"
                    break
            stage = "M7+" if item.days > 180 else f"M{-(-item.days // 30)}"
            for _, months in ((day, n) for day, n in later if n <= 12 and day >= risk._months_later(opening, n)):
                for segment in ("ALL", item.segment):
                    found[f"{stage} {segment} {months}"].append((opening, after, how))
    return {
        key: {
            "openings": len({opening for opening, *_ in loans}),
            "loans": len(loans),
            "cured_in_month": sum(how == "cured" and after == int(key.split()[2]) for _, after, how in loans),
            "cured_loans": (cured := _by(loans, key, "cured")),
            "cure_rate": share(cured, len(loans)),
            "reaged_loans": (reaged := _by(loans, key, "reaged")),
            "reage_rate": share(reaged, len(loans)),
            "other_loans": _by(loans, key, "other"),
        }
        for key, loans in found.items()
    }


def recovery_after_write_off(
    ledgers: Ledgers, dates: Sequence[date], items: ItemsAt, gone: Sequence[Exit]
) -> dict[str, Row]:
    """`recovery_after_write_off`: "year segment currency months" -> column -> value. One item and one month after the other."""
    rows, as_of = known(ledgers), dates[-1]
    shown, paid = portfolio.currencies(ledgers, as_of), _cash(rows, {})
    cells: dict[str, list[tuple[Fraction, Fraction, Fraction]]] = defaultdict(list)
    for one in gone:
        if one.how != "written_off":
            continue
        in_all = Fraction(0)
        for n in range(61):
            year, month = divmod(one.day.year * 12 + one.day.month - 1 + n, 12)
            following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
            if (following - as_of).days > 1:
                break
            came = sum(
                (amount for on, amount in paid[one.ident] if one.day < on and (on.year, on.month - 1) == (year, month)),
                Fraction(0),
            )
            in_all += came
            for currency, rate in shown[one.currency].items():
                for cohort in ("ALL", one.day.year):
                    for segment in ("ALL", one.segment):
                        amounts = one.balance * rate, came * rate, in_all * rate
                        cells[f"{cohort} {segment} {currency} {n}"].append(amounts)
    found: dict[str, Row] = {}
    for key, amounts in cells.items():
        lost, came, in_all = (signed(one[place] for one in amounts) for place in range(3))
        least = min(max(in_all, -999 * lost), 999 * lost)
        rate = share(abs(least), lost)
        found[key] = {
            "items": len(amounts),
            "written_off_amount": lost,
            "recovered_in_month": came,
            "recovered_amount": in_all,
            "recovery_rate": -rate if rate and least < 0 else rate,
        }
    return found


def _by(loans: list[tuple[date, int | None, str]], key: str, wanted: str) -> int:
    return sum(how == wanted and after is not None and after <= int(key.split()[2]) for _, after, how in loans)


def signed(amounts: Iterable[Fraction]) -> Decimal:
    """Added up exactly, rounded to the cent once, half away from 0."""
    exact = sum(amounts, Fraction(0))
    return rounded(exact, 2) if exact >= 0 else -rounded(-exact, 2)


def _cash(rows: Ledgers, left: Mapping[tuple[str, str], Exit]) -> dict[tuple[str, str], list[tuple[date, Fraction]]]:
    """Payments less reversals of payments by day; what comes in after a write-off or a sale is recovery."""
    found: dict[tuple[str, str], list[tuple[date, Fraction]]] = defaultdict(list)
    for kind, ledger, key in (
        ("loan", "repayments", "repayment_id"),
        ("advance", "advance_repayments", "advance_repayment_id"),
    ):
        payments = {row[key] for row in rows[ledger] if row["kind"] == "payment"}
        for row in rows[ledger]:
            ident = kind, row[f"{kind}_id"]
            sign = (row["kind"] == "payment") - (row["kind"] == "reversal" and row["reverses_id"] in payments)
            if sign and not (ident in left and row["paid_on"] > left[ident].day):
                found[ident].append((row["paid_on"], Fraction(row["amount"]) * sign))
    return found
