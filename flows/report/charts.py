"""The report's charts, by Altair as Vega-Lite and by vl-convert as SVG, from the cells of the table that each stands beside.

A chart is drawn twice, for a wide page and for a phone, and each drawing has both languages: a label is drawn as a mark of ours,
`@7@`, and then becomes two spans of text, one of which the page shows. So no layout depends on how long a label is, nor on the
fonts of the machine that draws it. Lines differ by dashes and marks, areas by how dark they are. Importing this imports Altair.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import Any

import altair as alt
import vl_convert
from altair.utils import schemapi

from flows.report.numbers import Text, same
from flows.report.tables import Table

WIDE, NARROW = 600, 300
LABELS = 168  # what labels of rows take of a wide drawing
LONGEST = 84  # what the longest amount takes at the end of a bar
INK, QUIET, GRID = "#1c2733", "#5b6673", "#e3e7ec"
DARK, LIGHT = "#1f4e79", "#c9d9ea"
LINES = [
    (DARK, "", "circle"),
    ("#b3470f", "7 3", "square"),
    ("#3f7f93", "2 3", "triangle-up"),
    ("#7a5c99", "9 3 2 3", "diamond"),
]
FILLS = [DARK, LIGHT, "#7fa3c7", "#e8b98a", "#8d5a2b"]
FONT = "system-ui, -apple-system, 'Segoe UI', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif"
CONFIG = {
    "font": FONT,
    "aria": False,
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 12,
        "labelColor": INK,
        "gridColor": GRID,
        "domainColor": QUIET,
        "tickColor": QUIET,
        "labelLimit": 0,
        "labelOverlap": False,
    },
    "text": {"fontSize": 12, "color": INK},
}
MARK = re.compile(r"@(\d+)@")


@dataclass(frozen=True)
class Entry:
    """One line of a legend; the page draws it beside its words."""

    text: Text
    fill: str
    dash: str | None = None  # a line's; None for an area


@dataclass(frozen=True)
class Chart:
    wide: str
    narrow: str
    legend: list[Entry]


Drawn = tuple[Any, dict[str, Any], list[Entry]]  # a chart of Altair's, its layout, its legend


class Words:
    """The labels of one drawing, by the mark that stands for each."""

    def __init__(self) -> None:
        self.texts: list[Text] = []

    def mark(self, text: Text) -> str:
        if text not in self.texts:
            self.texts.append(text)
        return f"@{self.texts.index(text)}@"

    def spoken(self, svg: str) -> str:
        """The drawing with the words in place of the marks."""

        def words(found: re.Match[str]) -> str:
            text = self.texts[int(found[1])]
            if text.is_one:
                return escape(text.zh)
            return f'<tspan lang="zh-CN">{escape(text.zh)}</tspan><tspan lang="en">{escape(text.en)}</tspan>'

        return MARK.sub(words, svg)


def draw(table: Table, currency: str) -> Chart | None:
    """The chart that sections.yml asks for beside a table, of rows in one currency; None where there is nothing to show."""
    asked = table.spec["chart"] | {"main": currency}
    if not any(cell.value for line in table.lines for cell in line.cells if not cell.is_text):
        return None
    drawings, legend = [], []
    # else Altair proves each part of each chart against Vega-Lite's schema, every night
    with schemapi.debug_mode(False):
        for width in (WIDE, NARROW):
            words = Words()
            chart, layout, legend = KINDS[asked["kind"]](table, asked, width, words)
            drawings.append(words.spoken(_svg(chart, layout, width)))
    return Chart(*drawings, legend)


def warm_up() -> None:
    """The first drawing of a process starts an engine, which takes a second."""
    vl_convert.vegalite_to_svg({"mark": "point", "data": {"values": []}})


def _svg(chart: Any, layout: dict[str, Any], width: int) -> str:
    svg = vl_convert.vegalite_to_svg(chart.to_dict(validate=False) | layout | {"config": CONFIG, "background": None})
    body = svg[svg.index(">") + 1 : svg.rindex("</svg>")]
    view = re.search(r'viewBox="([^"]*)"', svg)[1]
    size = f'viewBox="{view}" class="{"wide" if width == WIDE else "narrow"}"'
    body = re.sub(r' font-family="[^"]*"', "", body)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} aria-hidden="true" focusable="false">{body}</svg>'


def _inline(rows: list[dict[str, Any]]) -> Any:
    return alt.Chart(alt.InlineData(values=rows))


def _layout(width: int, height: int, left: int, right: int, top: int, bottom: int) -> dict[str, Any]:
    """The size of a drawing, whatever its labels are: `height` is that of the plot, `width` of everything."""
    padding = {"left": left, "right": right, "top": top, "bottom": bottom}
    return {"width": width - left - right, "height": height, "padding": padding, "autosize": "none"}


def _labels(width: int, words: Words) -> int:
    """What labels of rows take beside the bars; 0 where one would not fit there, and each stands above its bar."""
    longest = max(
        (sum(1 if sign < "\u2e80" else 2 for sign in said) for text in words.texts for said in text), default=0
    )
    return LABELS if width == WIDE and longest * 6.5 < LABELS - 14 else 0


def _plot(width: int, words: Words) -> int:
    """How wide bars and the amounts at their ends may be."""
    return width - (_labels(width, words) or 4) - 8


def _room(width: int, words: Words) -> float:
    """How far a scale goes beyond the longest bar, so that its amount has a place."""
    plot = _plot(width, words)
    return plot / (plot - LONGEST)


def _number(value: Any) -> float:
    return round(float(value or 0), 6)


# Bars lie, so that a label of any length has a line of its own: beside the bar on a wide page, above it on a phone.


def _lying(
    rows: list[dict[str, Any]], width: int, words: Words, groups: int, layers: Any
) -> tuple[Any, dict[str, Any]]:
    """Rows of bars with their labels. `rows` have `row`, the mark of the label."""
    order = list(dict.fromkeys(row["row"] for row in rows))
    beside, thick = _labels(width, words), 15 * groups if groups > 1 else 17
    step = max(26, thick + 9) if beside else thick + 27
    scale = alt.Scale(domain=order, paddingInner=1 - thick / step, paddingOuter=0)
    y = alt.Y("row:N", sort=order, scale=scale, axis=None)
    labels = _inline([{"row": row} for row in order]).mark_text(
        align="right" if beside else "left",
        baseline="middle",
        dx=-10 if beside else 0,
        dy=0 if beside else -(thick / 2 + 10),
    )
    chart = alt.layer(*layers(y), labels.encode(y=y, x=alt.XValue(0), text=alt.Text("row:N")))
    height = step * (len(order) - 1) + thick
    return chart, _layout(width, height, beside or 4, 8, 6 if beside else 26, 6)


def bars(table: Table, asked: dict[str, Any], width: int, words: Words) -> Drawn:
    """One bar a row, of the column whose figure is asked for, or of the only one."""
    at = next(
        (
            n
            for n, column in enumerate(table.columns)
            if column.place.of and (asked.get("figure") or "") in column.place.of
        ),
        0,
    )
    rows = [
        {
            "row": words.mark(_row_label(line)),
            "value": _number(line.cells[at].value),
            "told": words.mark(line.cells[at].text),
        }
        for line in table.lines
        if not table.currencies or line.key[0] == asked["main"]
    ]
    top = max(row["value"] for row in rows) or 1

    def layers(y: Any) -> list[Any]:
        x = alt.X("value:Q", axis=None, scale=alt.Scale(domain=[0, top * _room(width, words)]))
        chart = _inline(rows)
        return [
            chart.mark_bar(color=DARK).encode(x=x, y=y),
            chart.mark_text(align="left", dx=5, baseline="middle").encode(x=x, y=y, text=alt.Text("told:N")),
        ]

    return *_lying(rows, width, words, 1, layers), []


def stacked(table: Table, asked: dict[str, Any], width: int, words: Words) -> Drawn:
    """One bar a row, of the matrix's columns one after another; the total is told at its end."""
    shown = [n for n, column in enumerate(table.columns) if column.code not in asked.get("leave_out", [])]
    whole = next((n for n, column in enumerate(table.columns) if column.code in asked.get("leave_out", [])), None)
    parts, ends = [], []
    for line in table.lines:
        row, start = words.mark(_row_label(line)), 0.0
        for order, n in enumerate(shown):
            end = round(start + _number(line.cells[n].value), 6)
            parts.append({"row": row, "start": start, "end": end, "fill": FILLS[order % len(FILLS)]})
            start = end
        if whole is not None:
            ends.append({"row": row, "end": start, "told": words.mark(line.cells[whole].text)})
    top = max(part["end"] for part in parts) or 1

    def layers(y: Any) -> list[Any]:
        scale = alt.Scale(domain=[0, top * _room(width, words)])
        start, end = alt.X("start:Q", axis=None, scale=scale), alt.X("end:Q", axis=None, scale=scale)
        bar = _inline(parts).mark_bar(stroke=DARK, strokeWidth=0.75)
        return [
            bar.encode(x=start, x2=alt.X2("end"), y=y, fill=alt.Fill("fill:N", scale=None)),
            _inline(ends).mark_text(align="left", dx=5, baseline="middle").encode(x=end, y=y, text=alt.Text("told:N")),
        ]

    legend = [Entry(table.columns[n].head, FILLS[order % len(FILLS)]) for order, n in enumerate(shown)]
    return *_lying(parts, width, words, 1, layers), legend


