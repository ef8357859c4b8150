"""What the workflows may do: serve forks without credentials, and run what runs locally."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from prismctl.project import ROOT

WORKFLOWS = {file.name: yaml.safe_load(file.read_text()) for file in sorted((ROOT / ".github/workflows").iterdir())}
JOBS = {(name, job): body for name, workflow in WORKFLOWS.items() for job, body in workflow["jobs"].items()}
MAY_WRITE = {("pull-request.yml", "code-scanning"): {"security-events"}}
"""What a job's token may write; all others only read."""

PINNED = re.compile(r"[\w.-]+/[\w./-]+@([0-9a-f]{40}|v\d+\.\d+\.\d+)")


def triggers(workflow: dict[Any, Any]) -> dict[str, Any]:
    # YAML 1.1 takes `on` for true.
    return workflow[True]


def steps(key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the steps that have a key, with their jobs."""
    yield from ((job, step) for (_, job), body in JOBS.items() for step in body["steps"] if key in step)


def commands() -> list[list[str]]:
    return [shlex.split(line) for _, step in steps("run") for line in step["run"].splitlines()]


def test_there_is_one_for_pull_requests() -> None:
    assert "pull_request" in triggers(WORKFLOWS["pull-request.yml"])


@pytest.mark.parametrize("name", WORKFLOWS)
def test_none_runs_on_a_fork_with_the_rights_of_this_repository(name: str) -> None:
    assert set(triggers(WORKFLOWS[name])) <= {"pull_request", "push"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_none_uses_a_secret_or_hands_on_a_token(name: str) -> None:
    text = (ROOT / ".github/workflows" / name).read_text()
    assert not re.search(r"\bsecrets\b|github\.token|GITHUB_TOKEN|id-token", text)


def test_nothing_is_permitted_unless_a_job_asks() -> None:
    assert [workflow["permissions"] for workflow in WORKFLOWS.values()] == [{}] * len(WORKFLOWS)


@pytest.mark.parametrize(
    ("target", "brings"),
    # Scenarios upgrade charts from earlier versions.
    [("test", "make charts"), ("e2e", "make charts ARGS=--earlier")],
)
def test_no_test_of_the_third_party_charts_is_skipped(target: str, brings: str) -> None:
    jobs = {job: [step.get("run", "") for step in body["steps"]] for job, body in JOBS.items()}
    running = [runs for runs in jobs.values() if f"make {target}" in runs]

    assert running
    for runs in running:
        assert brings in runs[: runs.index(f"make {target}")]


@pytest.mark.parametrize("job", JOBS, ids="/".join)
def test_no_job_writes_but_the_one_that_uploads_findings(job: tuple[str, str]) -> None:
    granted = JOBS[job]["permissions"]
    assert {scope for scope, access in granted.items() if access != "read"} == MAY_WRITE.get(job, set())


@pytest.mark.parametrize("job", MAY_WRITE, ids="/".join)
def test_a_job_that_may_write_runs_nothing_of_the_pull_request(job: tuple[str, str]) -> None:
    assert not any("run" in step or step["uses"].startswith("./") for step in JOBS[job]["steps"])


def test_every_action_is_pinned() -> None:
    loose = [step["uses"] for _, step in steps("uses") if not PINNED.fullmatch(step["uses"])]
    assert not loose


def test_a_commit_says_its_version_and_each_action_has_one() -> None:
    texts = [file.read_text() for file in (ROOT / ".github/workflows").iterdir()]
    used = [line for text in texts for line in re.findall(r"uses: (\S+@[0-9a-f]{40}.*)", text)]
    assert all(re.search(r" # v\d+\.\d+\.\d+$", line) for line in used)
    assert len({line.partition("@")[0] for line in used}) == len(set(used))


def test_the_record_says_where_each_commit_is_confirmed() -> None:
    record = (ROOT / "docs/adr/0013-pull-requests.md").read_text()
    missing = [step["uses"] for _, step in steps("uses") if step["uses"].partition("@")[2] not in record]
    assert not missing


def test_no_checkout_leaves_its_token_behind() -> None:
    checkouts = [step for _, step in steps("uses") if step["uses"].startswith("actions/checkout@")]
    assert len(checkouts) == len(JOBS)
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_no_cache_is_kept_that_another_run_could_poison() -> None:
    used = [(step["uses"].partition("@")[0], step.get("with", {})) for _, step in steps("uses")]
    assert not [action for action, _ in used if action.startswith("actions/cache")]
    assert all(options["cache"] is False for action, options in used if action == "actions/setup-go")
    assert not [options for action, options in used if action == "actions/setup-python" and "cache" in options]


@pytest.mark.parametrize("job", JOBS, ids="/".join)
def test_every_job_has_an_end_and_a_fixed_machine(job: tuple[str, str]) -> None:
    assert JOBS[job]["timeout-minutes"] <= 90
    assert JOBS[job]["runs-on"] == "ubuntu-24.04"


def test_outdated_runs_of_a_pull_request_are_cancelled() -> None:
    concurrency = WORKFLOWS["pull-request.yml"]["concurrency"]
    assert "github.event.pull_request.number" in concurrency["group"]
    assert concurrency["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"


def test_every_command_is_a_make_target_that_there_is() -> None:
    assert {words[0] for words in commands()} == {"make"}
    for words in commands():
        done = subprocess.run(["make", "--dry-run", *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603, S607
        assert done.returncode == 0, done.stderr


def test_a_pull_request_runs_what_continuous_integration_runs() -> None:
    asked = re.findall(r"^make (\S+)$", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    assert asked
    assert set(asked) <= {words[1] for words in commands() if len(words) == 2}


@pytest.mark.parametrize("target", ["preview", "policies"])
def test_every_stack_is_looked_at(target: str) -> None:
    assert any(words[1:3] == [target, "STACK=all"] for words in commands())


def test_findings_are_published_although_they_fail_the_report() -> None:
    report, upload = (JOBS["pull-request.yml", job] for job in ("report", "code-scanning"))
    preview, *later = [step for step in report["steps"] if step.get("name")]
    assert [step["if"] for step in later] == ["${{ !cancelled() }}"] * 2
    assert upload["if"].startswith("${{ !cancelled() && ")
    assert all("--markdown $GITHUB_STEP_SUMMARY" in step["run"] for step in (preview, later[0]))
    assert not any("continue-on-error" in step for step in report["steps"])


def test_a_fork_is_not_to_blame_for_what_its_token_may_not_do() -> None:
    [step] = [each for _, each in steps("uses") if "upload-sarif" in each["uses"]]
    assert "head.repo.full_name != github.repository" in step["continue-on-error"]
