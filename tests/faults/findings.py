"""What the checker answers: findings with their evidence, and a table of figures."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken promise: which, about what, and what shows it."""

    invariant: str
    subject: str
    evidence: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.subject}: {self.evidence}"


@dataclass(slots=True)
class Report:
    findings: list[Finding] = field(default_factory=list)
    figures: dict[str, float | int] = field(default_factory=dict)