def grouped(table: Table, asked: dict[str, Any], width: int, words: Words) -> Drawn:
    """Some bars a row, one for each figure asked for."""
    shown = [n for figure in asked["figures"] for n, column in enumerate(table.columns) if column.place.of == figure]
    rows = [
        {
            "row": words.mark(_row_label(line)),
            "part": order,
            "value": _number(line.cells[n].value),
            "told": words.mark(line.cells[n].text),
            "fill": FILLS[order],
        }
        for line in table.lines
        for order, n in enumerate(shown)
    ]
    top = max(row["value"] for row in rows) or 1

    def layers(y: Any) -> list[Any]:
        x = alt.X("value:Q", axis=None, scale=alt.Scale(domain=[0, top * _room(width, words)]))
        offset = alt.YOffset("part:N", sort=None)
        chart = _inline(rows)
        return [
            chart.mark_bar(stroke=DARK, strokeWidth=0.75).encode(
                x=x, y=y, yOffset=offset, fill=alt.Fill("fill:N", scale=None)
            ),
            chart.mark_text(align="left", dx=5, baseline="middle").encode(
                x=x, y=y, yOffset=offset, text=alt.Text("told:N")
            ),
        ]

    legend = [Entry(table.columns[n].head, FILLS[order]) for order, n in enumerate(shown)]
    return *_lying(rows, width, words, len(shown), layers), legend


