"""From records to rows: text by text, typed, judged and told apart into loaded, duplicate, filtered and quarantined.

Everything here is SQL over whole ledgers, generated from the contract in `ledgers.yml`. Per ledger three tables arise
in the delivery's scratch database:

    text_<ledger>   one row per record and mapping entry: the text of each column, before typing; a view over the files
    typed_<ledger>  the same with values, and every reason why a value cannot stand
    row_<ledger>    its name once it is judged: `_outcome` is loaded, duplicate, filtered or quarantined
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from flows.database import identifier, quote
from flows.history import keeps_hash, row_hash
from flows.home import Delivery
from flows.landing.files import SourceFile
from flows.landing.hints import Headers, hints_of
from flows.landing.mapping import EXCEL_SERIAL, ColumnSource, Condition, Entry
from flows.ledgers import Column, Ledger
from flows.policy import Policy

OUTCOMES = ("filtered", "loaded", "duplicate", "quarantined")
NULL_TOKENS = ("", "NA", "NULL", "\\N")

AMOUNTS = ("amount", "positive", "signed")

# Columns that every row carries beside the ledger's own.
ORIGIN = {
    "_entry": "integer",  # number of the (file, mapping entry); 0: tried again from an earlier delivery's quarantine
    "_turn": "integer",  # place of the mapping entry: a later one replaces an earlier one; 0 as above
    "_origin": "varchar",  # the delivery whose file holds the row
    "_origin_no": "bigint",
    "_file": "varchar",
    "_line": "bigint",
    "_raw": "varchar",
    "_filtered": "boolean",
    "_keep": "varchar",
    "_reasons": "varchar[]",
}


@dataclass(frozen=True)
class Texts:
    """What an entry adds to text_<ledger>: the columns of ORIGIN and the ledger's, to be selected from `table`; and by column,
    where the file itself has types, the value as it holds it and its type."""

    select: str
    own: Mapping[str, tuple[str, str]]
    table: str


def texts_of(
    connection: duckdb.DuckDBPyConnection,
    ledger: Ledger,
    entry: Entry,
    number: int,
    file: SourceFile,
    delivery: Delivery,
    sources: dict[str, ColumnSource],
) -> tuple[Texts, dict[str, int]]:
    """A file's records as one mapping entry reads them, and how many amounts `round` changed, by column."""
    reasons = [
        "case when is_ragged then 'ragged_row' end",
        "case when is_malformed then 'malformed_quotes' end",
    ]
    texts, rounded, own = {}, {}, {}
    for column in ledger.columns.values():
        source = sources.get(column.name)
        if source is None:
            texts[column.name] = "null"
            continue
        if source.const is not None:
            texts[column.name] = quote(source.const)
            continue
        text = " || '-' || ".join(f"c{file.place(header)}" for header in source.sources)
        text = as_it_is = f"({text})" if len(source.sources) > 1 else text
        if source.values:
            cases = " ".join(
                f"when {text} {'is null' if key is None or key in NULL_TOKENS else '= ' + quote(key)} "
                f"then {'null' if value is None else quote(value)}"
                for key, value in source.values.items()
            )
            text = f"case {cases} else {text} end"
        if source.plain_id:
            text = f"plain_id({text})"
        if source.date_format:
            serial = source.date_format == EXCEL_SERIAL
            parsed = f"from_excel_serial({text})" if serial else f"try_strptime({text}, {quote(source.date_format)})"
            reasons.append(
                f"case when {text} is not null and {parsed} is null then 'bad_{column.type}:{column.name}' end"
            )
            text = f"coalesce(strftime({parsed}, '%Y-%m-%d %H:%M:%S'), {text})"
        if source.scale:
            digits = source.scale.as_tuple()
            kind = f"decimal({max(len(digits.digits), -digits.exponent)}, {-digits.exponent})"
            text = f"scaled({text}, {source.scale}::{kind})"
        if source.round:
            rounded[column.name] = f"count(*) filter (where rounded_amount({text}) <> {text})"
            text = f"rounded_amount({text})"
        texts[column.name] = text
        if text == as_it_is and len(source.sources) == 1 and (kind := file.type_of(source.sources[0])):
            own[column.name] = (f"v{file.place(source.sources[0])}", kind)
    filtered = " or ".join(f"not ({_condition(condition, file)})" for condition in entry.where) or "false"
    keep = f"c{file.place(entry.keep[1])}" if entry.keep else "null"
    select = f"""
        select
            {number}, {entry.turn}, {quote(delivery.name)}, {delivery.order}, {quote(file.name)}, n, raw,
            not is_ragged and not is_malformed and ({filtered}), {keep},
            case
                when coalesce({", ".join(reasons)}) is null then []::varchar[]
                else list_filter([{", ".join(reasons)}], lambda x: x is not null)
            end,
            {", ".join(texts.values())}"""
    if not rounded:
        return Texts(select, own, file.table), {}
    counts = connection.sql(
        f"select {', '.join(rounded.values())} from {file.table} where not is_ragged and not is_malformed and not ({filtered})"
    ).fetchone()
    return Texts(select, own, file.table), dict(zip(rounded, counts, strict=True))


