"""Sealed runs: an analyst's own program goes to the raw data, and its outputs wait in quarantine for
people."""

from sandbox.jobs.conclude import conclude
from sandbox.jobs.context import RunContext
from sandbox.jobs.model import Run, RunKind, RunState
from sandbox.jobs.read import load_run
from sandbox.jobs.worker import Worker

__all__ = ["Run", "RunContext", "RunKind", "RunState", "Worker", "conclude", "load_run"]
