"""Facts as a document: sections of sentences and tables, in Chinese or English."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from flows.explain.document import Document, Section, ladder, plain, refs, shown
from flows.explain.footing import Footing
from flows.explain.words import HOW, HOW_ADVANCE, WEEKDAYS, WORDS

Facts = dict[str, Any]
OF_UNIT = {"calendar_day": ">", "days_ago": "≤", "flag": "", "class": "≥", "stage": "≥", "count": "≥", "share": "≥"}


def _plainly(value: Any) -> str:
    """A value of a ledger row as it may be calculated with."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{plain(value):f}" if isinstance(value, Decimal) else str(value)


def _short(value: Decimal) -> str:
    """A figure of a cause: a count is a whole number, an amount has cents."""
    return f"{value:.0f}" if value == value.to_integral_value() else _plainly(value)


class Teller:
    """Words of one language, filled with facts."""

    def __init__(self, on: Footing, lang: str) -> None:
        self.on, self.lang, self.words = on, lang, WORDS[lang]
        self.folded_rows: set[int] = set()
        self.folded_others: set[int] = set()

    def say(self, word: str, **facts: Any) -> str:
        return self.words[word].format(**{name: shown(value) for name, value in facts.items()})

    def heads(self, *words: str) -> list[str]:
        return [self.words[word] for word in words]

    def listed(self, items: Iterable[str]) -> str:
        return ("、" if self.lang == "zh" else ", ").join(items) or "–"

    def day_name(self, day: Facts) -> str:
        name = day[f"name_{self.lang}"] or WEEKDAYS[self.lang][day["weekday"] - 1]
        return f"{day['day']} {name}"

    def document(self, title: str, ident: str, sections: list[Section]) -> Document:
        return Document(self.say(title, id=ident), sections, self.lang)

    def basis(self, kind: str, facts: Facts) -> list[Section]:
        """What all stands on, and, before all else, where published and recomputed differ."""
        on, manifest = self.on, self.on.manifest or {}
        names = ", ".join(map(str, on.known.withdrawn))
        said = [
            self.say(
                "as_of",
                as_of=on.as_of,
                known_at=on.known.known_at,
                count=len(on.known.deliveries),
                withdrawn=self.say("withdrawn", names=names) if names else "",
            )
        ]
        if on.publication:
            said.append(
                self.say(
                    "from_publication",
                    folder=on.publication.name,
                    run_id=manifest["run_id"],
                    policy=manifest["policy_version"],
                    code=manifest["code_version"],
                )
            )
        said += [self.say(note, policy=on.policy.version) for note in on.notes]
        if facts.get("published") and facts["figures"] and not facts["differs"]:
            mart = {"loan": "loan_aging", "advance": "advance_aging"}[kind]
            said.append(self.say("agrees", count=len(facts["figures"]), mart=mart))
        parts = (facts, facts.get("class"), facts.get("signals"))
        return [
            *self.differences([one for part in parts if part for one in part["differs"]]),
            Section(self.words["basis"], said),
        ]

    def differences(self, differs: list[Facts]) -> list[Section]:
        if not differs:
            return []
        rows = [(d["column"], d["published"], d["recomputed"]) for d in differs]
        said = [self.say("differs_said", count=len(differs))]
        return [
            Section(self.words["differs"], said, self.heads("figure", "published", "recomputed"), rows, is_loud=True)
        ]

    # A loan

    def loan(self, facts: Facts) -> Document:
        sections = self.basis("loan", facts)
        if facts["outside"]:
            sections[-1].said.append(self.say("outside_loan", **facts["outside"]) + " " + refs(facts["row"]))
        else:
            sections += [
                self._figures(facts, HOW[self.lang], self._of_loan(facts)),
                self._plan(facts["plan"], facts["versions"]),
                self._terms(facts["terms"]),
                *self._ladder(facts),
                self._money(facts),
                *self._days(facts),
                self._tolerance(facts),
                self._history(facts["history"]),
                self._others(facts),
                *self._class(facts["class"]),
                *self._signals(facts["signals"]),
                *self._waiting(facts["waiting"]),
            ]
            self._fold_others(facts)
        return self.document("loan_title", facts["loan_id"], [*sections, *self._rows()])

    def _figures(self, facts: Facts, how: dict[str, str], told: Facts) -> Section:
        filled = {name: shown(value) for name, value in {**facts["figures"], **told}.items()}
        rows = [(name, value, how.get(name, "").format(**filled)) for name, value in facts["figures"].items()]
        return Section(self.words["figures"], [], self.heads("figure", "value", "how"), rows)

    def _of_loan(self, facts: Facts) -> Facts:
        """What the sentences of HOW are filled with beside the figures themselves."""
        late = [rung for rung in facts["rungs"] if rung["is_overdue"]]

        def sum_of(rungs: list[Facts], part: str, more: Callable[[], list[Decimal]] = list) -> str:
            parts = [rung[part] for rung in rungs if rung[part]] + more()
            if len(parts) > 8:
                rest = f"{sum(parts[3:], Decimal(0)):,} ({len(parts) - 3})"
                return " + ".join([*(f"{one:,}" for one in parts[:3]), rest])
            return " + ".join(f"{one:,}" for one in parts) or "0.00"

        def charges() -> list[Decimal]:
            if any(rung["kind"] == "charge" for rung in facts["rungs"]):
                return []
            return [charge["unpaid"] for charge in facts["charges"] if charge["is_due"] and charge["unpaid"]]

        figures, days = facts["figures"], facts["days"]
        oldest = next((r for r in late if r["rolled_on"] == figures["oldest_unpaid_due_on"]), None)
        last = facts["versions"][-1]["row"]
        values = next(row["values"] for row in self.on.rows if row["no"] == last)
        return {
            "loan_row": refs(last),
            "lag": self.on.lag_days,
            "as_of": self.on.as_of,
            "outstanding_sum": sum_of(facts["rungs"], "unpaid_principal"),
            "overdue_principal_sum": sum_of(late, "unpaid_principal"),
            "overdue_interest_sum": sum_of(late, "unpaid_interest"),
            "overdue_fee_sum": sum_of(late, "unpaid_fee", charges),
            "oldest_rung": f": {self._rung(oldest)} {refs(oldest['row'])}" if oldest else "",
            "plus_one": " + 1" if days["includes_due_date"] and days["oldest_unpaid_due_on"] else "",
            "business_from": days["from"],
            "bucket_on": facts["bucket"]["on"],
            "bucket_days": facts["bucket"]["days"],
            "bucket_scheme": facts["bucket"]["scheme"],
            "restructured_on": values.get("restructured_on"),
            "written_off_on": values.get("written_off_on"),
        }

    def _rung(self, rung: Facts) -> str:
        return self.say(rung["kind"], number=rung.get("number"), id=rung.get("id") or "")

    def _plan(self, plan: Facts, versions: list[Facts]) -> Section:
        said = [self.say("plan_said" if plan["plan_no"] is not None else "no_plan", **plan)]
        if plan["leaves_principal"] and plan["plan_no"] is not None:
            said.append(self.say("leaves", **plan))
        if plan["is_remaining"]:
            said.append(self.say("remaining", from_on=plan["money_counts_from"]))
        said += [self.say("other_plan", **other) for other in plan["others"]]
        for version in versions:
            if version["changed"]:
                changed = ", ".join(f"{name}={shown(value)}" for name, value in version["changed"].items())
                said.append(
                    self.say("version", delivery=version["delivery"], changed=changed, row=refs(version["row"]))
                )
        return Section(self.words["plan"], said)

    def _terms(self, terms: list[Facts]) -> Section:
        rows = []
        for term in terms:
            if term["is_house"]:
                source = self.say("by_house", line=term["line"])
            else:
                source = self.say("by_product", product_id=term["product_id"], row=refs(term["row"]))
            rows.append((term["name"], str(shown(term["value"])), source))
        return Section(self.words["terms"], [], self.heads("term", "value", "source"), rows)

    def _paid_by(self, paid: list[Facts]) -> str:
        return self.listed(f"{one['repayment_id']} {one['paid_on']} {one['amount']:,}" for one in paid) if paid else ""

    def _taken_back(self, reversals: list[Facts], on: str) -> str:
        return self.listed(f"{r[on]} {r['amount']:,} {refs(r['row'])}" for r in reversals) if reversals else ""

    def _ladder(self, facts: Facts) -> list[Section]:
        rows = [
            (
                self._rung(rung),
                rung["due_on"],
                rung["rolled_on"],
                rung["amount"],
                rung["paid"],
                rung["unpaid"],
                rung["unpaid_fee"],
                rung["unpaid_interest"],
                rung["unpaid_principal"],
                self.words["yes"] if rung["is_overdue"] else "",
                self._paid_by(rung["paid_by"]),
                refs(rung["row"]),
            )
            for rung in facts["rungs"]
        ]
        heads = self.heads(
            *(
                "obligation",
                "due_on",
                "rolled_on",
                "amount",
                "paid",
                "unpaid",
                "fee",
                "interest",
                "principal",
                "is_overdue",
            ),
            *("paid_by", "rows"),
        )
        labels = [f"{row[2] or '–'} {row[0]}" for row in rows]
        drawn = ladder(facts["rungs"], labels, self.words)
        sections = [Section(self.words["ladder"], [self.words["ladder_said"]], heads, rows, drawn)]
        self._fold(facts["rungs"], sections[0])
        rule = next(term["value"] for term in facts["terms"] if term["name"] == "due_date_roll")
        moved = [
            self.say(
                "moved_said",
                due_on=rung["due_on"],
                weekday=WEEKDAYS[self.lang][rung["due_on"].isoweekday() - 1],
                rolled_on=rung["rolled_on"],
                rule=rule,
                days=self.listed(map(self.day_name, rung["rest_days"])),
            )
            for rung in facts["rungs"]
            if rung["rest_days"]
        ]
        sections.append(Section(self.words["moved"], moved))
        if facts["charges"] and not any(rung["kind"] == "charge" for rung in facts["rungs"]):
            charges = [
                (
                    c["charge_id"],
                    c["due_on"],
                    self._taken_back(c["reversals"], "due_on"),
                    c["amount"],
                    c["paid"],
                    c["unpaid"],
                    self._paid_by(c["paid_by"]),
                    refs(c["row"]),
                )
                for c in facts["charges"]
            ]
            heads = self.heads("obligation", "due_on", "taken_back", "net", "paid", "unpaid", "paid_by", "rows")
            sections.append(Section(self.words["charges"], [], heads, charges))
        return sections

    def _fold(self, rungs: list[Facts], section: Section) -> None:
        """Untouched installments far ahead, which make no figure but what is outstanding: one line of a terminal."""
        ahead = [
            number
            for number, rung in enumerate(rungs)
            if not rung["paid"]
            and rung["kind"] == "installment"
            and rung["rolled_on"]
            and rung["rolled_on"] > self.on.as_of
        ][2:]
        if len(ahead) < 4:
            return
        first, last = rungs[ahead[0]], rungs[ahead[-1]]
        sums = [sum((rungs[n][part] for n in ahead), Decimal(0)) for part in ("amount", "paid", "unpaid")]
        parts = [
            sum((rungs[n][f"unpaid_{part}"] for n in ahead), Decimal(0)) for part in ("fee", "interest", "principal")
        ]
        name = self.say("folded", first=first["number"], last=last["number"], count=len(ahead))
        rows = f"{refs(first['row'])}…{refs(last['row'])}"
        section.folded = {ahead[0]: (name, first["due_on"], last["rolled_on"], *sums, *parts, "", "", rows)}
        section.folded |= dict.fromkeys(ahead[1:])
        self.folded_rows = {rungs[n]["row"] for n in ahead}

    def _money(self, facts: Facts) -> Section:
        rows = []
        for one in facts["money"]:
            pays = self.listed(f"{self._rung(part)} {part['amount']:,}" for part in one["pays"])
            rows.append(
                (
                    one["repayment_id"],
                    one["paid_on"],
                    one["kind"],
                    one["payer"],
                    one["amount"],
                    self._taken_back(one["reversals"], "paid_on"),
                    one["net"],
                    pays if one["counts"] else self.words["not_counted"],
                    refs(one["row"]),
                )
            )
        heads = self.heads("repayment", "paid_on", "kind", "payer", "sum", "taken_back", "net", "pays", "rows")
        return Section(self.words["money"], [], heads, rows)

    def _days(self, facts: Facts) -> list[Section]:
        days, figures = facts["days"], facts["figures"]
        if days["oldest_unpaid_due_on"] is None:
            return [Section(self.words["days"], [self.words["no_arrears"]])]
        said = [
            self.say(
                "days_said",
                oldest=days["oldest_unpaid_due_on"],
                as_of=self.on.as_of,
                days=figures["days_past_due"],
                included=self.words["included"] if days["includes_due_date"] else "",
            ),
            self.say(
                "business_said",
                first=days["from"],
                as_of=self.on.as_of,
                working=days["working"],
                rest=days["rest"],
                calendar=days["calendar"],
                confirmed=days["confirmed_until"],
            ),
        ]
        for name in ("make_up", "days_off"):
            if days[name] and len(days[name]) <= 60:
                said.append(self.say(name, days=self.listed(map(self.day_name, days[name]))))
        return [Section(self.words["days"], said), *self._one_by_one(days["counted"])]

    def _one_by_one(self, counted: list[Facts] | None) -> list[Section]:
        if not counted:
            return []
        rows, count = [], 0
        for day in counted:
            count += day["is_working_day"]
            working = self.words["yes"] if day["is_working_day"] else ""
            name = day[f"name_{self.lang}"] or ""
            rows.append((day["day"], WEEKDAYS[self.lang][day["weekday"] - 1], working, name, count))
        return [
            Section(self.words["one_by_one"], [], self.heads("day", "weekday", "is_working_day", "name", "count"), rows)
        ]

    def _tolerance(self, facts: Facts) -> Section:
        tolerance, figures = facts["tolerance"], facts["figures"]
        if figures["oldest_unpaid_due_on"] is None:
            return Section(self.words["tolerance"])
        word = "within" if tolerance["is_within"] else "beyond_tolerance"
        said = [
            self.say(
                word,
                overdue=figures["overdue_amount"],
                limit=tolerance["limit"].quantize(Decimal("0.01")),
                amount=tolerance["amount"],
                rate=f"{tolerance['rate'].normalize():f}",
            )
        ]
        said += [
            self.say(
                "pause",
                from_on=p["from_on"],
                to_on=p["to_on"] or self.words["open"],
                days=p["days"],
                row=refs(p["row"]),
            )
            for p in facts["pauses"]
        ]
        if not tolerance["is_within"]:
            said.append(
                self.say(
                    "delinquent",
                    days=figures["days_past_due"],
                    grace=tolerance["grace_days"],
                    paused=sum(p["days"] for p in facts["pauses"]),
                    delinquent=figures["delinquent_days"],
                )
            )
        return Section(self.words["tolerance"], said)

    def _history(self, stretches: list[Facts]) -> Section:
        said = [self.say("stretch", **stretch) for stretch in stretches]
        return Section(self.words["history"], said or [self.words["never"]])

    def _others(self, facts: Facts) -> Section:
        own, bucket, figures = facts["customer_money"], facts["bucket"], facts["figures"]
        others = self.listed(f"{o['repayment_id']} {o['payer']} {o['net']:,}" for o in own["others"])
        said = [
            self.say("customer_money", others=others, oldest=own["oldest_unpaid_due_on"], days=own["days"])
            if own["others"]
            else self.words["no_others"]
        ]
        if facts["before_plan"]:
            before = facts["before_plan"]
            said.append(
                self.say("before_plan", day=before["day"], oldest=before["oldest_unpaid_due_on"], days=before["days"])
            )
        if facts["first_payment"]:
            result = figures["is_first_payment_default"]
            said.append(
                self.say(
                    "first_payment",
                    **facts["first_payment"],
                    result=self.words["not_yet"] if result is None else result,
                )
            )
        row = bucket["row"]
        line = (
            self.say("line", line=row["_line"], lower=row["lower_days"], upper=row["upper_days"] or "∞") if row else ""
        )
        facts_of_bucket = {k: bucket[k] for k in ("on", "days", "scheme", "bucket", "m_stage")}
        said.append(self.say("bucket", **facts_of_bucket, line=line, dpd=figures["days_past_due"]))
        return Section(self.words["others"], said)

    # Class, signals, quarantine, rows

    def _fold_others(self, facts: Facts) -> None:
        """Plans and money of the customer's other debts: a terminal shows that they were read."""
        others = ("installments", "repayments", "charges", "advance_repayments")
        self.folded_others = {
            row["no"] for row in self.on.rows if row["no"] > facts["own_rows"] and row["ledger"] in others
        }

    def _class(self, found: Facts | None) -> list[Section]:
        if found is None:
            return []
        figures, regime = found["figures"], found["regime"]
        provision = found["provision"]
        said = [
            self.say(
                "class_said",
                risk_class=figures["risk_class"],
                name=found["class_row"][f"label_{self.lang}"],
                looked_at=len(found["looked_at"]),
                sets=self.listed(found["rule_sets"]),
                regime=regime,
                asset_class=figures["asset_class"],
                segment=figures["segment"],
                lines=self.listed([f"risk_treatment.csv {found['treatment']['_line']}", "risk_rule_set.csv"]),
            ),
            self.words["floors_said" if found["floors"] else "no_floor"],
        ]
        if not found["published"]:
            said.append(self.words["class_unpublished"])
        elif not found["differs"]:
            said.append(self.say("class_agrees", count=len(figures)))
        said += self._adjusted(found)
        said.append(
            self.say(
                "provision_said",
                balance=figures["balance"],
                rate=figures["provision_rate"],
                amount=figures["provision_amount"],
                scheme=provision and f"{provision['scheme']}, provision_rate.csv {provision['_line']}",
            )
        )
        said.append(self._class_before(found["before"]))
        if found["technical"]:
            technical = found["technical"]
            said.append(
                self.say(
                    "technical", from_on=technical["from_on"], to_on=technical["to_on"], row=refs(technical["row"])
                )
            )
        if found["not_evaluated"]:
            rules = (f"{one['rule_id']} ({one['needs']})" for one in found["not_evaluated"])
            said.append(self.say("not_evaluated", rules=self.listed(rules)))
        decides = {floor["rule_id"]: floor["decides"] for floor in found["floors"]}
        looked_at = [*found["looked_at"], *(f | {"holds": True} for f in found["floors"] if f["rule"] is None)]
        rows = [
            (
                one["rule_id"],
                one["floor_class"],
                self._rule_says(one, found),
                self._rule_shows(one),
                self._rule_holds(one, decides),
                f"{one['rule']['valid_from'] or '…'} – {one['rule']['valid_to'] or '…'}" if one["rule"] else "",
                f"{one['rule']['evidence']}, risk_class_rule.csv {one['rule']['_line']}" if one["rule"] else "",
            )
            for one in looked_at
        ]
        heads = self.heads("rule", "floor", "why", "shows", "holds", "validity", "evidence")
        return [
            Section(self.words["class"], said, heads, rows),
            *self._debts(found),
            *self._cure(found["cure"]),
            *self._observation(found["observation"]),
            *self._concessions(found["concessions"]),
        ]

    def _adjusted(self, found: Facts) -> list[str]:
        by_rules = found["figures"]["class_by_rules"]
        said = []
        for one in found["adjustments"]:
            word = "adjusted" if one["counts"] else "adjusted_not"
            said.append(
                self.say(word, **{k: v for k, v in one.items() if k != "row"}, by_rules=by_rules, row=refs(one["row"]))
            )
        return said

    def _class_before(self, before: Facts | None) -> str:
        if before is None:
            return self.words["not_before"]
        floors = self.listed(
            f"{one['rule_id']} ({one['floor_class']}{'' if one['figure'] is None else '; ' + shown(one['figure'])})"
            for one in before["floors"]
        )
        adjusted = self.say("before_adjusted", id=before["adjustment_id"]) if before["adjustment_id"] else ""
        return self.say(
            "before_said",
            day=before["day"],
            risk_class=before["risk_class"],
            days=before["days_past_due"],
            floors=floors,
            adjusted=adjusted,
        )

    def _rule_says(self, floor: Facts, found: Facts) -> str:
        if (rule := floor["rule"]) is None:
            cure = found["cure"]
            return self.say("cure", line=cure["treatment"]["_line"], months=cure["months"], periods=cure["periods"])
        count = f", {rule['day_count']}" if rule["trigger"] == "days_past_due" else ""
        return f"{rule[f'label_{self.lang}']} ({rule['clause']}: {rule['trigger']} {rule['operator']} {rule['threshold']}{count})"

    def _rule_shows(self, one: Facts) -> str:
        """The figure that a rule looks at, and whose debts."""
        if (rule := one["rule"]) is None:
            return self.words["see_cure"]
        by = f": {self.listed(one['pulled_by'])}" if one["pulled_by"] else ""
        return f"{rule['trigger']} = {shown(one['figure'])}{by}"

    def _rule_holds(self, one: Facts, decides: dict[str, bool]) -> str:
        if one["holds"]:
            return self.words["decides" if decides[one["rule_id"]] else "yes"]
        return self.say("lifted", rule=one["lifted_by"]) if one.get("lifted_by") else ""

    def _debts(self, found: Facts) -> list[Section]:
        """The customer's debts: who pulls whom."""
        if len(found["debts"]) < 2:
            return []
        rows = [
            (
                f"{one['item_type']} {one['item_id']}",
                one["currency"],
                one["balance"],
                one["days_past_due"],
                one["risk_class"],
                self.words["yes"] if one["is_retail"] else "",
                self.words["yes"] if one["is_non_performing"] else "",
                f"{one['since']}: {self.listed(one['because'])}" if one["since"] else "",
                refs(one["row"]),
            )
            for one in found["debts"]
        ]
        heads = self.heads(
            *("item", "currency", "balance", "dpd", "class_no", "retail", "by_itself", "since_because", "rows")
        )
        if found["is_retail"]:
            said = [self.words["retail_said"]]
        elif not found["shares"]:
            said = [self.words["none_pulls"]]
        else:
            said = [
                self.say(
                    "share_pulls" if one["pulls"] else "share_below",
                    currency=one["currency"],
                    non_performing=one["non_performing"],
                    balance=one["balance"],
                    items=self.listed(one["items"]),
                    threshold=Decimal(one["rule"]["threshold"]),
                    rule=one["rule"]["rule_id"],
                    line=one["rule"]["_line"],
                )
                for one in found["shares"]
            ]
            if any(one["is_itself"] for one in found["shares"]):
                said.append(self.words["pulls_itself"])
        return [Section(self.words["debts"], said, heads, rows)]

    def _cure(self, cure: Facts | None) -> list[Section]:
        if cure is None:
            return []
        said = [
            self.say(
                "bad_since",
                since=cure["since"],
                because=self.listed(cure["because"]),
                last=cure["last_breach_on"],
            )
        ]
        line = cure["treatment"]["_line"]
        if cure["clean_since"] is None:
            said.append(self.say("not_clean", months=cure["months"], periods=cure["periods"], line=line))
        else:
            said.append(
                self.say(
                    "clean_since",
                    clean=cure["clean_since"],
                    months=cure["months"],
                    ends=cure["months_end_on"],
                    periods=cure["periods"],
                    passed=len(cure["passed"]),
                    days=self.listed(map(str, cure["passed"])),
                    line=line,
                )
            )
        if cure["scope"] == "debtor":
            said.append(self.words["debtor_pays"])
        if cure["needs_unimpaired_debtor"]:
            said.append(self.words["debtor_impaired" if cure["is_debtor_impaired"] else "debtor_unimpaired"])
        said.append(self.words["cure_is_the_reason" if cure["is_the_reason"] else "cure_no_reason"])
        return [Section(self.words["cure_title"], said)]

    def _observation(self, one: Facts | None) -> list[Section]:
        if one is None:
            return []
        said = [self.say("observed_from", on=one["restructured_on"], starts=one["starts_on"])]
        if one["missed"]:
            said.append(self.say("observed_again", days=self.listed(map(str, one["missed"])), begins=one["begins_on"]))
        said.append(
            self.say(
                "observed_ended" if one["ended_on"] else "observed_still",
                ended=one["ended_on"],
                begins=one["begins_on"],
                months=one["months"],
                ends=one["months_end_on"],
                periods=one["periods"],
                passed=len(one["passed"]),
                days=self.listed(map(str, one["passed"])),
                line=one["treatment"]["_line"],
            )
        )
        return [Section(self.words["observation"], said)]

    def _concessions(self, concessions: list[Facts]) -> list[Section]:
        rows = [
            (
                one["event_on"],
                one[f"kind_{self.lang}"],
                one["waived_amount"],
                "" if one["rate_after"] is None else f"{shown(one['rate_before'])} → {shown(one['rate_after'])}",
                one["days_before"],
                one["days_after"],
                one["observation_ends_on"],
                one["redefault_on"],
                refs(*one["rows"]),
            )
            for one in concessions
        ]
        heads = self.heads(
            "day", "kind", "waived", "rate", "days_before", "days_after", "observed_until", "redefault", "rows"
        )
        return [Section(self.words["concessions"], [self.words["concessions_said"]], heads, rows)] if rows else []

    def _signals(self, found: Facts | None) -> list[Section]:
        if found is None:
            return [] if self.on.publication else [Section(self.words["signals"], [self.words["signals_unpublished"]])]
        sections: list[Section] = []
        said, severity = [], found["severity"]
        points = {one["signal"]["signal_id"]: int(one["signal"]["points"]) for one in found["given"]}
        if severity:
            said.append(
                self.say(
                    "severity",
                    name=severity[f"label_{self.lang}"],
                    points=" + ".join(map(str, points.values()))
                    + (f" = {sum(points.values())}" if len(points) > 1 else ""),
                    lower=severity["lower_points"],
                    line=severity["_line"],
                )
            )
        else:
            said.append(self.words["no_signal"])
        if found["lost_rule"]:
            rule = found["lost_rule"]
            said.append(
                self.say("lost_by", rule=rule["lost_rule"], label=rule[f"label_{self.lang}"], line=rule["_line"])
            )
        if not found["differs"]:
            said.append(self.words["signals_agree"])
        before = None
        rows = []
        for one in found["given"]:
            signal, is_new = one["signal"], one["signal"]["signal_id"] != before
            before = signal["signal_id"]
            rows.append(
                (
                    before,
                    signal[f"label_{self.lang}"],
                    one["item"],
                    one[self.lang],
                    f"{OF_UNIT[signal['unit']]} {signal['threshold']}".strip(),
                    int(signal["points"]) if is_new else None,
                    f"{signal['evidence']}, watch_signal.csv {signal['_line']}",
                    refs(*one["rows"]),
                )
            )
        heads = self.heads("signal", "why", "item", "shows", "threshold", "points", "evidence", "counted")
        sections.append(Section(self.words["signals"], said, heads, rows))
        return [*sections, *self._causes(found), *self._measures(found)]

    def _causes(self, found: Facts) -> list[Section]:
        if not found["given_causes"]:
            return []
        rows = [
            (
                one["cause"]["cause_id"],
                one["cause"][f"shown_{self.lang}"].replace("{}", _short(one["figure"])),
                one["source"],
                f"{one['cause']['metric']} {_short(one['figure'])} {one['cause']['operator']} {one['cause']['threshold']}",
                f"{one['cause']['evidence']}, case_cause.csv {one['cause']['_line']}",
                refs(*one["rows"]),
            )
            for one in found["given_causes"]
        ]
        said = [self.say("causes_said", since=found["late_from"], days=found["late_for"], as_of=self.on.as_of)]
        if any(one["cause"]["metric"] == "breaches" for one in found["given_causes"]):
            said.append(self.words["breaches_published"])
        heads = self.heads("cause", "why", "source", "shows", "evidence", "counted")
        return [Section(self.words["causes"], said, heads, rows)]

    def _measures(self, found: Facts) -> list[Section]:
        rows = []
        for one in found["measures"]:
            measure = one["measure"]
            span = f"{measure['overdue_days_from'] or 0}–{measure['overdue_days_to'] or '∞'}"
            rows.append(
                (
                    measure["measure_id"],
                    measure[f"label_{self.lang}"],
                    self.listed([*one["signals"], *one["causes"]]),
                    span,
                    self._size(measure["size"], found["sizes"]),
                    f"{measure['evidence']}, measure.csv {measure['_line']}",
                )
            )
        said = [self.say("measures_said", days=found["late_for"])] if rows else []
        sizes = {one["measure"]["size"] for one in found["measures"]}
        for size in found["sizes"]:
            said += self._sized(size, sizes)
        heads = self.heads("measure", "name", "called_by", "fits_days", "size", "evidence")
        return [Section(self.words["measures"], said, heads, rows)] if rows else []

    def _size(self, size: str, sizes: list[Facts]) -> str:
        if not size:
            return ""
        if size != "plan":
            return self.listed(f"{one['currency']} {one[size]:,}" for one in sizes)
        return self.listed(
            self.say("plan_of", currency=one["currency"], amount=one["a_month"], months=one["months"])
            if one["months"]
            else self.say("plan_none", currency=one["currency"])
            for one in sizes
        )

    def _sized(self, size: Facts, asked: set[str]) -> list[str]:
        """How the sizes of a currency came about."""
        said, debts, currency = [], size["debts"], size["currency"]
        if "overdue_amount" in asked:
            parts = " + ".join(f"{d['item_id']} {d['overdue_amount']:,} {refs(d['row'])}" for d in debts)
            said.append(self.say("sized_due", currency=currency, amount=size["overdue_amount"], parts=parts))
        if "collateral_to_ask" in asked:
            for debt in debts:
                secured = debt["secured"]
                parts = " + ".join(
                    f"{one['value']:,} × (1 − {shown(Decimal(one['haircut']))}) {refs(one['row'])} collateral_haircut.csv {one['line']}"
                    for one in (secured or {}).get("collateral", [])
                )
                said.append(
                    self.say(
                        "sized_collateral",
                        item=debt["item_id"],
                        balance=debt["balance"],
                        target=size["target"],
                        needed=debt["needed"],
                        after=secured["after_haircut"] if secured else Decimal("0.00"),
                        parts=parts or "–",
                        ask=debt["to_ask"],
                    )
                )
        if "limit" in asked:
            said.append(self.say("sized_limit", currency=currency, amount=size["limit"]))
        if "plan" in asked:
            parts = " + ".join(f"{d['item_id']} {d['paid']:,} {refs(*d['rows'])}".rstrip() for d in debts)
            said.append(
                self.say(
                    "sized_plan",
                    currency=currency,
                    since=size["since"],
                    paid=size["paid"],
                    parts=parts,
                    a_month=size["a_month"],
                    due=size["overdue_amount"],
                    most=self.on.policy.settings["plan_max_months"],
                    months=size["months"],
                )
            )
        return said

    def _waiting(self, rows: list[Facts]) -> list[Section]:
        heads = self.heads("ledger", "delivery", "file", "line_no", "reasons")
        told = [(r["ledger"], r["delivery"], r["file"], r["line"], ", ".join(r["reasons"])) for r in rows]
        return [Section(self.words["waiting"], [], heads, told)] if told else []

    def _rows(self) -> list[Section]:
        rows = [
            (
                refs(row["no"]),
                row["ledger"],
                row["origin"],
                row["file"],
                row["line"],
                row["hash"][:12],
                ", ".join(f"{name}={_plainly(value)}" for name, value in row["values"].items()),
            )
            for row in self.on.rows
        ]
        heads = self.heads("rows", "ledger", "delivery", "file", "line_no", "hash", "values")
        stands_in = {(row["origin"], row["file"]) for row in self.on.rows}
        files = [(*place, sha) for place, sha in self.on.files().items() if place in stands_in]
        listed = Section(self.words["ledger_rows"], [], heads, rows)
        for group in (self.folded_rows, self.folded_others):
            listed.folded |= self._folded([n for n, row in enumerate(self.on.rows) if row["no"] in group])
        return [
            listed,
            Section(self.words["files"], [], self.heads("delivery", "file", "sha256"), files),
        ]

    def _folded(self, folded: list[int]) -> dict[int, Sequence[Any] | None]:
        """Rows of the last table that a terminal shows as one line."""
        if not folded:
            return {}
        first, last = self.on.rows[folded[0]], self.on.rows[folded[-1]]
        kinds = {self.on.rows[n]["ledger"]: None for n in folded}
        lines = f"{first['line']}…{last['line']}" if len(kinds) == 1 else ""
        short = (
            f"{refs(first['no'])}…{refs(last['no'])}",
            ", ".join(kinds),
            first["origin"],
            first["file"] if len(kinds) == 1 else "",
            lines,
            "",
        )
        return {folded[0]: (*short, self.say("folded_rows", count=len(folded))), **dict.fromkeys(folded[1:])}

    # An advance

    def advance(self, facts: Facts) -> Document:
        sections = self.basis("advance", facts)
        if facts["outside"]:
            sections[-1].said.append(self.say("outside_advance", **facts["outside"]) + " " + refs(facts["row"]))
        else:
            how = HOW_ADVANCE[self.lang]
            told = {
                "as_of": self.on.as_of,
                "repaid": facts["repaid"],
                "overdue_since": facts["overdue_since"],
                "agreed": how["agreed" if facts["is_agreed"] else "at_once"].format(
                    kind_line=facts["kind_row"]["_line"]
                ),
                "calendar": facts["calendar"],
                "bucket_line": facts["bucket_row"]["_line"],
                "kind_line": facts["kind_row"]["_line"],
                "long_held": facts["kind_row"]["long_held_after_days"],
            }
            own = dict.fromkeys(facts["figures"], refs(facts["row"]))
            sections.append(self._figures(facts, own | how, told))
        rows = [
            (
                m["advance_repayment_id"],
                m["paid_on"],
                m["kind"],
                m["amount"],
                m["reverses_id"] or "",
                m["counts"],
                refs(m["row"]),
            )
            for m in facts["money"]
        ]
        heads = self.heads("repayment", "paid_on", "kind", "sum", "taken_back", "takes_off", "rows")
        sections.append(Section(self.words["advance_rows"], [], heads, rows))
        sections += self._one_by_one(facts.get("counted"))
        if facts["figures"]:
            sections += self._class(facts["class"]) + self._signals(facts["signals"])
            self._fold_others(facts)
        sections += self._waiting(facts["waiting"])
        return self.document("advance_title", facts["advance_id"], [*sections, *self._rows()])

    # A customer

    def customer(self, facts: Facts) -> Document:
        sections = self.basis("customer", facts)
        members = []
        for m in [*facts["loans"], *facts["advances"]]:
            f = m["figures"]
            members.append(
                (
                    f"{m['item_type']} {m['item_id']}",
                    m["currency"],
                    m["started_on"],
                    m["closed_on"] or m["ends_on"],
                    f.get("outstanding_principal", f.get("outstanding")),
                    f.get("overdue_amount"),
                    f.get("days_past_due"),
                    self.words["yes"] if m["is_in_book"] else "",
                    refs(m["row"]),
                )
            )
        heads = self.heads(
            "item", "currency", "started_on", "ends_on", "balance", "overdue_amount", "dpd", "in_book", "rows"
        )
        sections.append(Section(self.words["members"], [], heads, members))
        for one in facts["currencies"]:
            sections += self._exposure(one)
        sections += self._signals(facts["signals"]) + self._waiting(facts["waiting"])
        own = ("customers", "loans", "advances")
        self.folded_rows = {row["no"] for row in self.on.rows if row["ledger"] not in own}
        return self.document("customer_title", facts["customer_id"], [*sections, *self._rows()])

    def _exposure(self, one: Facts) -> list[Section]:
        published = one["published"] or {}
        said = []
        if one["published"]:
            said.append(
                self.say(
                    "capacity",
                    signal=published[f"capacity_signal_{self.lang}"],
                    reasons=published[f"capacity_reasons_{self.lang}"],
                )
                + " "
                + self.listed(f"capacity_rule.csv {row['_line']}" for row in one["capacity"])
            )
            said.append(self.words["published_alone"])
        rows = [(name, published.get(name), value) for name, value in one["exposure"].items()]
        rows += [
            (n, published[n], None)
            for n in ("repaid_90d", "repaid_share_90d", "collateral_value", "coverage")
            if published
        ]
        title = self.say("exposure", currency=one["currency"])
        heads = self.heads("figure", "published", "recomputed")
        found = [*self.differences(one["differs"]), Section(title, said, heads, rows)]
        if (kind := one["type"]) is None:
            return found
        figures = kind["figures"]
        said = [
            self.say(
                "judged",
                item_type=figures["judged_item_type"],
                item_id=figures["judged_item_id"],
                started_on=figures["judged_started_on"],
                days=figures["days_past_due"],
            )
        ]
        earlier = self.listed(f"{e['loan_id']} {e['disbursed_on']} {refs(e['row'])}" for e in kind["earlier"])
        said.append(
            self.say("earlier", count=len(kind["earlier"]), loans=earlier)
            if kind["earlier"]
            else self.words["no_earlier"]
        )
        if limit := kind["threshold"]:
            said.append(
                self.say(
                    "limits",
                    line=limit["_line"],
                    large=limit["large_from"] or "–",
                    months=limit["long_tenor_above_months"],
                )
            )
        types = (f"{t['precedence']} {t[f'label_{self.lang}']}" for t in kind["types"])
        said.append(self.say("types", types=self.listed(types)))
        rows = [(name, (kind["published"] or {}).get(name), value) for name, value in figures.items()]
        return [
            *found,
            *self.differences(kind["differs"]),
            Section(self.say("type", currency=one["currency"]), said, heads, rows),
        ]