def waiting_texts(connection: duckdb.DuckDBPyConnection, ledger: Ledger) -> Texts | None:
    """Rows of earlier deliveries that lacked only their parent are tried again: of each key, the newest delivery's."""
    table = f"waiting_{ledger.name}"
    connection.execute(
        f"""
        create table {table} as
        from open_quarantine
        where ledger = {quote(ledger.name)} and only_orphan(reasons)
        qualify _delivery_no = max(_delivery_no) over (partition by key)
        """
    )
    if not connection.sql(f"select 1 from {table} limit 1").fetchone():
        return None
    columns = ", ".join(f"json_extract_string(texts, '$.{name}')" for name in ledger.columns)
    select = f"select 0, 0, delivery, _delivery_no, file, line, raw, false, null, []::varchar[], {columns}"
    return Texts(select, {}, table)


def show_texts(connection: duckdb.DuckDBPyConnection, ledger: Ledger, entries: Sequence[Texts]) -> dict[str, str]:
    """The view text_<ledger>; returns the type of the columns that it also has as their files hold them, as `own <column>`."""
    own = {
        name: kind
        for name, (_, kind) in (entries[0].own if entries else {}).items()
        if all(entry.own.get(name, ("", ""))[1] == kind for entry in entries)
    }
    names = [*ORIGIN, *map(identifier, ledger.columns), *(identifier(f"own {name}") for name in own)]
    types = [*ORIGIN.values(), *("varchar" for _ in ledger.columns)]
    nothing = f"select {', '.join(f'null::{kind}' for kind in types)}{''.join(f', null::{kind}' for kind in own.values())} where false"
    selects = [
        ", ".join([entry.select, *(entry.own[name][0] for name in own)]) + f" from {entry.table}" for entry in entries
    ]
    connection.execute(
        f"create view text_{ledger.name} ({', '.join(names)}) as {' union all '.join([nothing, *selects])}"
    )
    return own


def _condition(condition: Condition, file: SourceFile) -> str:
    text = f"c{file.place(condition.column)}"
    words = [t for t in condition.texts if t is not None and t not in NULL_TOKENS]
    tests = [f"coalesce({text} in ({', '.join(map(quote, words))}), false)"] if words else []
    if len(words) < len(condition.texts):
        tests.append(f"{text} is null")
    test = " or ".join(tests) or "false"
    return f"not ({test})" if condition.negated else test


