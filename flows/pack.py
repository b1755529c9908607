"""`arrears pack`: what a run left for auditors as one archive: its audit pack, its publication, the pages of its deliveries, the chain.

The same run packed twice is the same file, byte for byte: names in order, no times, no owners. Rows of the raw history are not in it,
which hold personal data; their hashes are, on the pages of the deliveries.
"""

from __future__ import annotations

import html
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows import chain
from flows.errors import UsageError
from flows.home import Home, existing_home
from flows.listing import sha256_of
from flows.verify import run_asked, verify

PAGE = "README.html"
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first time that an archive can hold

# What lies where, by how its name begins: the longest that fits is the one.
WHERE = {
    "audit/manifest.json": (
        "运行的第一页：日期、所知批次、政策与代码版本、各数据集市的内容哈希、发布文件的哈希、上一行的哈希",
        "the run's first page: dates, deliveries known, versions of policy, code and packages, the marts' content hashes, the hash of every "
        "file of the publication",
    ),
    "audit/files.json": ("审计包其余文件的哈希", "the hash of every other file of the audit pack"),
    "audit/run.log": ("运行日志", "the run's log"),
    "audit/seeds/": ("当时的政策表（解析后）", "the policy as it was in force: every seed as resolved"),
    "audit/validation/": ("两道验证的结果与说明页", "what both gates found: results as JSON, pages to read"),
    "audit/dbt_manifest.json": ("dbt：模型及其 SQL", "dbt: the models and their SQL"),
    "audit/dbt_run_results.json": ("dbt：各节点的结果", "dbt: what became of each node"),
    "audit/loan_aging.parquet": ("已发布的每笔贷款的数字", "what was published of each loan"),
    "audit/": ("审计包", "the audit pack"),
    "publication/marts.duckdb": ("已发布的数据集市（DuckDB，只读）", "the published marts (DuckDB, read-only)"),
    "publication/evidence.duckdb": (
        "发布验证所对照的独立重算",
        "what the publish gate compared with: figures reached another way",
    ),
    "publication/parquet/": ("各数据集市的 Parquet 文件", "each mart as Parquet"),
    "publication/report/": ("账龄报告", "the aging report"),
    "publication/": ("发布件", "the publication"),
    "deliveries/": (
        "各批次的登记：源文件、行数、金额合计与哈希",
        "the page of each delivery: its files, rows, totals, and the hashes of the rows kept",
    ),
    "signatures/": ("第二人的签字", "signatures of a second person"),
    "chain.jsonl": ("运行链：每行含上一行的哈希", "the chain of runs: each line names the hash of the one before"),
}


def pack(home: Path, run: str, path: Path | None) -> dict[str, Any]:
    """What `arrears pack` says; Differs (exit 3) where the run is not as it was written down: nobody should pass that on."""
    place = existing_home(home)
    run_id = run_asked(place, run)
    whole = verify(home, run_id, False, None, False)
    manifest = chain.manifest_in(place.audit / run_id)
    path = path or Path(f"{manifest.get('as_of') or 'run'}-{run_id}.zip")
    files = dict(sorted(_files(place, run_id, manifest)))
    page = _page(run_id, manifest, files, whole["anchor"])
    temporary = path.with_name(f".{path.name}.new")
    try:
        with (
            open(temporary, "wb", opener=lambda p, flags: os.open(p, flags, 0o600)) as target,
            zipfile.ZipFile(target, "w") as archive,
        ):
            for name, content in ((PAGE, page), *files.items()):
                _add(archive, f"{run_id}/{name}", content)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UsageError(
            f"--to {path}: cannot be written ({error.strerror}). Give a file in a folder that you may write to."
        ) from error
    digest = sha256_of(path)
    text = f"{path}: {len(files) + 1} files of run {run_id}, {path.stat().st_size:,} bytes, sha256 {digest}.\nBegin with {PAGE} in it."
    outcome = {"status": "ok", "exit_code": 0, "run_id": run_id, "archive": str(path), "files": len(files) + 1}
    return {**outcome, "sha256": digest, "_text": text}


def _files(home: Home, run_id: str, manifest: dict[str, Any]) -> Iterator[tuple[str, Path]]:
    folders = {"audit": home.audit / run_id, "publication": home.published / f"{manifest.get('as_of')}-{run_id}"}
    for name, folder in folders.items():
        for path in folder.rglob("*"):
            if path.is_file():
                yield f"{name}/{path.relative_to(folder)}", path
    for facts in manifest.get("deliveries", []):
        yield f"deliveries/{facts['delivery']}.json", home.raw / facts["delivery"] / "delivery.json"
    for said in chain.signatures(home).get(run_id, []):
        yield f"signatures/{said['run_id']}.json", home.audit / said["run_id"] / chain.MANIFEST
    yield "chain.jsonl", chain.path_of(home)


def _add(archive: zipfile.ZipFile, name: str, content: bytes | Path) -> None:
    about = zipfile.ZipInfo(name, LONG_AGO)
    about.compress_type = zipfile.ZIP_DEFLATED
    about.create_system, about.external_attr = 3, 0o100600 << 16
    with (
        open(content, "rb") if isinstance(content, Path) else io.BytesIO(content) as source,
        archive.open(about, "w", force_zip64=True) as target,
    ):
        while block := source.read(1 << 20):
            target.write(block)


def _what(name: str) -> tuple[str, str]:
    return WHERE[max((begin for begin in WHERE if name.startswith(begin)), key=len)]


def _page(run_id: str, manifest: dict[str, Any], files: dict[str, Path], anchor: str | None) -> bytes:
    facts = [
        (k, manifest.get(k))
        for k in ("run_id", "status", "as_of", "known_at", "policy_version", "code_version", "ended_at")
    ]
    groups: dict[tuple[str, str], list[str]] = {}
    for name in files:
        groups.setdefault(_what(name), []).append(name)
    rows = []
    for (zh, en), names in groups.items():
        links = " ".join(f'<a href="{html.escape(n)}">{html.escape(n)}</a>' for n in names[:12])
        more = f" … ({len(names)})" if len(names) > 12 else ""
        rows.append(f"<tr><td>{html.escape(zh)}<br>{html.escape(en)}</td><td>{links}{more}</td></tr>")
    about = "".join(f"<tr><td>{k}</td><td>{html.escape(str(v))}</td></tr>" for k, v in facts)
    how = (
        "<p>核对：audit/manifest.json 的 sha256 是 chain.jsonl 中该运行一行的 manifest_sha256；audit/files.json 的是 files_sha256；"
        "清单中的 files 与 files.json 给出其余文件的 sha256；批次页的 sha256 是清单中的 record_sha256。</p>"
        "<p>To check by hand: the sha256 of audit/manifest.json is manifest_sha256 in the run's line of chain.jsonl, that of audit/files.json is "
        "files_sha256; `files` in the manifest and files.json give the sha256 of every other file; record_sha256 in the manifest is that "
        "of the page of a delivery. Each line of the chain names the sha256 of the line before it.</p>"
    )
    style = (
        "body{font:15px/1.5 system-ui,'Noto Sans CJK SC',sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    )
    style += "td{vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ccc}td a{display:inline-block;margin-right:.6rem}"
    page = (
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{run_id}</title><style>{style}</style></head><body>'
        f"<h1>审计档案 · Audit archive {run_id}</h1><table>{about}</table><h2>何处有何物 · What lies where</h2>"
        f"<table>{''.join(rows)}</table><h2>核对 · To check</h2>{how}<p><code>{html.escape(anchor or '')}</code></p></body></html>\n"
    )
    return page.encode()
