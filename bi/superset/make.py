"""The Superset pack of a publication, as assets that Superset imports: `python bi/superset/make.py HOME pack.zip`.

charts.yml says what is shown; the columns, with their definitions, are those of the publication. Ids are made of names, so a pack that is
imported again updates what is there. On a PostgreSQL that `arrears publish --to` has filled: `--uri postgresql+psycopg2://…`.
"""

from __future__ import annotations

import json
import sys
import uuid
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import click
import duckdb
import yaml

CHARTS = Path(__file__).with_name("charts.yml")
NAMESPACE = uuid.UUID("5d4bcb52-4a0c-5f52-9d0c-6b8a3c1b7f10")
DATABASE = "arrears"
PREFIX = "arrears "  # Superset knows a dataset by its name, whatever its database is
COLUMNS_OF_A_ROW = 12
# How many grid units a row is high, by the kind of its charts.
HEIGHT = {"number": 20, "bars": 50, "lines": 50, "heat": 70, "table": 40}
VIZ = {
    "number": "big_number_total",
    "bars": "echarts_timeseries_bar",
    "lines": "echarts_timeseries_line",
    "heat": "heatmap_v2",
    "table": "table",
}
NUMBERS = {"DECIMAL(18,2)": ",.2f", "DECIMAL(9,6)": ".2%", "BIGINT": ",d"}  # in tables
ROWS = 10_000  # the most that a chart asks for
MASK = "XXXXXXXXXX"  # for a password: Superset then takes it from the field `passwords` of the import

Columns = list[tuple[str, str, str | None]]  # name, type, definition


def id_of(kind: str, name: str) -> str:
    return str(uuid.uuid5(NAMESPACE, f"{kind}/{name}"))


def query_of(view: str, made: dict[str, Any]) -> str:
    """A view with its texts for axes; the same SQL on DuckDB, whose file is called marts, and on PostgreSQL, whose schema is."""
    texts = dict(made.get("columns", {}))
    for name, parts in made.get("label", {}).items():
        order, zh, en = parts.split()
        digits = f"cast({order} as varchar)"
        texts[name] = (
            f"lpad({digits}, cast(greatest(2, length({digits})) as integer), '0') || ' ' || {zh} || ' ' || {en}"
        )
    return "select *" + "".join(f", {sql} as {name}" for name, sql in texts.items()) + f" from marts.{view}"


def columns_of(marts: Path, queries: dict[str, str]) -> dict[str, Columns]:
    """The columns of each dataset as the publication has them."""
    with duckdb.connect(str(marts), read_only=True) as connection:
        found = connection.execute("select table_name, column_name, comment from duckdb_columns()").fetchall()
        said = {(table, column): comment for table, column, comment in found}
        return {
            view: [(c[0], c[1], said.get((view, c[0]))) for c in connection.execute(f"describe {query}").fetchall()]
            for view, query in queries.items()
        }


def is_time(kind: str) -> bool:
    return kind.startswith(("DATE", "TIMESTAMP"))


def dataset(view: str, query: str, columns: Columns) -> dict[str, Any]:
    times = [name for name, kind, _ in columns if is_time(kind)]
    return {
        "table_name": PREFIX + view,
        "main_dttm_col": "as_of" if "as_of" in times else next(iter(times), None),
        "sql": query,
        "uuid": id_of("dataset", view),
        "database_uuid": id_of("database", DATABASE),
        "columns": [
            {
                "column_name": name,
                "type": kind,
                "is_dttm": is_time(kind),
                "is_active": True,
                "groupby": True,
                "filterable": True,
                "description": said,
            }
            for name, kind, said in columns
        ],
        "metrics": [],
        "version": "1.0.0",
    }


def metrics_of(chart: dict[str, Any]) -> list[dict[str, Any]]:
    """What a chart adds up, each under its own name; none where it shows rows as they are."""
    if isinstance(chart["shows"], list):
        return []
    return [
        {"expressionType": "SQL", "sqlExpression": sql, "label": label, "optionName": label, "hasCustomLabel": True}
        for label, sql in chart["shows"].items()
    ]


def dimensions_of(chart: dict[str, Any]) -> list[str]:
    if isinstance(chart["shows"], list):
        return list(chart["shows"])
    by = chart.get("by", [])
    return [*([by] if isinstance(by, str) else by), *([chart["series"]] if "series" in chart else [])]