def type_rows(connection: duckdb.DuckDBPyConnection, ledger: Ledger, policy: Policy, own: Mapping[str, str]) -> None:
    """text_<ledger> -> typed_<ledger>: values, reasons, the key as one text, and the amount.

    `own` has the columns, with their types, that files hold as values: where such a value fits, it is no text first.
    """
    origin = "_entry, _turn, _origin, _origin_no, _file, _line, _filtered, _keep, _reasons"
    texts, values, named, problems = [], [], [], []
    for column in ledger.columns.values():
        name, value = identifier(column.name), identifier("value of " + column.name)
        kind = own.get(column.name)
        taken = _taken(column, kind, "texts." + name)
        given, default = (identifier("own " + column.name), f"::{kind}") if taken else (name, "")
        if column.default is not None:
            given = f"coalesce({given}, {quote(column.default)}{default})"
        texts.append(f"{given} as {name}")
        values.append(f"{taken or _value(column, 'texts.' + name, policy)} as {value}")
        named.append(f"valued.{value} as {name}")
        if problem := _problem(column, "valued." + name, "valued." + value):
            problems.append(problem)
    amount = f"coalesce({_amount(ledger)}, 0)" if ledger.amount else "0"
    key = " || '|' || ".join(f"coalesce({identifier(k)}::varchar, '')" for k in ledger.key)
    rules = [f"case when {rule['when']} then {quote(rule['reason'])} end" for rule in ledger.rules]
    rules += _in_force(ledger, policy)
    if ledger.reversal:
        column = ledger.reversal.name
        rules.append(f"case when kind = 'reversal' and {column} is null then 'missing:{column}' end")
    found = [f"_problem_{n}" for n in range(len(problems))] + rules
    connection.execute(
        f"""
        create table typed_{ledger.name} as
        with texts as (select {origin}, {", ".join(texts)} from text_{ledger.name}),
        valued as (select *, {", ".join(values)} from texts),
        named as (
            select
                {origin}, {", ".join(named)},
                {", ".join(f"{problem} as _problem_{n}" for n, problem in enumerate(problems))}
            from valued
        )
        select
            {origin.replace(", _reasons", "")}, {", ".join(map(identifier, ledger.columns))},
            case
                when len(_reasons) = 0 and coalesce({", ".join(found)}) is null then _reasons
                when list_contains(_reasons, 'ragged_row') then ['ragged_row']
                else list_sort(list_distinct(list_filter(_reasons || [{", ".join(found)}], lambda x: x is not null)))
            end as _reasons,
            {key} as _key,
            case
                when list_contains(_reasons, 'ragged_row') then 0
                else {amount}
            end::decimal(38, 2) as _amount,
            'loaded' as _outcome,
            false as is_known
        from named;

        -- what was read is added up apart from what becomes of it, so that a lost row shows
        insert into account_read
        select _entry, {quote(ledger.name)}, sum(_amount) from typed_{ledger.name} where _entry > 0 group by _entry
        """
    )


def _taken(column: Column, kind: str | None, own: str) -> str | None:
    """A file's own value as the ledger's, where its type fits: what its text would give, without the text; None elsewhere."""
    if kind is None:
        return None
    if column.type == "date" and kind in ("DATE", "TIMESTAMP"):
        return f"case when year({own}) between 1 and 9999 then {own}::date end"
    if column.type == "timestamp" and kind == "TIMESTAMP":
        return f"case when year({own}) between 1 and 9999 then shanghai_as_utc({own}) end"
    if column.type in (*AMOUNTS, "rate") and kind in ("TINYINT", "SMALLINT", "INTEGER"):
        return f"{own}::{column.sql_type}"
    if column.type in AMOUNTS and kind == "DOUBLE":
        cents = f"try_cast({own} as decimal(18, 2))"
        return (
            f"case when abs({own}) < 1e13 and {cents}::double = {own} then {cents} else as_amount({own}::varchar) end"
        )
    if (decimal := re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind)) and column.type in (*AMOUNTS, "rate"):
        places = 10 if column.type == "rate" else 2
        if int(decimal[2]) <= places and int(decimal[1]) - int(decimal[2]) <= (10 if column.type == "rate" else 16):
            return f"{own}::{column.sql_type}"
    if column.type == "integer" and kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT"):
        return f"case when {own} between -999999999 and 999999999 then {own}::integer end"
    return own if column.type == "boolean" and kind == "BOOLEAN" else None


def _value(column: Column, text: str, policy: Policy) -> str:
    if column.type == "code":
        cases = " ".join(f"when {quote(word.lower())} then {quote(code)}" for word, code in column.spellings.items())
        codes = ", ".join(map(quote, column.codes))  # as most files have it, without a look at every spelling
        return f"case when {text} in ({codes}) then {text} else case lower({text}) {cases} end end"
    if column.seed:
        exact = policy.spellings(column.seed)
        if column.seed == "currency":  # in any case
            exact = {word.upper(): code for word, code in exact.items()}
            text = f"upper({text})"
        same = ", ".join(quote(word) for word, code in exact.items() if word == code)
        other = " ".join(f"when {quote(word)} then {quote(code)}" for word, code in exact.items() if word != code)
        alias = f"case {text} {other} end" if other else "null"
        return f"case when {text} in ({same}) then {text} else {alias} end"
    if column.pattern:
        return f"case when regexp_full_match({text}, {quote(column.pattern)}) then {text} end"
    if column.type == "text":
        return text
    macro = {"positive": "amount", "signed": "amount"}.get(column.type, column.type)
    return f"as_{macro}({text})"


