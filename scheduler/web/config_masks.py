"""The document of all jobs without the secrets that stand in parameters."""

from __future__ import annotations

from dataclasses import replace

from scheduler.rules.config import Config
from scheduler.secrets import Redactor


def masked(config: Config) -> Config:
    """Return *config* with plain secrets masked; references stay."""
    mask = Redactor()
    return replace(config, jobs={
        name: {**entry, "parameters": mask.value(entry["parameters"])} if "parameters" in entry else entry
        for name, entry in config.jobs.items()
    })