def look_of(chart: dict[str, Any], columns: list[tuple[str, str]]) -> dict[str, Any]:
    """The form of Superset's editor for a kind of chart."""
    kind, metrics, by = chart["kind"], metrics_of(chart), chart.get("by")
    number = chart.get("format", "SMART_NUMBER")
    if kind == "number":
        return {"metric": metrics[0], "y_axis_format": number, "header_font_size": 0.4}
    if kind == "table":
        looks = {
            "column_config": {name: {"d3NumberFormat": NUMBERS[kind]} for name, kind in columns if kind in NUMBERS},
            "table_timestamp_format": "%Y-%m-%d",
            "show_cell_bars": False,
            "server_pagination": False,
            "order_by_cols": [json.dumps([name, True]) for name in dimensions_of(chart)[:2]],
        }
        if metrics:
            return {"query_mode": "aggregate", "groupby": by, "metrics": metrics, **looks}
        return {"query_mode": "raw", "all_columns": chart["shows"], "metrics": None, **looks}
    if kind == "heat":
        return {
            "x_axis": by,
            "groupby": chart["series"],
            "metric": metrics[0],
            "normalize_across": "heatmap",
            "linear_color_scheme": "superset_seq_1",
            "sort_x_axis": "alpha_asc",
            "sort_y_axis": "alpha_desc",
            "show_values": chart["by"] != "months_on_book",
            "show_percentage": False,
            "value_bounds": [None, None],
            "y_axis_format": number,
            "left_margin": "auto",
            "bottom_margin": "auto",
            "xscale_interval": 1 if chart["by"] != "months_on_book" else -1,
            "xAxisLabelRotation": 0 if chart["by"] == "months_on_book" else 45,
        }
    upright = kind == "lines" or chart.get("upright", False)
    return {
        "x_axis": by,
        "metrics": metrics,
        "groupby": [chart["series"]] if "series" in chart else [],
        "x_axis_sort": by,
        "x_axis_sort_asc": upright,  # an axis that lies begins at the bottom
        "x_axis_sort_series": "name",  # the same where there are series
        "x_axis_sort_series_ascending": upright,
        "x_axis_time_format": "%Y-%m",
        "truncateXAxis": False,
        "orientation": "vertical" if upright else "horizontal",
        "stack": "Stack" if chart.get("stacked") else None,
        "show_legend": True,
        "rich_tooltip": True,
        "truncate_metric": True,
        "y_axis_format": number,
    }


def chart_of(name: str, chart: dict[str, Any], columns: Columns) -> dict[str, Any]:
    """A chart with its form and the query that it asks: `GET /api/v1/chart/ID/data/` answers without anybody having opened it."""
    look = look_of(chart, [(column, kind) for column, kind, _ in columns])
    form = {"viz_type": VIZ[chart["kind"]], "row_limit": ROWS, "adhoc_filters": [], **look}
    metrics, dimensions = metrics_of(chart), dimensions_of(chart)
    query = {
        "columns": dimensions,
        "metrics": metrics or None,
        "orderby": [[dimension, True] for dimension in dimensions[:2]],
        "filters": [],
        "extras": {"having": "", "where": ""},
        "row_limit": ROWS,
    }
    context = {
        "datasource": {"id": 0, "type": "table"},
        "force": False,
        "queries": [query],
        "form_data": form,
        "result_format": "json",
        "result_type": "full",
    }
    return {
        "slice_name": chart["title"],
        "viz_type": form["viz_type"],
        "params": form,
        "query_context": json.dumps(context, ensure_ascii=False),
        "cache_timeout": 0,
        "uuid": id_of("chart", name),
        "dataset_uuid": id_of("dataset", chart["of"]),
        "version": "1.0.0",
    }


