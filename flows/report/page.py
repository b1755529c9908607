"""The report as one page: sections with their tables and charts, in the order of sections.yml."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import yaml
from jinja2 import Environment, FileSystemLoader

from flows.report import tables
from flows.report.numbers import Text, scale_for, write
from flows.report.tables import Place, Table, Told

if TYPE_CHECKING:
    from flows.report.charts import Chart

HERE = Path(__file__).parent
HOUSE = ("本系统定义", "Definition of this system")  # the standard of a figure that follows no other
ON_A_PHONE = 5  # columns that fit
UNIT = {"rate": Text("%", "per cent"), "count": Text("个数", "number"), "days": Text("天", "days")}


@dataclass(frozen=True)
class Figure:
    """A number outside a table, with its place."""

    text: Text
    place: Place


@dataclass(frozen=True)
class Part:
    """A table, and the chart beside it."""

    table: Table
    chart: Chart | None
    units: list[Text]  # what its numbers are in, and of when

    @property
    def css(self) -> str:
        names = {name: bool(self.table.spec.get(name)) for name in ("full", "tall")}
        names["pair"] = names["full"] and self.chart is not None
        return " ".join(["part", *(name for name, holds in names.items() if holds)])

    @property
    def is_stacked(self) -> bool:
        """Whether its rows stand as lists on a phone: too many columns for it, and no matrix, which is read by its pattern."""
        columns = len(self.table.heads) + len(self.table.columns)
        is_list = any(column.css == "long" for column in self.table.columns) or columns > ON_A_PHONE
        return is_list and not self.table.spec.get("across") and not self.table.spec.get("tall")


def page_of(connection: duckdb.DuckDBPyConnection) -> str:
    """The page, from the publication's marts, with its evidence attached where that is there: the same marts give the same bytes."""
    figures = asked_for("figures.yml")
    told, publication, left_out = told_by(connection)
    sections, used = [], set()
    for section in asked_for("sections.yml"):
        parts = parts_of(connection, section["tables"], figures, told)
        shown = {**section, "parts": parts}
        used |= {name for part in parts for name in part.table.figures}
        if cards := section.get("cards"):
            shown["cards"] = _cards(connection, cards, figures, told)
            shown["story"] = _story(connection, figures, told)
            used |= {*cards["figures"]}
        if parts or cards:
            sections.append(shown)
    return rendered(
        "page.html",
        told=told,
        publication=publication,
        gates=_gates(str(publication.get("gates") or "")),
        currency=_currency(told),
        warnings=_warnings(left_out, told),
        sections=sections,
        definitions=[{"standard": HOUSE, **figure} for name, figure in figures.items() if name in used],
        percent=Decimal("0.1"),
    )


def parts_of(
    connection: duckdb.DuckDBPyConnection, specs: list[dict[str, Any]], figures: dict[str, Any], told: Told
) -> list[Part]:
    """Tables of sections.yml with their charts; without those whose marts are not there."""
    names = tables.names_in(connection)
    parts = []
    for spec in specs:
        if not tables.is_there(names, spec["from"]):
            continue
        table = tables.read(connection, spec, figures, told)
        if len(table.lines) >= spec.get("least", 0):
            parts.append(Part(table, _drawn(table, told), _unit(table, told)))
    return parts


def _drawn(table: Table, told: Told) -> Chart | None:
    if "chart" not in table.spec:
        return None
    from flows.report.charts import draw

    return draw(table, told.main)