def moves(table: Table, asked: dict[str, Any], width: int, words: Words) -> Drawn:
    """What raised a balance to the right of a line, what lowered it to the left."""
    rows = [
        {
            "row": words.mark(line.heads[0]),
            "value": _number(line.cells[0].value),
            "told": words.mark(line.cells[0].text),
            "fill": DARK if (line.cells[0].value or 0) > 0 else LIGHT,
        }
        for line in table.lines
        if line.place.of not in ("opening", "closing") and re.search("[1-9]", "".join(line.cells[0].text))
    ]
    least, most = min([0, *(row["value"] for row in rows)]), max([0, *(row["value"] for row in rows)])
    room = (most - least or 1) * LONGEST / (_plot(width, words) - 2 * LONGEST)

    def layers(y: Any) -> list[Any]:
        domain = [least - room, most + room]
        x = alt.X("value:Q", axis=None, scale=alt.Scale(domain=domain, nice=False))
        up, down = ([row for row in rows if (row["value"] < 0) == below] for below in (False, True))
        bar = _inline(rows).mark_bar(stroke=DARK, strokeWidth=0.75)
        return [
            bar.encode(x=x, y=y, fill=alt.Fill("fill:N", scale=None)),
            _inline(up).mark_text(align="left", dx=5, baseline="middle").encode(x=x, y=y, text=alt.Text("told:N")),
            _inline(down).mark_text(align="right", dx=-5, baseline="middle").encode(x=x, y=y, text=alt.Text("told:N")),
        ]

    return *_lying(rows, width, words, 1, layers), []


