"""What is told, as sections of sentences and tables: shown as text on a terminal, or as one page that opens offline."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

Cell = Any


@dataclass
class Section:
    """A title, sentences, and a table; `drawing` is SVG that a page shows and a terminal does not."""

    title: str
    said: list[str] = field(default_factory=list)
    headers: Sequence[str] = ()
    rows: list[Sequence[Cell]] = field(default_factory=list)
    drawing: str = ""
    is_loud: bool = False
    folded: dict[int, Sequence[Cell] | None] = field(
        default_factory=dict
    )  # rows that a terminal shows as others, or not


@dataclass
class Document:
    title: str
    sections: list[Section]
    lang: str

    def as_text(self) -> str:
        lines = [f"# {self.title}"]
        for section in self.sections:
            if not section.said and not section.rows:
                continue
            lines += ["", f"## {'!! ' if section.is_loud else ''}{section.title}", ""]
            lines += section.said
            if section.rows:
                lines += [""] * bool(section.said) + _table(section)
        return "\n".join(lines) + "\n"

    def as_page(self) -> str:
        body = []
        for section in self.sections:
            if not section.said and not section.rows:
                continue
            body.append(f"<section{' class=loud' if section.is_loud else ''}><h2>{html.escape(section.title)}</h2>")
            body += [f"<p>{_linked(one)}</p>" for one in section.said]
            body.append(section.drawing)
            if section.rows:
                head = "".join(f"<th>{html.escape(name)}</th>" for name in section.headers)
                rows = "".join(_page_row(row) for row in section.rows)
                body.append(f"<div class=wide><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>")
            body.append("</section>")
        title = html.escape(self.title)
        return (
            f'<!doctype html><html lang="{"zh-CN" if self.lang == "zh" else "en"}"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title><style>{STYLE}</style></head>'
            f"<body><main><h1>{title}</h1>{''.join(body)}</main></body></html>\n"
        )


STYLE = """
:root{color-scheme:light dark;--ink:#1c1f24;--paper:#fff;--soft:#f2f4f7;--line:#d5dae1;--late:#b3261e;--paid:#2f6f4f;--open:#8a93a0}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--paper:#16181c;--soft:#20242a;--line:#3a4049;--late:#ff8a80;--paid:#7cc79f;--open:#8a93a0}}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif}
main{max-width:1080px;margin:0 auto;padding:1.5rem}h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.3rem 0;max-width:75ch}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
th,td{border-bottom:1px solid var(--line);padding:.25rem .6rem;text-align:left;vertical-align:top}th{background:var(--soft)}
td.n{text-align:right;white-space:nowrap}td.d{white-space:nowrap}.loud{border:2px solid var(--late);padding:0 1rem 1rem}a{color:inherit}
svg{width:100%;height:auto;max-width:820px;font:12px system-ui,"Noto Sans CJK SC",sans-serif}tr:target{background:var(--soft)}
"""


def shown(value: Cell) -> str:
    """A value as people read it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{plain(value):,f}"
    return str(value)


def plain(value: Decimal) -> Decimal:
    """Without zeros beyond the second decimal: a rate of 0.0010000000 is 0.001."""
    short = value.normalize()
    return short if short.as_tuple().exponent < -2 else value.quantize(Decimal("0.01"))  # type: ignore[operator]


def refs(*numbers: int | None) -> str:
    """Numbers of ledger rows: [3] stands in the last section."""
    return " ".join(f"[{number}]" for number in dict.fromkeys(numbers) if number is not None)


def _table(section: Section) -> list[str]:
    """Columns side by side, numbers to the right; a Chinese sign is two columns of a terminal wide."""
    rows = [section.folded.get(number, row) for number, row in enumerate(section.rows)]
    cells = [[shown(cell) for cell in row] for row in rows if row is not None]
    widths = [max(map(_width, column)) for column in zip(section.headers, *cells, strict=True)]
    numeric = [
        any(isinstance(row[n], int | Decimal) and not isinstance(row[n], bool) for row in section.rows)
        for n in range(len(section.headers))
    ]

    def line(texts: Sequence[str]) -> str:
        parts = []
        for text, width, is_number in zip(texts, widths, numeric, strict=True):
            room = " " * (width - _width(text))
            parts.append(room + text if is_number else text + room)
        return "  ".join(parts).rstrip()

    return [line(section.headers), "  ".join("-" * width for width in widths), *map(line, cells)]


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _page_row(row: Sequence[Cell]) -> str:
    first = shown(row[0])
    anchor = f' id="row-{first[1:-1]}"' if first.startswith("[") and first.endswith("]") and " " not in first else ""
    cells = []
    for cell in row:
        kind = " class=n" if isinstance(cell, int | Decimal) and not isinstance(cell, bool) else ""
        kind = " class=d" if isinstance(cell, date) else kind
        cells.append(f"<td{kind}>{_linked(shown(cell))}</td>")
    return f"<tr{anchor}>{''.join(cells)}</tr>"


def _linked(text: str) -> str:
    """[3] leads to the row of that number."""
    parts = html.escape(text).split("[")
    linked = [parts[0]]
    for part in parts[1:]:
        number, bracket, rest = part.partition("]")
        linked.append(f'<a href="#row-{number}">[{number}]</a>{rest}' if bracket and number.isdigit() else f"[{part}")
    return "".join(linked)


def ladder(rungs: list[dict[str, Any]], labels: Sequence[str], words: dict[str, str]) -> str:
    """The queue drawn: a bar for each obligation as long as it is large, what is paid of it filled, what is overdue hatched."""
    if not rungs:
        return ""
    most = max(rung["amount"] for rung in rungs) or Decimal(1)
    height = 20
    bars = []
    for number, (rung, label) in enumerate(zip(rungs, labels, strict=True)):
        top = number * height
        whole = float(rung["amount"] / most) * 430
        paid = float(rung["paid"] / most) * 430
        fill = "url(#late)" if rung["is_overdue"] else "none"
        colour = "var(--late)" if rung["is_overdue"] else "var(--open)"
        said = f"{label}: {words['amount']} {rung['amount']:,}, {words['paid']} {rung['paid']:,}, {words['unpaid']} {rung['unpaid']:,}"
        bars.append(
            f'<g role="img" aria-label="{html.escape(said)}"><title>{html.escape(said)}</title>'
            f'<text x="0" y="{top + 14}" fill="currentColor">{html.escape(label)}</text>'
            f'<rect x="250" y="{top + 3}" width="{whole:.1f}" height="13" fill="{fill}" stroke="{colour}"/>'
            f'<rect x="250" y="{top + 3}" width="{paid:.1f}" height="13" fill="var(--paid)"/>'
            f'<text x="{256 + whole:.1f}" y="{top + 14}" fill="{colour if rung["is_overdue"] else "currentColor"}">'
            f"{rung['unpaid']:,}</text></g>"
        )
    return (
        f'<svg viewBox="0 0 820 {len(rungs) * height + 4}"><defs><pattern id="late" width="6" height="6" '
        'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="6" stroke="var(--late)" '
        f'stroke-width="2"/></pattern></defs>{"".join(bars)}</svg>'
    )
