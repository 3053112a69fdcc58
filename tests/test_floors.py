"""The staircase: a file imports only from floors above its own. The list below is the architecture document."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = (
    "errors model settings handler rules words secrets",
    "log database instance readiness address",
    "protocol queries alerts",
    "running",
    "daemon",
    "cli web client testing compat __main__",
)
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names.split()}
FILES = sorted(path.relative_to(ROOT) for folder in ("scheduler", "handlers") for path in (ROOT / folder).rglob("*.py"))


def imported_by(path: Path) -> set[str]:
    """Return every module of ours that the file names in an import, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides which floor is meant"
            # 'from scheduler import words' names the module only together with what is imported.
            whole = node.module in ("scheduler", "handlers")
            found.update(f"{node.module}.{alias.name}" if whole else str(node.module) for alias in node.names)
    return {name for name in found - {"scheduler.__version__"} if name.split(".")[0] in ("scheduler", "handlers")}


def part(module: str) -> str:
    """Return the floor's name for a module: ``rules`` for ``scheduler.rules.cron``."""
    return module.split(".")[1]


def own_part(path: Path) -> str:
    return path.with_suffix("").parts[1]


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[0] == "scheduler"], ids=str)
def test_the_service_imports_only_up_the_staircase(path: Path) -> None:
    if own_part(path) == "__init__":
        assert not imported_by(path), "the package itself imports nothing, so that any part can be imported alone"
        return
    assert own_part(path) in FLOOR_OF, f"{path} has no floor: add it to FLOORS"
    for module in imported_by(path):
        assert module.startswith("scheduler."), f"{path} imports {module}: handlers are found by entry point"
        assert part(module) in FLOOR_OF, f"{path} imports {module}, which has no floor"
        mine, theirs = FLOOR_OF[own_part(path)], FLOOR_OF[part(module)]
        # The first floor has no effects to order, and a door may open another; elsewhere neighbours stay apart.
        beside = part(module) == own_part(path) or mine in (0, len(FLOORS) - 1)
        assert theirs < mine or (theirs == mine and beside), f"{path} imports {module} from below or beside"


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[0] == "handlers"], ids=str)
def test_a_handler_knows_nothing_of_the_service_but_its_door(path: Path) -> None:
    for module in imported_by(path):
        assert module.startswith("handlers") or module == "scheduler.handler", f"{path} imports {module}"


def test_the_rules_ask_no_clock_no_disk_and_no_network() -> None:
    asked = {"now", "utcnow", "today", "time_ns", "monotonic", "open", "read_text", "socket", "connect"}
    for path in (ROOT / "scheduler" / "rules").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                assert name not in asked, f"{path.name}: {name}()"