def lines(table: Table, asked: dict[str, Any], width: int, words: Words) -> Drawn:
    """A line for each figure over the rows, for each column of a matrix over its rows, or for each row over its columns."""
    first = len(table.columns) - sum(bool(column.code) for column in table.columns)
    if figures := asked.get("figures"):
        shown = [n for figure in figures for n, column in enumerate(table.columns) if column.place.of == figure]
    else:
        wanted = asked.get("series")
        shown = [n for n in range(first, len(table.columns)) if not wanted or table.columns[n].code in wanted]
    ordered = table.lines[::-1] if asked.get("newest_first") else table.lines
    order = [words.mark(place) for place in _axis_labels(ordered)]
    rows = [
        {"place": order[at], "value": _number(line.cells[n].value) * 100, "series": str(which)}
        for which, n in enumerate(shown)
        for at, line in enumerate(ordered)
        if line.cells[n].value is not None
    ]
    most = 8 if width == WIDE else 4
    apart = -(-len(order) // most)
    ticks = order[len(order) - 1 :: -apart] if order else []
    top = max((row["value"] for row in rows), default=1) or 1
    x = alt.X(
        "place:O",
        sort=order,
        scale=alt.Scale(domain=order),
        axis=alt.Axis(title=None, values=ticks, labelAngle=0, labelPadding=6),
    )
    form = "d" if top >= 10 else ".1f" if top >= 1 else ".2f"
    y = alt.Y(
        "value:Q",
        scale=alt.Scale(domain=[0, top], nice=4),
        axis=alt.Axis(
            title=None, tickCount=4, labelExpr=f"format(datum.value, '{form}') + '%'", domain=False, ticks=False
        ),
    )
    names = [str(which) for which in range(len(shown))]
    styles = [LINES[which % len(LINES)] for which in range(len(shown))]
    colour = alt.Color("series:N", legend=None, scale=alt.Scale(domain=names, range=[style[0] for style in styles]))
    dashes = [[int(part) for part in style[1].split()] or [1, 0] for style in styles]
    dash = alt.StrokeDash("series:N", legend=None, scale=alt.Scale(domain=names, range=dashes))
    shape = alt.Shape("series:N", legend=None, scale=alt.Scale(domain=names, range=[style[2] for style in styles]))
    chart = alt.layer(
        _inline(rows).mark_line(strokeWidth=2.25).encode(x=x, y=y, color=colour, strokeDash=dash),
        _inline(rows).mark_point(filled=True, size=26, opacity=1).encode(x=x, y=y, color=colour, shape=shape),
    )
    legend = [Entry(table.columns[n].head, *styles[which][:2]) for which, n in enumerate(shown)]
    wide = width == WIDE
    return chart, _layout(width, 230 if wide else 190, 48 if wide else 40, 26, 8, 26), legend


def _row_label(line: Any) -> Text:
    return line.heads[-1]


def _axis_labels(lines: list[Any]) -> list[Text]:
    """Short, because many stand in a row: the code of a stage, the month of a date where one month has one."""
    keys = [line.key[-1] for line in lines]
    if any(isinstance(key, str) for key in keys):
        return [same(key) for key in keys]
    months = [f"{key:%Y-%m}" for key in keys]
    return [same(month) for month in months] if len(set(months)) == len(months) else [same(key) for key in keys]


KINDS = {"bars": bars, "stacked": stacked, "grouped": grouped, "moves": moves, "lines": lines}