def _problem(column: Column, text: str, value: str) -> str | None:
    """Why a text cannot stand, as SQL; None where every text can."""
    sign = {"positive": f"{value} <= 0 then 'not_positive'", "amount": f"{value} < 0 then 'negative'"}
    untyped = f"'bad_{column.type}'"
    if column.type in AMOUNTS:
        untyped = f"amount_problem({text}::varchar)"
    elif column.type == "code" or column.seed or column.pattern:
        untyped = "'unknown_code'"
    elif column.type == "text":
        untyped = "null"
    cases = []
    if column.required:
        cases.append(f"when {text} is null then 'missing:{column.name}'")
    if untyped != "null":
        cases.append(f"when {value} is null and {text} is not null then {untyped} || ':{column.name}'")
    if column.type in sign:
        cases.append(f"when {sign[column.type]} || ':{column.name}'")
    return f"case {' '.join(cases)} end" if cases else None


def _in_force(ledger: Ledger, policy: Policy) -> list[str]:
    """A currency that was not in force on the day that its row is about."""
    found = []
    for column in ledger.columns.values():
        if column.seed == "currency" and ledger.dated:
            outside = [
                f"({column.name} = {quote(code)} and not {ledger.dated} between "
                f"{quote(first or '0001-01-01')} and {quote(last or '9999-12-31')})"
                for code, (first, last) in policy.in_force(column.seed).items()
            ]
            found += [f"case when {' or '.join(outside)} then 'not_in_force:{column.name}' end"] if outside else []
    return found


def _amount(ledger: Ledger) -> str:
    return " + ".join(f"coalesce({identifier(part.strip())}, 0)" for part in (ledger.amount or "").split("+"))


