"""What a row in quarantine may be, and the line of the mapping that mends it, as SQL over one ledger's rows."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from flows.database import identifier, quote
from flows.ledgers import Column, Ledger

TOTALS = ("合计", "总计", "小计", "共计", "总额", "汇总", "total", "totals", "subtotal", "grand total", "sum")
Headers = Mapping[int, Mapping[str, str]]  # number of a mapping entry -> column -> the header that feeds it


def hints_of(connection: duckdb.DuckDBPyConnection, ledger: Ledger, headers: Headers) -> str:
    """A list of sentences for each row r of row_<ledger> with its texts t; empty where nobody can guess."""
    cases = [_totals(column, headers) for column in ledger.columns.values() if column.type == "text"]
    for column in ledger.columns.values():
        cases += _of_column(ledger, column, headers)
    for column, parent in ledger.parents.items():
        cases += _of_parent(connection, ledger, column, parent, headers)
    return f"list_filter([{', '.join(cases)}]::varchar[], lambda x: x is not null)"


def _has(column: str, code: str) -> str:
    return f"list_contains(r._reasons, '{code}:{column}')"


def header_of(column: str, headers: Headers, entry: str) -> str:
    """The header that feeds a column in the mapping entry of that number, as SQL."""
    cases = " ".join(f"when {n} then {quote(of[column])}" for n, of in headers.items() if column in of)
    return f"case {entry} {cases} else {quote(column)} end" if cases else quote(column)


def _header(column: str, headers: Headers) -> str:
    return header_of(column, headers, "r._entry")


def _mapped(column: str, headers: Headers, option: str) -> str:
    """`column: {source: HEADER, option}` as SQL; `option` is SQL too."""
    return f"'`{column}: {{source: ' || {_header(column, headers)} || ', ' || {option} || '}}`'"


def _totals(column: Column, headers: Headers) -> str:
    text = f"t.{identifier(column.name)}"
    words = ", ".join(map(quote, TOTALS))
    return (
        f"case when len(r._reasons) > 0 and lower(rtrim({text}, ':： ')) in ({words}) then "
        f"'It looks like a line of totals: `where: {{' || {_header(column.name, headers)} || ': {{not: [' || {text} || "
        f"']}}}}` in mapping.yml leaves it out.' end"
    )


def _of_column(ledger: Ledger, column: Column, headers: Headers) -> list[str]:
    text = f"t.{identifier(column.name)}"
    if column.type in ("date", "timestamp"):
        found = [
            f"case when ({_has(column.name, f'bad_{column.type}')}) and regexp_full_match({text}, '[2-7]\\d{{4}}([.]\\d+)?') "
            f"then 'It looks like a day as Excel counts it: ' || {_mapped(column.name, headers, quote('date_format: excel_serial'))} "
            "|| ' in mapping.yml reads it.' end"
        ]
        befores = [rule["reason"] for rule in ledger.rules if rule["reason"].startswith("before_")]
        if any(reason.endswith(f":{column.name}") for reason in befores):
            none = f"'values: {{\"' || {text} || '\": null}}'"
            found.append(
                f"case when len(list_filter(r._reasons, lambda x: x like 'before\\_%:{column.name}' escape '\\')) > 0 then "
                f"'Dates such as 1900-01-01 often stand for none; if so, ' || {_mapped(column.name, headers, none)} "
                "|| ' in mapping.yml says it.' end"
            )
        return found
    if column.type in ("amount", "positive", "signed"):
        return [
            f"case when {_has(column.name, 'too_many_decimals')} then 'If rounding to cents is right, ' || "
            f"{_mapped(column.name, headers, quote('round: half_up'))} || ' in mapping.yml does and counts it.' end"
        ]
    if column.codes:
        text = quote("…") if ledger.is_personal else text  # it may be a name that slid there
        word = f"'values: {{' || {text} || ': {next(iter(column.codes))}}}'"
        return [
            f"case when {_has(column.name, 'unknown_code')} then 'A word of your own is translated by mapping.yml, such as ' || "
            f"{_mapped(column.name, headers, word)} || '.' end"
        ]
    return []


def _of_parent(
    connection: duckdb.DuckDBPyConnection, ledger: Ledger, column: str, parent: str, headers: Headers
) -> list[str]:
    """An id that is there but for the traces of a spreadsheet: `.0`, `=\"…\"`, lost zeros."""
    orphans = f"list_contains(_reasons, 'orphan:{column}')"
    if not connection.sql(f"select 1 from row_{ledger.name} where {orphans} limit 1").fetchone():
        return []
    connection.execute(
        f"""
        create or replace temp table near_{column} as
        with wanted as (select distinct {column} as id from row_{ledger.name} where {orphans})
        select wanted.id, min(keys.{column}) as near
        from wanted
        inner join keys_{parent} as keys
            on ltrim(plain_id(keys.{column}), '0') = ltrim(plain_id(wanted.id), '0') and keys.{column} <> wanted.id
        group by wanted.id
        """
    )
    near = f"(select any_value(n.near) from near_{column} as n where n.id = r.{column})"
    mapped = "{source: …, plain_id: true}"
    return [
        f"case when list_contains(r._reasons, 'orphan:{column}') and {near} is not null then "
        f"'{parent} has no ' || quoted(r.{column}) || ', but ' || quoted({near}) || ': ' || case "
        f"when plain_id({near}) <> plain_id(r.{column}) then 'zeros in front were lost; export the column as text.' "
        f"when plain_id({near}) <> {near} then 'in mapping.yml, under {parent}, `{column}: {mapped}` makes ' || quoted(plain_id({near})) || ' of it.' "
        f"else 'in mapping.yml, ' || {_mapped(column, headers, quote('plain_id: true'))} || ' makes ' || quoted({near}) || ' of it.' end end"
    ]
