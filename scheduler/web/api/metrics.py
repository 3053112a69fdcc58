"""`/metrics`: Prometheus text, read from the same views as everything else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from scheduler import __version__
from scheduler.queries.rest_metrics import figures
from scheduler.web.inputs import Responses
from scheduler.web.place import place_of
from scheduler.web.rights import viewer

router = APIRouter(tags=["status"])
MEDIA = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "erp_scheduler_"
STATES = ("active", "paused", "completed", "invalid")
ENDS = ("success", "failed", "skipped", "cancelled")
Sample = tuple[Mapping[str, Any], Any]
TEXT: Responses = {200: {"description": "Prometheus", "content": {"text/plain": {"schema": {"type": "string"}, "example": (
    "# HELP erp_scheduler_up Whether a daemon is alive\n# TYPE erp_scheduler_up gauge\nerp_scheduler_up 1\n")}}}}


@router.get("/metrics", dependencies=[viewer], response_class=Response, responses=TEXT)
def metrics(request: Request) -> Response:
    """Return the figures as Prometheus reads them; give it a viewer's token."""
    with place_of(request).reading() as connection:
        found = figures(connection)
    return Response("".join(_families(found)), media_type=MEDIA)


def _families(found: dict[str, Any]) -> Iterator[str]:
    status, jobs = found["status"], {each["status"]: each["number"] for each in found["jobs"]}
    yield _family("build_info", "Version of the web process", [({"version": __version__}, 1)])
    yield _family("up", "Whether a daemon is alive", [({}, int(status["nodes_alive"] > 0))])
    yield _family("nodes", "Daemons that are alive", [({}, status["nodes_alive"])])
    yield _family("slots", "Executions that the live daemons run at once", [({}, status["slots"])])
    yield _family("executions_running", "Executions that run", [({}, status["running"])])
    yield _family("executions_queued", "Executions that wait", [({}, status["queued"])])
    yield _family("executions_held", "Executions that wait for another job or a market", [({}, status["held"])])
    yield _family("jobs_overdue", "Jobs whose time has passed", [({}, status["overdue"])])
    yield _family("jobs_failing", "Jobs whose latest run failed", [({}, status["failing_jobs"])])
    yield _family("jobs", "Jobs by state", [({"status": each}, jobs.get(each, 0)) for each in STATES])
    yield _family("locks", "Locks in force", [({}, found["locks"]["living"])])
    yield _family("locks_by_hand", "Locks that a person made", [({}, found["locks"]["by_hand"])])
    yield from _ended(found["ended"])
    yield from _of_nodes(found["nodes"])
    yield from _of_jobs(found["last"])


def _ended(ended: list[dict[str, Any]]) -> Iterator[str]:
    yield _family("executions_24h", "Executions that ended in the last 24 hours", [
        ({"job_type": each["job_type"], "status": end}, each[end]) for each in ended for end in ENDS])
    yield _family("duration_mean_seconds_24h", "Mean duration of the successes of the last 24 hours", [
        ({"job_type": each["job_type"]}, each["mean_seconds"]) for each in ended])
    yield _family("duration_longest_seconds_24h", "Longest duration of the last 24 hours", [
        ({"job_type": each["job_type"]}, each["longest_seconds"]) for each in ended])


def _of_nodes(nodes: list[dict[str, Any]]) -> Iterator[str]:
    yield _family("node_workers", "Slots of a daemon", [({"node": each["name"]}, each["workers"]) for each in nodes])
    yield _family("node_running", "Executions on a daemon", [({"node": each["name"]}, each["running"]) for each in nodes])
    yield _family("node_silent_seconds", "Since its last report", [({"node": each["name"]}, each["silent"]) for each in nodes])


def _of_jobs(last: list[dict[str, Any]]) -> Iterator[str]:
    yield _family("job_last_success_timestamp_seconds", "When a job last succeeded", [
        ({"job": each["name"], "job_type": each["job_type"]}, each["last_success"]) for each in last])
    yield _family("job_consecutive_failures", "Failures in a row", [
        ({"job": each["name"], "job_type": each["job_type"]}, each["failures"]) for each in last])


def _family(name: str, words: str, samples: Iterable[Sample]) -> str:
    """Write one gauge; a sample that nobody knows is left out, and so is a second one of the same labels."""
    lines = {_labels(labels): value for labels, value in samples if value is not None}
    return "".join([f"# HELP {PREFIX}{name} {words}\n# TYPE {PREFIX}{name} gauge\n",
                    *(f"{PREFIX}{name}{labels} {float(value):.17g}\n" for labels, value in lines.items())])


def _labels(labels: Mapping[str, Any]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(str(value))}"' for name, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