def judge_rows(connection: duckdb.DuckDBPyConnection, ledger: Ledger, keeps: dict[int, str]) -> None:
    """typed_<ledger> -> row_<ledger>: who is loaded. `history_<ledger>` holds what earlier deliveries loaded.

    Children see their parents by `keys_<ledger>`; `keeps` says for which mapping entry (turn) the first or the last row
    of a key stands.
    """
    name = ledger.name
    _add_orphans(connection, ledger)
    kept = ", ".join(map(str, keeps)) or "-1"
    keep_order = ", ".join(
        f"case when _turn in ({', '.join(turns)}) then {value} end {direction} nulls last"
        for which, direction in (("last", "desc"), ("first", "asc"))
        if (turns := [str(turn) for turn, wanted in keeps.items() if wanted == which])
        for value in ("as_timestamp(_keep)", "as_number(_keep)", "_keep")
    )
    keep_order = keep_order or "true"
    # an event's row tried again gives way to one delivered now, whatever its entry; a master's rows meet within a turn
    turn = "_turn > 0" if ledger.is_event else "_turn"
    connection.execute(
        f"""
        alter table typed_{name} rename to row_{name};

        create temp table judged as
        with shared as (select _key from row_{name} group by _key having count(*) > 1),

        known as (
            select _key, {"any_value(_hash)" if ledger.is_event else "arg_max(_hash, _delivery_no)"} as known_hash
            from history_{name}
            where _key in (select _key from row_{name})
            group by _key
        ),

        -- most rows are alone with their key and without fault: they load
        facts as (
            select
                rowid as _row, _key, {row_hash(ledger)} as _hash, _turn, _keep, _file, _line, _reasons,
                -- a row that lacks only its parent is judged like any other first: it may load with a later delivery
                case when _filtered then 'filtered' when len(_reasons) > 0 and not only_orphan(_reasons) then 'quarantined' end
                    as early
            from row_{name}
            where _filtered or len(_reasons) > 0 or _key in (select _key from shared) or _key in (select _key from known)
        ),

        -- few rows share their key with another one of the delivery; only they must be told apart
        crowded as (
            select _row, _key, _hash, _turn, _keep, _file, _line, early, len(_reasons) as reasons
            from facts
            where _key in (select _key from shared)
        ),

        -- identical rows: one counts, the one that `keep` would choose
        single as (
            select
                *,
                row_number() over (
                    partition by early is null, _key, _hash order by _turn desc, {keep_order}, _file, _line
                ) as seen,
                case when early is null and reasons = 0 and seen > 1 then 'duplicate' else early end as single
            from crowded
        ),

        -- what `keep` chooses within its entry (a tie chooses nothing)
        chosen as (
            select
                *,
                rank() over (partition by single is null, _key, _turn order by {keep_order}) as place,
                case when single is null and _turn in ({kept}) and place > 1 then 'filtered' else single end as chosen
            from single
        ),

        apart as (
            select
                _row,
                chosen,
                max(case when chosen is null then _turn end) over (partition by _key) as last_turn,
                count(distinct case when chosen is null then _hash end) over (partition by _key, {turn}) as rivals
            from chosen
        ),

        compared as (
            select
                _row,
                coalesce(known_hash = _hash, false) as is_known,
                case
                    when coalesce(chosen, early) is not null then coalesce(chosen, early)
                    when {"_turn = 0 and" if ledger.is_event else ""} _turn < last_turn then 'filtered'
                    when is_known then 'duplicate'
                    when {"known_hash is not null" if ledger.is_event else "false"} then 'conflict'
                    when rivals > 1 then 'conflict_in_delivery'
                    when len(_reasons) > 0 then 'quarantined'
                    else 'loaded'
                end as verdict
            from facts
            left join apart using (_row)  -- a miss: alone with its key
            left join known using (_key)  -- a miss: a key that nobody knew
        )

        from compared where verdict <> 'loaded';

        update row_{name} set _outcome = verdict, is_known = judged.is_known
        from judged
        where row_{name}.rowid = _row and verdict not in ('conflict', 'conflict_in_delivery');

        -- apart, as it moves rows: the engine writes rows anew whose lists change
        update row_{name} set
            _outcome = 'quarantined', is_known = judged.is_known,
            _reasons = _reasons || [verdict || ':' || {quote(",".join(ledger.key))}]
        from judged
        where row_{name}.rowid = _row and verdict in ('conflict', 'conflict_in_delivery');

        drop table judged
        """
    )
    if ledger.reversal:
        _judge_reversals(connection, ledger, ledger.reversal)
    if name == "installments":
        _judge_plans(connection)
    if ledger.is_parent:
        connection.execute(
            f"""
            create table keys_{name} as
            select {ledger.key[0]} from history_{name}
            union all
            select {ledger.key[0]} from row_{name} where _outcome = 'loaded'
            """
        )


def show_untouched(connection: duckdb.DuckDBPyConnection, ledger: Ledger) -> None:
    """What others ask of a ledger that has nothing to judge: the keys it holds, and no rows."""
    connection.execute(
        f"create view row_{ledger.name} as select *, null::varchar as _outcome from history_{ledger.name} where false"
    )
    if ledger.is_parent:
        connection.execute(f"create view keys_{ledger.name} as select {ledger.key[0]} from history_{ledger.name}")


def _add_orphans(connection: duckdb.DuckDBPyConnection, ledger: Ledger) -> None:
    for column, parent in ledger.parents.items():
        connection.execute(
            f"""
            update typed_{ledger.name}
            set _reasons = _reasons || ['orphan:{column}']
            where {column} is not null and not _filtered and not list_contains(_reasons, 'ragged_row')
                and {column} not in (select {column} from keys_{parent})
            """
        )


