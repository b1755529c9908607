"""History: what deliveries have loaded, and what of them waits in quarantine, as views over their Parquet."""

from __future__ import annotations

import duckdb

from flows.database import identifier, quote_path
from flows.home import Delivery, Home
from flows.ledgers import Ledger, ledgers

# In a row whose fields slid, a name or a number may stand where the key should be. In ledgers that hold personal data a key is
# shown where nothing in the row says so: no value that does not fit its column, and a key that looks like no name or number.
WITH_PERSONAL_DATA = tuple(name for name, ledger in ledgers().items() if ledger.is_personal)
PERSONAL_LOOK = "[㐀-鿿]|@|^[+\\d -]{8,}[Xx]?$"
SHOWN_KEY = f"""
    case
        when ledger in {WITH_PERSONAL_DATA} and (
            len(list_filter(reasons, lambda x: not regexp_matches(x, '^(orphan:|conflict)'))) > 0
            or regexp_matches(key, '{PERSONAL_LOOK}')
        ) then null
        else key
    end
"""


def row_hash(ledger: Ledger) -> str:
    """md5 over the values of a row, as SQL over its columns."""
    content = ", ".join(f"coalesce({identifier(column)}::varchar, '∅')" for column in ledger.columns)
    return f"md5(concat_ws(chr(31), {content}))"


def keeps_hash(ledger: Ledger) -> bool:
    """Whether the history keeps the hash of each row: by it a row whose person was erased is known when it comes again. Of other
    ledgers it is worked out where somebody asks."""
    return ledger.is_personal


def attach_history(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    ledger: Ledger,
    deliveries: tuple[Delivery, ...],
    view: str,
    with_duplicates: bool,
    where: str = "true",
) -> None:
    """A view over what `deliveries` loaded of a ledger, all versions.

    Keys are as landing left them: an event has one row, a master row one for each delivery that changed it. Where a delivery
    was withdrawn, rows that later deliveries repeated stand for themselves again, so their duplicates are part of the view,
    the first of equal rows alone. `where` keeps the rows of some keys: equal rows are all kept, or none.
    """
    suffixes = ["", ".duplicate"] if with_duplicates else [""]
    files = [home.raw_of(d) / f"{ledger.name}{suffix}.parquet" for d in deliveries for suffix in suffixes]
    files = [f for f in files if f.exists()]
    columns = {c.name: c.sql_type for c in ledger.columns.values()} | {
        "_delivery": "varchar",
        "_delivery_no": "bigint",
        "_origin": "varchar",
        "_file": "varchar",
        "_line": "bigint",
        "_key": "varchar",
        "_hash": "varchar",
    }
    hashed = "_hash" if keeps_hash(ledger) else f"{row_hash(ledger)} as _hash"
    wanted = ", ".join(hashed if name == "_hash" else name for name in columns)
    if files:
        listed = ", ".join(map(quote_path, files))
        once = "_key" if ledger.is_event else "_key, _delivery_no"
        first = f"qualify row_number() over (partition by {once} order by _delivery_no, _file, _line) = 1"
        connection.execute(
            f"create or replace view {view} as select {wanted} from read_parquet([{listed}]) where {where} "
            + (first if with_duplicates else "")
        )
    else:
        empty = ", ".join(f"null::{kind} as {name}" for name, kind in columns.items())
        connection.execute(f"create or replace view {view} as select {empty} where false")


def attach_open_quarantine(
    connection: duckdb.DuckDBPyConnection, home: Home, deliveries: tuple[Delivery, ...], view: str = "open_quarantine"
) -> None:
    """A view of the quarantine entries of `deliveries` that no later one of them closed, and `is_open` false for the rest."""
    empty = (
        "select null::varchar as ledger, null::varchar as delivery, null::varchar as file, null::bigint as line, "
        "null::integer as entry, null::varchar[] as reasons, null::varchar as key, null::varchar as customer_id, "
        "null::varchar as loan_id, null::decimal(38, 2) as amount, null::varchar as texts, null::varchar as raw, "
        "null::varchar[] as hints, null::varchar as _delivery, null::bigint as _delivery_no where false"
    )
    no_closings = (
        "select null::varchar as ledger, null::varchar as delivery, null::varchar as file, null::bigint as line, "
        "null::integer as entry, null::varchar as how where false"
    )
    entries, closings = empty, no_closings
    if deliveries:
        folders = [home.raw_of(d) for d in deliveries]
        listed = ", ".join(quote_path(f / "quarantine.parquet") for f in folders)
        entries = f"{empty} union all by name select * from read_parquet([{listed}], union_by_name = true)"
        closings = f"select * from read_parquet([{', '.join(quote_path(f / 'closed.parquet') for f in folders)}])"
    connection.execute(
        f"""
        create or replace view all_quarantine as
        select q.*, c.ledger is null as is_open, c.how as closed_how
        from ({entries}) as q
        left join ({closings}) as c using (ledger, delivery, file, line, entry);  -- a miss: still open
        create or replace view {view} as select * exclude (is_open, closed_how) from all_quarantine where is_open;
        """
    )
