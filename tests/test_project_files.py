"""The files around the code: licence, citation, changelog, workflow and issue forms agree with it."""

import re
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

import wann

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def read_yaml(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_licence_version_and_release_are_the_same_everywhere():
    citation = read_yaml(ROOT / "CITATION.cff")
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License\n")
    assert "Copyright (c) 2006-2011 Erin Catto" in (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert PROJECT["license"] == citation["license"] == "MIT"
    assert PROJECT["dynamic"] == ["version"]  # setuptools reads it from `wann/version.py`
    assert citation["version"] == wann.__version__
    assert f"\n## {wann.__version__} - {citation['date-released']}\n" in CHANGELOG
    assert [author["name"] for author in citation["authors"]] == [
        author["name"] for author in PROJECT["authors"]
    ]


def test_the_citation_has_what_its_format_asks_for_and_names_the_paper():
    citation = read_yaml(ROOT / "CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    (paper,) = citation["references"]
    assert [author["family-names"] for author in paper["authors"]] == ["Gaier", "Ha"]
    assert "1906.04358" in paper["url"]


def test_the_workflow_runs_the_checks_on_every_python_that_the_package_names():
    workflow = read_yaml(ROOT / ".github" / "workflows" / "ci.yml")
    (job,) = workflow["jobs"].values()
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert job["strategy"]["matrix"]["python"] == named
    assert PROJECT["requires-python"] == f">={named[0]}"
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert commands == [".ci/run"]
    assert (ROOT / commands[0]).stat().st_mode & 0o111


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_is_one(path):
    form = read_yaml(path)
    if path.stem == "config":
        assert form == {"blank_issues_enabled": False}
        return
    assert {"name", "description", "body"} <= set(form)
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids)
    for field in form["body"]:
        assert field["type"] in ("textarea", "input", "dropdown", "checkboxes")
        assert field["attributes"]["label"]
        assert field["type"] != "dropdown" or field["attributes"]["options"]


def test_the_changelog_names_modules_where_they_are():
    rows = re.findall(r"^\| (`wann.*?) \| (.*) \|$", CHANGELOG, re.MULTILINE)
    assert len(rows) >= 20
    for _, now in rows:
        base = ""
        for name in re.findall(r"`([^`]+)`", now):
            full = f"{base}{name}" if name.startswith(".") else name.partition(":")[0]
            base = full.rpartition(".")[0]
            assert find_spec(full), full


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/security.md"])
def test_paths_that_the_guides_name_are_there(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for path in re.findall(r"`((?:wann|envs|docker|\.ci|\.github)/[\w./]*)`", text):
        if not path.rpartition("/")[2].startswith(
            ("my_", "__pycache__")
        ):  # a reader's own, and compiled code
            assert (ROOT / path).exists() or (ROOT / f"{path}.py").exists(), path
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert ((ROOT / name).parent / target).exists(), target