def _judge_reversals(connection: duckdb.DuckDBPyConnection, ledger: Ledger, column: Column) -> None:
    """A reversal points to a row of a kind that can be reversed, of the same parent, no later and no smaller."""
    name, key, parent = ledger.name, ledger.key[0], next(iter(ledger.parents))
    dated = ledger.happened or "due_on"
    kinds = ", ".join(map(quote, column.reverses))
    if not connection.sql(
        f"select 1 from row_{name} where kind = 'reversal' and _outcome = 'loaded' limit 1"
    ).fetchone():
        return
    connection.execute(
        f"""
        create temp table originals as
        select {key}, {parent}, {dated}, amount, kind from history_{name}
        where {key} in (select {column.name} from row_{name} where kind = 'reversal')
        union all
        select {key}, {parent}, {dated}, amount, kind from row_{name} where _outcome = 'loaded';

        create temp table reversed_before as
        select {column.name}, sum(amount) as reversed
        from (select distinct {key}, {column.name}, amount from history_{name} where kind = 'reversal')
        where {column.name} in (select {column.name} from row_{name} where kind = 'reversal')
        group by {column.name};

        create temp table verdict as
        select
            reversal._key,
            case
                when original.{key} is null then 'orphan:{column.name}'
                when original.kind = 'reversal' then 'reversal_of_reversal:{column.name}'
                when original.kind not in ({kinds}) then 'reversal_of_' || original.kind || ':{column.name}'
                when original.{parent} <> reversal.{parent} then 'reversal_of_other_{parent}:{column.name}'
                when reversal.{dated} < original.{dated} then 'reversal_before_original:{dated}'
            end as reason
        from row_{name} as reversal
        left join originals as original on original.{key} = reversal.{column.name}  -- a miss: reverses nothing we know
        where reversal.kind = 'reversal' and reversal._outcome = 'loaded';

        update row_{name}
        set _outcome = 'quarantined', _reasons = [reason]
        from verdict
        where verdict._key = row_{name}._key and row_{name}._outcome = 'loaded' and reason is not null;
        """
    )
    # in the order of their dates as long as there is something left to reverse; each turn of the loop stops the first
    # one of each original that asks for more, and those after it are looked at again
    too_much = f"""
        select min_by(_key, (dated, {key}))
        from (
            select
                reversal._key, reversal.{key}, reversal.{dated} as dated, reversal.{column.name},
                sum(reversal.amount) over (
                    partition by reversal.{column.name} order by reversal.{dated}, reversal.{key}
                ) + coalesce(reversed, 0) > original.amount as asks_more
            from row_{name} as reversal
            inner join originals as original on original.{key} = reversal.{column.name}
            left join reversed_before as before  -- a miss: never reversed before
                on before.{column.name} = reversal.{column.name}
            where reversal.kind = 'reversal' and reversal._outcome = 'loaded'
        )
        where asks_more
        group by {column.name}
    """
    while connection.sql(f"from ({too_much}) limit 1").fetchone():
        connection.execute(
            f"""
            update row_{name}
            set _outcome = 'quarantined', _reasons = ['reversal_exceeds_original:amount']
            where _outcome = 'loaded' and _key in ({too_much})
            """
        )
    connection.execute("drop table originals; drop table reversed_before; drop table verdict;")


def _judge_plans(connection: duckdb.DuckDBPyConnection) -> None:
    """A plan beyond the first has one effective_on: rows that would give it a second one do not load."""
    connection.execute(
        """
        update row_installments
        set _outcome = 'quarantined', _reasons = ['several_values:effective_on']
        where _outcome = 'loaded' and plan_no > 1 and (loan_id, plan_no) in (
            with delivered as (
                select loan_id, plan_no, _key, effective_on
                from row_installments
                where _outcome in ('loaded', 'duplicate') and plan_no > 1
            ),

            kept as (  -- what the delivery leaves as it was
                select loan_id, plan_no, arg_max(effective_on, _delivery_no) as effective_on
                from history_installments
                where
                    plan_no > 1
                    and (loan_id, plan_no) in (select (loan_id, plan_no) from delivered)
                    and _key not in (select _key from delivered)
                group by loan_id, plan_no, _key
            )

            select (loan_id, plan_no)
            from (select loan_id, plan_no, effective_on from delivered union all from kept)
            group by loan_id, plan_no
            having count(distinct effective_on) > 1
        )
        """
    )


def write_rows(connection: duckdb.DuckDBPyConnection, ledger: Ledger, delivery: Delivery, folder: Path) -> None:
    """Write what the delivery adds to a ledger's history: <ledger>.parquet, and beside it what was known already."""
    columns = ", ".join(identifier(c) for c in ledger.columns)
    hashed = f", {row_hash(ledger)} as _hash" if keeps_hash(ledger) else ""
    known = "_outcome = 'duplicate' and is_known"
    for chosen, suffix in (("_outcome = 'loaded'", ""), (known, ".duplicate")):
        if not connection.sql(f"select 1 from row_{ledger.name} where {chosen} limit 1").fetchone():
            continue
        connection.execute(
            f"""
            copy (
                select
                    {columns}, {quote(delivery.name)} as _delivery, {delivery.order}::bigint as _delivery_no, _origin, _file, _line,
                    _key{hashed}
                from row_{ledger.name}
                where {chosen}
            ) to {quote(str(folder / f"{ledger.name}{suffix}.parquet"))} (format parquet, compression zstd, compression_level 1)
            """
        )


