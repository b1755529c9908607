"""Pages written from data are current, and links and models named in pages exist."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / d / "README.md" for d in ("flows", "models", "tests")),
    ]
)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)")


def test_the_page_of_ledgers_is_current() -> None:
    spec = importlib.util.spec_from_file_location("make_ledgers", ROOT / "docs" / "make_ledgers.py")
    make_ledgers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_ledgers)
    assert (ROOT / "docs" / "ledgers.md").read_text("utf-8") == make_ledgers.page(), "run: python docs/make_ledgers.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text("utf-8")) if not link.startswith("http")]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_decision_is_listed_and_every_number_named_by_a_model_exists() -> None:
    decisions = {path.name[:4]: path.name for path in (ROOT / "docs" / "decisions").glob("0*.md")}
    index = (ROOT / "docs" / "decisions" / "README.md").read_text("utf-8")
    assert [name for name in decisions.values() if f"({name})" not in index] == []
    named = set()
    for path in (ROOT / "models").rglob("*.sql"):
        if path.parent.name != "staging":
            said = re.findall(r"^-- decision: (.*)", path.read_text("utf-8"), re.MULTILINE)
            assert said, f"{path.name} names no decision"
            named |= set(re.findall(r"\b0\d{3}\b", " ".join(said)))
    assert named - decisions.keys() == set()


def test_unit_tests_and_assertions_named_as_evidence_exist() -> None:
    yaml = "\n".join(path.read_text("utf-8") for path in (ROOT / "models").rglob("*.yml"))
    python = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))
    assertions = {path.stem for path in (ROOT / "tests" / "dbt" / "singular").glob("*.sql")}
    missing = []
    for path in (ROOT / "docs" / "decisions").glob("0*.md"):
        evidence = path.read_text("utf-8").split("**Evidence.**")[1]
        for name in re.findall(r"`(\w+)`", evidence):
            known = f"name: {name}\n" in yaml or f"def {name}(" in python or name in assertions
            if (
                not known
                and not name.startswith("int_")
                and "_" in name
                and name not in ("policy_version", "loan_aging", "include_due_date")
            ):
                missing.append(f"{path.name}: {name}")
        for name in re.findall(r"`((?:tests|models)/[\w/.]+)`", evidence):
            if not (ROOT / name).exists():
                missing.append(f"{path.name}: {name}")
    assert missing == []


def test_a_currency_that_may_be_all_says_that_it_is_not_to_be_added_up() -> None:
    silent = []
    for path in (ROOT / "models" / "marts").rglob("*.yml"):
        for column in re.findall(r"- name: currency\n.*\n +description: (.*)", path.read_text("utf-8")):
            if "ALL" in column and "sum over currencies" not in column:
                silent.append(path.stem)
    assert silent == []


def columns_of_marts() -> dict[str, dict[str, str]]:
    files = [yaml.safe_load(path.read_text("utf-8")) for path in (ROOT / "models" / "marts").rglob("*.yml")]
    return {
        model["name"]: {column["name"]: column["description"] for column in model["columns"]}
        for file in files
        for model in file["models"]
    }


def test_a_rate_by_segment_has_a_row_of_all_segments() -> None:
    by_segment = {
        mart: columns["segment"]
        for mart, columns in columns_of_marts().items()
        if "segment" in columns
        and any(name.endswith("_rate") or "rate_by_" in name for name in columns)
        and mart != "risk_classification"  # provision_rate is the policy's, of one item
    }
    assert {"aging_trend", "vintages", "roll_rates", "headline"} <= by_segment.keys()
    assert [mart for mart, said in by_segment.items() if "ALL" not in said] == []


def test_codes_of_marts_that_add_up_have_labels_and_an_order() -> None:
    """Lists of loans, customers or contacts go without: whoever draws them joins a mart that has the labels."""
    of_one = {"loan_id", "item_id", "advance_id", "customer_id", "attempt_id"}
    missing = [
        f"{mart}.{code}_{suffix}"
        for mart, columns in columns_of_marts().items()
        if not of_one & columns.keys() and mart != "conduct_rules"  # its segment may be any
        for code in {"segment", "security", "item_type", "channel", "result"} & columns.keys()
        for suffix in ("order", "zh", "en")
        if f"{code}_{suffix}" not in columns
    ]
    assert missing == []


def test_coverage_by_the_rates_of_the_classes_says_what_it_is_not() -> None:
    named = {
        f"{mart}.{name}": said
        for mart, columns in columns_of_marts().items()
        for name, said in columns.items()
        if name.endswith("provision_coverage")
    }
    assert {"headline.provision_coverage", "aging_trend.provision_coverage"} <= named.keys()
    assert [name for name, said in named.items() if "not the allowance booked" not in said] == []


def test_every_term_of_the_glossary_stands_once_in_order() -> None:
    lines = (ROOT / "docs" / "glossary.md").read_text("utf-8").splitlines()
    terms = [line.split("|")[1].strip().lower() for line in lines if line.startswith("| ")][1:]
    assert terms == sorted(set(terms))
