"""What the landing gate looks at: totals per file and ledger, what was quarantined, what was loaded and is odd."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from flows.database import quote
from flows.history import SHOWN_KEY
from flows.landing import rows
from flows.landing.hints import header_of
from flows.landing.sources import Sources
from flows.ledgers import Ledger

Rows = list[dict[str, Any]]


def write_gate_database(
    c: duckdb.DuckDBPyConnection, path: Path, sources: Sources, touched: dict[str, Ledger], rate: Decimal
) -> tuple[Rows, Rows, dict[str, int]]:
    """landing_gate.duckdb: totals per file and ledger, warnings, quarantine; the landing gate reads it.

    Returns what of it goes into the delivery's record: totals by file and by ledger, and the number of warnings by rule.
    """
    c.execute(f"attach {quote(str(path))} as gate")
    delivery = quote(sources.delivery.name)
    listed = ", ".join(
        f"({n}, {quote(sources.files[e.source].name)}, {quote(e.ledger)}, {sources.files[e.source].rows})"
        for n, e in enumerate(sources.entries, 1)
    )
    c.execute(
        f"""
        create table gate.file_totals as
        with entries (entry, file, ledger, rows_in_file) as (values {listed})
        select
            {delivery} as delivery, entry, file, ledger,
            rows_in_file::bigint as rows_read,
            {", ".join(f"coalesce(rows_{o}, 0)::bigint as rows_{o}" for o in rows.OUTCOMES)},
            coalesce(amount_read, 0)::decimal(38, 2) as amount_read,
            {", ".join(f"coalesce(amount_{o}, 0)::decimal(38, 2) as amount_{o}" for o in rows.OUTCOMES)}
        from entries
        left join account_read using (entry, ledger)  -- a miss: a header alone
        left join account_became using (entry, ledger)
        order by entry
        """
    )
    c.execute(
        f"""
        create table gate.ledger_totals as
        select
            delivery, ledger,
            sum(rows_read)::bigint as rows_read, sum(rows_loaded)::bigint as rows_loaded,
            sum(rows_duplicate)::bigint as rows_duplicate, sum(rows_filtered)::bigint as rows_filtered,
            sum(rows_quarantined)::bigint as rows_quarantined,
            sum(amount_read)::decimal(38, 2) as amount_read,
            sum(amount_quarantined)::decimal(38, 2) as amount_quarantined,
            case when sum(rows_read) = 0 then 0 else sum(rows_quarantined)::double / sum(rows_read) end::decimal(9, 6)
                as quarantine_rate_rows,
            case
                when sum(amount_read) = 0 then 0 else least(1, greatest(0, sum(amount_quarantined)::double / sum(amount_read)))
            end::decimal(9, 6) as quarantine_rate_amount,
            {rate}::decimal(9, 6) as max_quarantine_rate
        from gate.file_totals
        group by delivery, ledger;

        create table gate.quarantine as
        select {delivery} as delivery, ledger, file, line, array_to_string(reasons, ', ') as reasons, {SHOWN_KEY} as key
        from quarantine;

        create table gate.required_ledgers as
        select {delivery} as delivery, ledger, true as delivered from gate.ledger_totals;

        create table gate.warnings (delivery varchar, ledger varchar, rule varchar, key varchar, detail varchar);
        """
    )
    for query in _warnings(sources, touched):
        c.execute(f"insert into gate.warnings select {delivery}, * from ({query})")
    totals = _dicts(c.sql("select * exclude (delivery) from gate.file_totals order by entry"))
    by_ledger = _dicts(
        c.sql("select * exclude (delivery, max_quarantine_rate) from gate.ledger_totals order by ledger")
    )
    warned = dict(c.sql("select rule, count(*) from gate.warnings group by rule order by rule").fetchall())
    c.execute("detach gate")
    return totals, by_ledger, warned


def _warnings(sources: Sources, touched: dict[str, Ledger]) -> Iterator[str]:
    """Queries for (ledger, rule, key, detail): rows that are loaded, and that somebody should look at."""
    for name, ledger in touched.items():
        if ledger.happened:
            happened = ledger.happened
            if ledger.columns[happened].type == "timestamp":
                happened = f"({happened} at time zone 'UTC')"  # as a time in Shanghai
            yield (
                f"select '{name}', 'dated_after_delivery', _key, '{ledger.happened} ' || {happened}::varchar "
                f"from row_{name} where _outcome = 'loaded' and {happened}::date > date '{sources.delivery.date}'"
            )
    loans = """
        select loan_id, arg_max(principal, _delivery_no) as principal, arg_max(disbursed_on, _delivery_no) as disbursed_on
        from (
            select loan_id, principal, disbursed_on, _delivery_no from history_loans
            union all
            select loan_id, principal, disbursed_on, 99999999999999 from row_loans where _outcome = 'loaded'
        )
        group by loan_id
    """
    yield f"""
        select 'repayments', 'before_disbursement', r._key, 'paid_on ' || r.paid_on || ', loan ' || loan_id || ' disbursed on ' || l.disbursed_on
        from row_repayments as r inner join ({loans}) as l using (loan_id)
        where r._outcome = 'loaded' and r.paid_on < l.disbursed_on
    """
    yield """
        select 'loans', 'no_installments', _key, 'owes its principal on ' || coalesce(matures_on::varchar, 'no date')
        from row_loans
        where _outcome = 'loaded' and loan_id not in (
            select loan_id from history_installments
            union all
            select loan_id from row_installments where _outcome = 'loaded'
        )
    """
    yield f"""
        with touched as (
            select loan_id from row_installments where _outcome = 'loaded' and plan_no = 1
            union
            select loan_id from row_loans where _outcome = 'loaded'
        ),
        newest as (
            select loan_id, installment_no, arg_max(principal_due, _delivery_no) as principal_due
            from (
                select loan_id, installment_no, principal_due, _delivery_no from history_installments
                where plan_no = 1 and loan_id in (select loan_id from touched)
                union all
                select loan_id, installment_no, principal_due, 99999999999999 from row_installments
                where _outcome = 'loaded' and plan_no = 1
            )
            group by loan_id, installment_no
        ),
        summed as (select loan_id, sum(principal_due) as planned from newest group by loan_id)
        select 'installments', 'installments_do_not_add_up', loan_id, 'installments ' || planned || ', principal ' || l.principal
        from summed inner join ({loans}) as l using (loan_id)
        where planned <> l.principal
    """
    yield f"""
        select 'loans', 'rate_above_one', _key, 'annual_rate ' || rtrim(rtrim(annual_rate::varchar, '0'), '.') || ': is it in per cent? '
            || '`annual_rate: {{source: ' || {header_of("annual_rate", sources.headers, "_entry")} || ', scale: 0.01}}` in mapping.yml says so'
        from row_loans
        where _outcome = 'loaded' and annual_rate > 1
    """
    yield """
        select 'loans', 'matures_before_disbursement', _key, 'matures_on ' || matures_on || ', disbursed_on ' || disbursed_on
        from row_loans
        where _outcome = 'loaded' and matures_on < disbursed_on
    """
    yield f"""
        select 'installments', 'due_before_disbursement', _key, 'due_on ' || due_on || ', loan ' || loan_id || ' disbursed on ' || l.disbursed_on
        from row_installments as i inner join ({loans}) as l using (loan_id)
        where i._outcome = 'loaded' and i.due_on < l.disbursed_on
    """
    noticed = [
        (
            "unmapped_column",
            sources.files[source].name,
            f"column {header} was kept out{sources.unit_hint(source, header)}",
        )
        for source, headers in sources.unmapped.items()
        for header in headers
    ]
    noticed += [("ignored_file", file, "not named after a ledger and not mapped") for file in sources.ignored]
    noticed += [
        ("rounded", what, f"{count} amounts rounded half up to 2 decimals") for what, count in sources.rounded.items()
    ]
    if noticed:
        yield "values " + ", ".join(f"(null, {', '.join(map(quote, row))})" for row in noticed)


def _dicts(relation: duckdb.DuckDBPyRelation) -> Rows:
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
