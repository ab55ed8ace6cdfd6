# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the jobs of the example pipelines as their platforms would: each on its own machine, with the example's own
commands, and passing on only what the platform passes on from job to job."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

INSTALLS = ("python3 -m pip install ", "ansible-galaxy collection install ")
_EXPRESSION = re.compile(r"\$\{\{ *(.*?) *\}\}")


@dataclass(frozen=True)
class Ended:
    """A finished job: the status of its last command, and the output of all commands."""

    status: int
    output: str


@dataclass
class Machines:
    """Where jobs run. Each gets a machine with a checkout of the repository and nothing from other jobs.

    ``environment`` is the environment of every machine, without the variables of a job.
    """

    folder: Path
    repository: Path
    environment: Mapping[str, str]
    used: int = 0

    def make(self) -> Path:
        """A new machine's checkout, the working directory of one job."""
        self.used += 1
        machine = self.folder / f"machine-{self.used}"
        shutil.copytree(self.repository, machine / "checkout")
        (machine / "home").mkdir()
        return machine / "checkout"

    def run(self, script: str, checkout: Path, variables: Mapping[str, str]) -> Ended:
        """Run a script until a command fails, as both platforms do."""
        home = str(checkout.parent / "home")
        process = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=checkout,
            env={**self.environment, "HOME": home, "ANSIBLE_HOME": home, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        return Ended(process.returncode, process.stdout)


def without_installing(script: str) -> str:
    """The script; empty, if it only installs what the machines of the tests already have."""
    return "" if all(line.startswith(INSTALLS) for line in script.strip().splitlines()) else script


def carry(paths: Sequence[str], source: Path, target: Path) -> None:
    """Copy files and folders that exist to the same place in another folder."""
    for path in paths:
        if (source / path).is_dir():
            shutil.copytree(source / path, target / path, dirs_exist_ok=True)
        elif (source / path).exists():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / path, target / path)


@dataclass
class GitHub:
    """One run of a workflow. ``context`` holds what expressions name: `github.event_name`, `secrets.…`."""

    workflow: Mapping[str, Any]
    machines: Machines
    artifacts: Path
    context: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    failed: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, path: Path, machines: Machines, context: Mapping[str, str]) -> GitHub:
        """A run of the workflow in a file."""
        workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
        return cls(workflow, machines, machines.folder / "artifacts", dict(context))

    def would_run(self, name: str) -> bool:
        """Whether the job that it needs has succeeded, and its condition is met."""
        job = self.workflow["jobs"][name]
        return job.get("needs") not in self.failed and self._is_met(job.get("if", ""), self.machines.folder)

    def run(self, name: str) -> Ended:
        """Run a job. Jobs that need it can read the outputs that it sets."""
        job = self.workflow["jobs"][name]
        checkout = self.machines.make()
        ended = Ended(0, "")
        for step in job["steps"]:
            condition = step.get("if", "")
            if (ended.status == 0 or "always()" in condition) and self._is_met(condition, checkout):
                step_ended = self._run_step(step, checkout)
                ended = Ended(ended.status or step_ended.status, ended.output + step_ended.output)
        for output, expression in job.get("outputs", {}).items():
            self.context[f"needs.{name}.outputs.{output}"] = self._filled(expression)
        if ended.status:
            self.failed.add(name)
        return ended

    def _run_step(self, step: Mapping[str, Any], checkout: Path) -> Ended:
        action = step.get("uses", "").partition("@")[0]
        if action == "actions/upload-artifact":
            carry(step["with"]["path"].split(), checkout, self.artifacts / step["with"]["name"])
        elif action == "actions/download-artifact":
            shutil.copytree(self.artifacts / step["with"]["name"], checkout, dirs_exist_ok=True)
        elif action not in ("", "actions/checkout"):
            raise ValueError(f"expected an action that the tests know, got {action}")
        return self._run_script(step, checkout) if "run" in step else Ended(0, "")

    def _run_script(self, step: Mapping[str, Any], checkout: Path) -> Ended:
        files = {name: checkout.parent / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("", encoding="utf-8")
        given = {**self.workflow["env"], **step.get("env", {})}
        variables = {name: self._filled(value) for name, value in given.items()}
        variables.update({name: str(file) for name, file in files.items()})
        ended = self.machines.run(without_installing(step["run"]), checkout, variables)
        for line in files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines():
            output, dummy, value = line.partition("=")
            self.context[f"steps.{step['id']}.outputs.{output}"] = value
        self.summary += files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
        return ended

    def _filled(self, text: str) -> str:
        return _EXPRESSION.sub(lambda match: self.context.get(match[1], ""), text)

    def _is_met(self, condition: str, checkout: Path) -> bool:
        """The examples use only disjunctions of conjunctions of comparisons and `always()`."""
        return not condition or any(
            all(term == "always()" or self._compares(term, checkout) for term in clause.split(" && "))
            for clause in condition.split(" || ")
        )

    def _compares(self, comparison: str, checkout: Path) -> bool:
        left, operator, right = comparison.split()
        values = [self._value(side, checkout) for side in (left, right)]
        return (values[0] == values[1]) is {"==": True, "!=": False}[operator]

    def _value(self, side: str, checkout: Path) -> str:
        if side.startswith("hashFiles("):
            return "a hash" if (checkout / side[len("hashFiles('") : -len("')")]).exists() else ""
        return side[1:-1] if side.startswith("'") else self.context.get(side, "")


@dataclass
class GitLab:
    """One pipeline. ``variables`` are the project's and the predefined ones."""

    configuration: Mapping[str, Any]
    machines: Machines
    variables: Mapping[str, str]

    @classmethod
    def of(cls, path: Path, machines: Machines, variables: Mapping[str, str]) -> GitLab:
        """A pipeline of the configuration in a file."""
        return cls(yaml.safe_load(path.read_text(encoding="utf-8")), machines, variables)

    def artifacts(self, name: str) -> Path:
        """Where the platform keeps the artifacts of a job."""
        return self.machines.folder / "artifacts" / name

    def run(self, name: str) -> Ended:
        """Run a job with the artifacts and the dotenv variables of the jobs that it needs."""
        job = self.configuration[name]
        checkout = self.machines.make()
        variables = dict(self.variables)
        for needed in job.get("needs", []):
            shutil.copytree(self.artifacts(needed), checkout, dirs_exist_ok=True)
            dotenv = self.configuration[needed]["artifacts"]["reports"]["dotenv"]
            lines = (self.artifacts(needed) / dotenv).read_text(encoding="utf-8").splitlines()
            variables.update(line.split("=", 1) for line in lines)
        before = job.get("before_script", self.configuration["default"]["before_script"])
        script = "\n".join([without_installing("\n".join(before)), *job["script"]])
        ended = self.machines.run(script, checkout, variables)
        kept = job.get("artifacts")
        if kept and (ended.status == 0 or kept.get("when") == "always"):
            carry([*kept["paths"], kept["reports"]["dotenv"]], checkout, self.artifacts(name))
        return ended
