"""What an execution that sets values hands back, and how it ends when an account was left as it is."""

from __future__ import annotations

from typing import Any

from handlers.markets.each import Figures, save, saved
from handlers.stock.differences import Kind
from scheduler.handler import Context, GiveUp


def look_at_refused_again(context: Context) -> None:
    """Forget that an earlier attempt left accounts as they were: whoever retries it may have put things right."""
    done = saved(context).get("done") or {}
    kept = {label: figures for label, figures in done.items() if not figures.get("refused")}
    if kept != done:
        save(context, done=kept)


def result_of(kind: Kind, markets: dict[str, Figures], dry_run: bool) -> dict[str, Any]:
    """Sum up the accounts.

    Raises  GiveUp when an account was refused: the next attempt would find the same
    """
    refused = {label: figures["refused"] for label, figures in markets.items() if figures.get("refused")}
    if refused and not dry_run:
        done = [label for label in markets if label not in refused]
        raise GiveUp("refused: " + "; ".join(f"{label}: {why}" for label, why in refused.items())
                     + f" (done: {', '.join(done) or 'none'})")
    return {
        kind: sum(figures.get("differing" if dry_run else "pushed", 0) for figures in markets.values()),
        "dry_run": dry_run, "markets": markets,
    }
