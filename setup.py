"""A wheel holds one package, `arrears`, with the repository's folders below it: nobody's `flows` or `expectations` is shadowed.

What is imported as `flows.land` here is `arrears.flows.land` there: the statements are written anew while the wheel is built. An editable
install has the folders as they stand.
"""

from __future__ import annotations

import ast
import shutil
import sys
from pathlib import Path

from setuptools import find_namespace_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
OURS = ("bi", "books", "expectations", "flows")
BESIDE = ("dbt_project.yml", "mappings", "macros", "models", "seeds", "tests/dbt")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "build_calendar.py", ".*")


def below_one_name(source: str) -> str:
    """Python with each import of a package of ours taken from below `arrears`."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module.partition(".")[0] in OURS:
            line = lines[node.lineno - 1]
            before, after = line[: node.col_offset], line[node.col_offset :]
            lines[node.lineno - 1] = before + after.replace("from ", "from arrears.", 1)
        if isinstance(node, ast.Import) and any(name.name.partition(".")[0] in OURS for name in node.names):
            raise SystemExit(
                f"line {node.lineno}: say `from … import …`; an `import` cannot be moved below another name"
            )
    return "".join(lines)


class BelowOneName(build_py):
    """Everything below `arrears`, unless the install is an editable one."""

    def run(self) -> None:
        if self.editable_mode:
            super().run()
            return
        target = Path(self.build_lib)
        shutil.rmtree(target, ignore_errors=True)
        target = target / "arrears"
        shutil.copytree(ROOT / "arrears", target, ignore=LEFT_OUT)
        for name in (*OURS, *BESIDE):
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, target / name, ignore=LEFT_OUT)
            else:
                shutil.copyfile(ROOT / name, target / name)
        for path in target.rglob("*.py"):
            path.write_text(below_one_name(path.read_text("utf-8")), "utf-8")


editable = "editable_wheel" in sys.argv
packages = find_namespace_packages(include=[p for name in ("arrears", *OURS) for p in (name, f"{name}.*")])
setup(packages=packages if editable else ["arrears"], cmdclass={"build_py": BelowOneName})