def dashboard_of(name: str, board: dict[str, Any], charts: dict[str, Any], datasets: dict[str, Any]) -> dict[str, Any]:
    """Rows of charts from the left to the right, and a filter by currency, of which one is always picked."""
    position: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": board["title"]}},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "parents": ["ROOT_ID"], "children": []},
    }
    for number, row in enumerate(board["rows"], 1):
        row_id = f"ROW-{number}"
        position["GRID_ID"]["children"].append(row_id)
        position[row_id] = {
            "type": "ROW",
            "id": row_id,
            "parents": ["ROOT_ID", "GRID_ID"],
            "children": [f"CHART-{chart}" for chart in row],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        for place, chart in enumerate(row, 1):
            position[f"CHART-{chart}"] = {
                "type": "CHART",
                "id": f"CHART-{chart}",
                "parents": ["ROOT_ID", "GRID_ID", row_id],
                "children": [],
                "meta": {
                    # update_id_refs of the import puts the chart's own id in place of this one
                    "chartId": number * 100 + place,
                    "uuid": id_of("chart", chart),
                    "sliceName": charts[chart]["title"],
                    "width": COLUMNS_OF_A_ROW // len(row),
                    "height": max(HEIGHT[charts[beside]["kind"]] for beside in row),
                },
            }
    shown = {chart: place["meta"]["chartId"] for chart, place in _charts_in(position)}
    by_currency = [c for c in shown if datasets[charts[c]["of"]].get("filtered", True)]
    return {
        "dashboard_title": board["title"],
        "description": None,
        "css": "",
        "slug": f"arrears-{name}",
        "published": True,
        "uuid": id_of("dashboard", name),
        "position": position,
        "metadata": {
            "timed_refresh_immune_slices": [],
            "expanded_slices": {},
            "refresh_frequency": 0,
            "color_scheme": "supersetColors",
            "native_filter_configuration": [
                {
                    "id": f"NATIVE_FILTER-{name}-currency",
                    "name": "币种 · Currency",
                    "type": "NATIVE_FILTER",
                    "filterType": "filter_select",
                    "targets": [{"datasetUuid": id_of("dataset", board["currencies"]), "column": {"name": "currency"}}],
                    "controlValues": {
                        "multiSelect": False,
                        "enableEmptyFilter": True,
                        "defaultToFirstItem": True,
                        "searchAllOptions": False,
                        "inverseSelection": False,
                    },
                    "defaultDataMask": {"extraFormData": {}, "filterState": {}},
                    "cascadeParentIds": [],
                    "scope": {
                        "rootPath": ["ROOT_ID"],
                        "excluded": [number for chart, number in shown.items() if chart not in by_currency],
                    },
                    "description": "",
                }
            ],
        },
        "version": "1.0.0",
    }


def _charts_in(position: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(key.removeprefix("CHART-"), place) for key, place in position.items() if key.startswith("CHART-")]


def assets(marts: Path, uri: str) -> dict[str, Any]:
    """Each file of the pack and what it says."""
    asked = yaml.safe_load(CHARTS.read_text("utf-8"))
    queries = {view: query_of(view, made or {}) for view, made in asked["datasets"].items()}
    columns = columns_of(marts, queries)
    database = {
        "database_name": DATABASE,
        "sqlalchemy_uri": uri,
        "expose_in_sqllab": True,
        "allow_dml": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_csv_upload": False,
        "allow_run_async": False,
        "extra": {},
        "uuid": id_of("database", DATABASE),
        "version": "1.0.0",
    }
    files: dict[str, Any] = {
        "metadata.yaml": {"version": "1.0.0", "type": "assets"},
        f"databases/{DATABASE}.yaml": database,
    }
    for view, query in queries.items():
        files[f"datasets/{DATABASE}/{view}.yaml"] = dataset(view, query, columns[view])
    for name, chart in asked["charts"].items():
        files[f"charts/{name}.yaml"] = chart_of(name, chart, columns[chart["of"]])
    for name, board in asked["dashboards"].items():
        files[f"dashboards/{name}.yaml"] = dashboard_of(name, board, asked["charts"], asked["datasets"])
    return files


def uri_of(marts: Path) -> str:
    """How Superset opens the file: read-only, or a client could write into it."""
    return f"duckdb:///{quote(str(marts))}?access_mode=read_only"


def address_of(uri: str, marts: Path) -> tuple[str, str]:
    """The address that the pack carries, and the database that it is made for, in words. No pack carries a password."""
    if uri.startswith("duckdb:"):
        return uri, f"the file {marts}, read-only" if uri == uri_of(marts) else "a DuckDB file"
    parts = urlsplit(uri)
    if parts.scheme not in ("postgresql", "postgresql+psycopg2") or not (parts.hostname and parts.path.strip("/")):
        sys.exit(
            f"--uri {parts.scheme or uri}…: give postgresql+psycopg2://USER@HOST/DATABASE, the database that `arrears publish --to` fills."
        )
    if parts.password not in (None, MASK):
        sys.exit(
            "--uri: the address holds a password, and a pack is a file that is passed on. Leave it out: Superset asks for it at the import."
        )
    user, _, host = parts.netloc.rpartition("@")
    if not user:
        sys.exit(
            "--uri: the address names no user. Give a user that has the role for readers: postgresql+psycopg2://USER@HOST/DATABASE"
        )
    name = user.partition(":")[0]
    masked = uri.replace(f"{user}@{host}", f"{name}:{MASK}@{host}", 1)
    return masked, f"PostgreSQL, database {parts.path.strip('/')} on {host}, schema marts, as the user {name}"


@click.command()
@click.argument("home", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("pack", metavar="ZIP", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--uri", help="Where Superset reads, without a password; default: the current publication of HOME.")
def make(home: Path, pack: Path, uri: str | None) -> None:
    """Write the pack for the current publication of HOME into ZIP, and say which database it is made for."""
    marts = home.absolute() / "published" / "current" / "marts.duckdb"
    if not marts.exists():
        sys.exit(f"HOME {home}: nothing is published there ({marts} does not exist). Run `arrears nightly` first.")
    address, database = address_of(uri or uri_of(marts), marts)
    with zipfile.ZipFile(pack, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in assets(marts, address).items():
            archive.writestr(f"arrears/{name}", yaml.safe_dump(content, allow_unicode=True, sort_keys=False))
    click.echo(f"{pack}: made for {database}")


if __name__ == "__main__":
    make()