def create_accounts(connection: duckdb.DuckDBPyConnection) -> None:
    """Tables that every ledger adds to: what was read, what became of it, what waits, and what no longer waits."""
    outcomes = ", ".join(f"rows_{o} bigint, amount_{o} decimal(38, 2)" for o in OUTCOMES)
    connection.execute(
        f"""
        create table account_read (entry integer, ledger varchar, amount_read decimal(38, 2));
        create table account_became (entry integer, ledger varchar, {outcomes});
        create table quarantine (
            ledger varchar, delivery varchar, file varchar, line bigint, entry integer, reasons varchar[], key varchar,
            customer_id varchar, loan_id varchar, amount decimal(38, 2), texts varchar, raw varchar, hints varchar[]
        );
        create table closed (ledger varchar, delivery varchar, file varchar, line bigint, entry integer, how varchar);
        """
    )


def account_for(connection: duckdb.DuckDBPyConnection, ledger: Ledger, headers: Headers) -> None:
    """Add a judged ledger to the accounts, and let go of its texts. `headers` says which header feeds a column, by entry."""
    name = ledger.name
    became = ", ".join(
        f"count(*) filter (where _outcome = '{o}'), coalesce(sum(_amount) filter (where _outcome = '{o}'), 0)"
        for o in OUTCOMES
    )
    connection.execute(
        f"""
        insert into account_became
        select _entry, {quote(name)}, {became} from row_{name} where _entry > 0 group by _entry;

        insert into closed
        select
            q.ledger, q.delivery, q.file, q.line, q.entry,
            max(case when r._origin = q.delivery and r._file = q.file and r._line = q.line then 'tried_again' else 'corrected' end)
        from open_quarantine as q
        inner join row_{name} as r
            on q.key = r._key and (
                q._delivery_no < r._origin_no or (r._origin = q.delivery and r._file = q.file and r._line = q.line)
            )
        where q.ledger = {quote(name)} and r._outcome in ('loaded', 'duplicate')
        group by q.ledger, q.delivery, q.file, q.line, q.entry;

        """
    )
    if connection.sql(f"select 1 from row_{name} where _outcome = 'quarantined' and _entry > 0 limit 1").fetchone():
        _keep_waiting(connection, ledger, headers)
    connection.execute(f"drop view text_{name}; drop table if exists waiting_{name}")


def _keep_waiting(connection: duckdb.DuckDBPyConnection, ledger: Ledger, headers: Headers) -> None:
    """Rows that wait in quarantine, with their texts and what may mend them."""
    name = ledger.name
    texts = ", ".join(f"{identifier(c)}: t.{identifier(c)}" for c in ledger.columns)
    owner = {c: f"r.{c}" if c in ledger.columns else "null" for c in ("customer_id", "loan_id")}
    connection.execute(
        f"""
        insert into quarantine
        select
            {quote(name)}, r._origin, r._file, r._line, r._entry, r._reasons, nullif(r._key, {quote("|" * (len(ledger.key) - 1))}),
            {owner["customer_id"]}, {owner["loan_id"]}, r._amount, to_json({{{texts}}})::varchar, t._raw,
            {hints_of(connection, ledger, headers)}
        from row_{name} as r
        inner join text_{name} as t using (_entry, _origin, _file, _line)
        where r._outcome = 'quarantined' and r._entry > 0
        """
    )


def write_quarantine(connection: duckdb.DuckDBPyConnection, delivery: Delivery, folder: Path) -> None:
    """Write the rows that wait (quarantine.parquet), and the earlier entries that this delivery closes (closed.parquet)."""
    for name in ("quarantine", "closed"):
        connection.execute(
            f"""
            copy (
                select *, {quote(delivery.name)} as _delivery, {delivery.order}::bigint as _delivery_no from {name}
                order by ledger, delivery, file, line
            ) to {quote(str(folder / f"{name}.parquet"))} (format parquet, compression zstd, compression_level 1)
            """
        )
