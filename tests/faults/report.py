"""The report of a fault run, as a page for people."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.faults.findings import Report

BEGIN, END = "<!-- figures -->", "<!-- /figures -->"


def write_report(page: Path, report: Report, *, seconds: float, seed: int, major: int) -> None:
    """Put the figures between the two marks of *page*; the words around them stay."""
    text = page.read_text(encoding="utf-8") if page.exists() else f"{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{table(report, seconds, seed, major)}{END}{after}", encoding="utf-8")


def table(report: Report, seconds: float, seed: int, major: int) -> str:
    lines = [f"{date.today()}: {seconds:g} s of faults, seed {seed}, PostgreSQL {major}.", "", "| | |", "|---|---:|"]
    lines += [f"| {name} | {figure:,} |" for name, figure in report.figures.items()]
    lines += [""] + [f"- {str(finding)[:600]}" for finding in report.findings]
    return "\n".join(lines).rstrip() + "\n"
