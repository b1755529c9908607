"""The data docs of one gate: offline, in plain language, what failed first."""
from __future__ import annotations

from pathlib import Path
from typing import Any

SITE = "gate"


def site(docs: Path) -> dict[str, Any]:
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs)},
    }


def write(context: Any, docs: Path, gate: Any) -> None:
    context.build_data_docs()