def asked_for(name: str) -> Any:
    """One of the files beside this one that say what the pages hold."""
    return yaml.load((HERE / name).read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def rendered(template: str, **shown: Any) -> str:
    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    style, script = ((HERE / name).read_text("utf-8") for name in ("page.css", "page.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = environment.get_template(template).render(**shown, style=style, script=script, script_hash=digest)
    return page.lstrip() + "\n"


def told_by(connection: duckdb.DuckDBPyConnection) -> tuple[Told, dict[str, Any], list[str]]:
    """What the publication is, its own row about itself, and the currencies that the page leaves out."""
    publication = _one(connection, "from publication") or {}
    told, left_out = _told(connection, publication)
    return told, publication, left_out


def _told(connection: duckdb.DuckDBPyConnection, publication: dict[str, Any]) -> tuple[Told, list[str]]:
    """What the page is of: its currency is ALL where there is one, else the reporting currency, else the largest; and what is left out."""
    found = _all(
        connection,
        "select currency, balance, items from headline where segment = 'ALL' and as_of = (select max(as_of) from headline) "
        "order by items desc, currency",
    )
    main = str(publication.get("reporting_currency") or "CNY")
    there = [row["currency"] for row in found]
    currency = next((one for one in ("ALL", main) if one in there), there[0] if there else main)
    if currency != "ALL" and currency != main:
        main = currency
    balance = next((row["balance"] for row in found if row["currency"] == currency), None)
    left_out = [one for one in there if currency not in ("ALL", one)]
    return Told(publication["as_of"], currency, main, scale_for(balance)), left_out


def _currency(told: Told) -> Text:
    if told.currency != "ALL":
        return Text(f"币种 {told.currency}", told.currency)
    return Text(f"各币种折合 {told.main}", f"all currencies in {told.main}")


def _warnings(left_out: list[str], told: Told) -> list[Text]:
    if not left_out:
        return []
    names = ", ".join(sorted(left_out))
    return [
        Text(
            f"缺少汇率，无法折合：除注明币种的表外，本页只含 {told.currency}；{names} 见 marts。",
            f"No rates, so nothing is converted: but for tables by currency this page is of {told.currency} alone; for {names} see the marts.",
        )
    ]


def _gates(told: str) -> list[Text]:
    """What `publication` says of its gates, in both languages."""
    gates = re.findall(r"([^;]+): (passed|failed), (\d+) hold(?:, (\d+) to look at)?", told)
    return [
        Text(
            f"{name.strip()}：{'通过' if state == 'passed' else '未通过'}，{held} 项检验成立"
            + (f"，{looked} 项需查看" if looked else ""),
            f"{name.strip()}: {state}, {held} checks hold" + (f", {looked} to look at" if looked else ""),
        )
        for name, state, held, looked in gates
    ]


def _unit(table: Table, told: Told) -> list[Text]:
    """What a table's numbers are in, and of when."""
    units = []
    if "money" in table.kinds:
        name = told.scale.name
        if len(table.currencies) > 1:
            units.append(Text(f"{name.zh}（各按原币）", f"{name.en}, each in its own currency"))
        elif told.currency == "ALL" and not table.currencies and table.spec.get("money") != "main":
            units.append(Text(f"{name.zh}（各币种折合 {told.main}）", f"{told.main} {name.en}, all currencies"))
        else:
            of = table.currencies[0] if table.currencies else told.main
            units.append(Text(f"{name.zh}（{of}）", f"{of} {name.en}"))
    if "exact" in table.kinds:
        units.append(Text("原始金额", "amounts as delivered"))
    for kind, text in UNIT.items():
        if {kind, f"{kind}1"} & table.kinds:
            units.append(text)
    said = Text("单位：" + "、".join(unit.zh for unit in units), "Unit: " + "; ".join(unit.en for unit in units))
    day, since = told.as_of, table.since
    when = Text(f"{since} 至 {day}", f"{since} to {day}") if since else Text(f"截至 {day}", f"as of {day}")
    return [said, when] if units else [when]


def _cards(
    connection: duckdb.DuckDBPyConnection, asked: dict[str, Any], figures: dict[str, Any], told: Told
) -> dict[str, Any]:
    """The figures a board reads first, each with its change and what it was."""
    where = told.fill(asked["where"])
    row = _one(connection, f"from {asked['from']} where {where}") or {}
    cards = []
    for name in asked["figures"]:
        kind = figures[name]["kind"].replace("money", "short")
        now, before = row.get(name), row.get(f"previous_{name}")
        card = {
            "label": Text(*figures[name]["label"]),
            "now": _figure(name, kind, now),
            "change": None,
        }
        if now is not None and before is not None:
            card |= {
                "change": _figure(f"{name} - previous_{name}", f"{kind}+", now - before),
                "before": _figure(f"previous_{name}", kind, before),
                "arrow": "▲" if now > before else "▼" if now < before else "",
            }
        cards.append(card)
    return {"source": asked["from"], "where": where, "figures": cards}


def _figure(of: str, kind: str, value: Any) -> Figure:
    return Figure(write(kind, value), Place(of=of, kind=kind))


def _story(connection: duckdb.DuckDBPyConnection, figures: dict[str, Any], told: Told) -> dict[str, Any] | None:
    """One sentence: how the overdue balance changed, and by which two movements most."""
    where = told.fill("as_of = {as_of} and currency = '{currency}'")
    row = _one(connection, f"from bi_overdue_roll_forward where {where}")
    if not row:
        return None
    names = ("became_overdue", "repaid", "cured", "written_off", "sold", "reclassified", "restated", "revalued")
    largest = sorted((name for name in names if row[name]), key=lambda name: -abs(row[name]))[:2]
    parts: list[Any] = [
        Text(f"自 {row['from_as_of']} 以来，逾期余额由 ", f"Since {row['from_as_of']} the overdue balance went from "),
        _figure("opening", "short", row["opening"]),
        Text(" 变为 ", " to "),
        _figure("closing", "short", row["closing"]),
        Text("（", " ("),
        _figure("closing - opening", "short+", row["closing"] - row["opening"]),
        Text("）", ")"),
    ]
    for order, name in enumerate(largest):
        label = figures[name]["label"]
        joined = Text("，主要是", ", mostly by: ") if order == 0 else Text("，", ", ")
        parts += [
            Text(f"{joined.zh}{label[0]} ", f"{joined.en}{label[1].lower()} "),
            _figure(name, "short+", row[name]),
        ]
    return {"source": "bi_overdue_roll_forward", "where": where, "parts": [*parts, Text("。", ".")]}


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any] | None:
    return next(iter(_all(connection, query)), None)


def _all(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    relation = connection.sql(query)
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
