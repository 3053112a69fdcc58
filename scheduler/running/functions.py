"""Plain functions that a program has registered, made into handlers inside the processes of its own daemon.

Only what the program's list names can be called: a row of the database never names a module.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
from collections.abc import Iterator
from functools import reduce
from types import ModuleType
from typing import Any

from scheduler.errors import ConfigError
from scheduler.handler import Handler
from scheduler.running.calls import function_handler
from scheduler.running.kernel import environment_of

MAIN = "__main__"
MAIN_AGAIN = "__mp_main__"
WITHHELD = ("ERP_SCHEDULER_", "DATABASE_URL", "NOTIFY_SOCKET")

_former_mains: list[ModuleType] = []


def load_functions(value: str) -> Iterator[Handler]:
    """Import one module of a program and yield its registered functions as handlers.

    value   JSON: module, file, spec, path (the program's sys.path), functions (type and qualname of each), names
    Raises  ConfigError naming the module or the function
    """
    source = json.loads(value)
    shown = source.get("file") or source["module"]
    _see_what_the_program_sees(source.get("path", []))
    try:
        module = _main(source) if source["module"] == MAIN else importlib.import_module(source["module"])
    except (Exception, SystemExit) as error:
        raise ConfigError(f"functions of {shown} cannot be imported: {type(error).__name__}: {error}") from error
    for named in source["functions"]:
        try:
            found = reduce(getattr, named["qualname"].split("."), module)
        except AttributeError:
            raise ConfigError(
                f"{shown} has no function {named['qualname']} when it is imported; define it outside of "
                f"`if __name__ == \"__main__\":`"
            ) from None
        made = getattr(found, "__erp_handler__", None)
        if isinstance(made, Handler) and made.job_type == named["type"]:
            yield made
        else:
            yield function_handler(found, named["type"], f"{shown}:{named['qualname']}", source.get("names", {}))


def _main(source: dict[str, Any]) -> ModuleType:
    """Import the program's own file as multiprocessing does: under another name, so that its main part does not run."""
    known = sys.modules.get(MAIN_AGAIN)
    if known is not None:
        return known
    if source.get("spec"):
        content = runpy.run_module(source["spec"], run_name=MAIN_AGAIN, alter_sys=True)
    else:
        content = runpy.run_path(source["file"], run_name=MAIN_AGAIN)
    module = ModuleType(MAIN_AGAIN)
    module.__dict__.update(content)
    _former_mains.append(sys.modules[MAIN])  # what still runs in it must keep its names
    sys.modules[MAIN] = sys.modules[MAIN_AGAIN] = module
    return module


def _see_what_the_program_sees(path: list[str]) -> None:
    """Take over where the program imports from, and its environment without what is the service's own."""
    known = set(sys.path)
    sys.path.extend(folder for folder in path if folder not in known)  # last, so that it shadows nothing of ours
    for name, value in environment_of(os.getppid()).items():
        text = os.fsdecode(name)
        if text not in os.environ and not text.startswith(WITHHELD):
            os.environ[text] = os.fsdecode(value)
