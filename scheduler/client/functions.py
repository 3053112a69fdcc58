"""The functions that this program has registered: their job types, and where its daemon finds them again."""

from __future__ import annotations

import hashlib
import inspect
import os
import re
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

from scheduler.errors import ConfigError
from scheduler.handler import Handler
from scheduler.running.calls import shape_of
from scheduler.running.functions import MAIN, MAIN_AGAIN
from scheduler.words import say

LONGEST = 100


@dataclass(frozen=True, slots=True)
class Registered:
    """A function of this program that its daemon may call."""

    job_type: str
    module: str
    qualname: str
    file: str | None
    spec: str | None
    function: Callable[..., Any]


class Functions:
    """All functions of one scheduler object, by job type.

    names  for jobs whose results reach a function under another name than the job's own
    """

    def __init__(self) -> None:
        self.known: dict[str, Registered] = {}
        self.names: dict[str, str] = {}

    def add(self, function: Callable[..., Any]) -> Registered:
        """Register *function*. Raises ConfigError when a process of the daemon could not find it again."""
        made = register(function)
        other = self.known.setdefault(made.job_type, made)
        if other.function is not function:
            raise ConfigError(say(
                f"두 함수가 같은 작업 유형 {made.job_type}을(를) 씁니다", f"two functions share the job type {made.job_type}"
            ))
        return made

    def is_known(self, function: Callable[..., Any]) -> bool:
        """Say whether *function* was registered here."""
        return any(made.function is function for made in self.known.values())

    def forget(self, job_type: str) -> None:
        """Take a function back."""
        self.known.pop(job_type, None)

    def sources(self, only: Collection[str] | None = None) -> list[dict[str, Any]]:
        """Return what the daemon's processes need to import them, one entry a module. only: just these types."""
        modules: dict[str, dict[str, Any]] = {}
        path = [os.path.abspath(folder) for folder in sys.path if isinstance(folder, str)]
        for made in list(self.known.values()):
            if only is not None and made.job_type not in only:
                continue
            entry = modules.setdefault(made.module, {
                "module": made.module, "file": made.file, "spec": made.spec, "path": path, "names": self.names, "functions": [],
            })
            entry["functions"].append({"type": made.job_type, "qualname": made.qualname})
        return list(modules.values())


def register(function: Callable[..., Any]) -> Registered:
    """Look up where *function* can be imported from. Raises ConfigError with the reason when it cannot."""
    module, qualname = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not callable(function) or not isinstance(module, str) or not isinstance(qualname, str):
        raise _refused(repr(function), "이름이 있는 함수가 아닙니다", "it is not a function with a name")
    _refuse_unreachable(function, qualname)
    file, spec = (_main_of_this_program(qualname) if module in (MAIN, MAIN_AGAIN) else (None, None))
    found: Any
    try:
        found = reduce(getattr, qualname.split("."), sys.modules[module])
    except (AttributeError, KeyError):
        found = None
    if found != function:
        raise _refused(
            qualname, f"모듈 {module}에서 그 이름으로 찾을 수 없습니다",
            f"module {module} has something else, or nothing, by that name",
        )
    shape_of(function)
    made = getattr(function, "__erp_handler__", None)
    stem = (spec or Path(str(file)).stem) if module in (MAIN, MAIN_AGAIN) else module
    job_type = made.job_type if isinstance(made, Handler) else type_name(f"{stem}.{qualname}")
    return Registered(job_type, MAIN if module == MAIN_AGAIN else module, qualname, file, spec, function)


def type_name(dotted: str) -> str:
    """Return the job type of a function: ``py:`` and its place, in the characters that a job type may have."""
    plain = re.sub(r"[^A-Za-z0-9_.:-]", "_", dotted)
    if plain == dotted and len(plain) + 3 <= LONGEST:
        return f"py:{plain}"
    return f"py:{plain[:LONGEST - 12]}-{hashlib.sha256(dotted.encode()).hexdigest()[:8]}"


def _refuse_unreachable(function: Callable[..., Any], qualname: str) -> None:
    if "<lambda>" in qualname:
        raise _refused(qualname, "lambda에는 이름이 없습니다", "a lambda has no name to find it by")
    if "<locals>" in qualname:
        raise _refused(qualname, "다른 함수 안에서 만들어졌습니다", "it was made inside another function")
    owner = getattr(function, "__self__", None)
    if inspect.ismethod(function) and not inspect.isclass(owner):
        raise _refused(qualname, "객체에 묶인 메서드입니다", "it is bound to an object, which another process does not have")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise _refused(qualname, "제너레이터는 호출해도 실행되지 않습니다", "a generator does nothing when it is called")


def _refused(name: str, korean: str, english: str) -> ConfigError:
    return ConfigError(say(
        f"함수 {name}을(를) 등록할 수 없습니다: {korean}. 데몬의 프로세스가 가져올 수 있게 모듈 맨 바깥에 def로 정의하세요",
        f"function {name} cannot be registered: {english}. Define it with def at the top of a module, "
        "where a process of the daemon can import it",
    ))


def _main_of_this_program(qualname: str) -> tuple[str | None, str | None]:
    main = sys.modules[MAIN]
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name not in (MAIN, ""):
        return getattr(main, "__file__", None), str(spec.name)
    file = getattr(main, "__file__", None)
    if not file or not os.path.exists(file):
        raise _refused(qualname, "프로그램이 파일이 아닙니다 (대화형)", "the program is not a file (typed in)")
    return os.path.abspath(file), None


def program_name() -> str:
    """Return a short name of this program, the same each time it is started."""
    main = sys.modules.get(MAIN)
    spec = getattr(main, "__spec__", None)
    file = str(getattr(main, "__file__", None) or "python")
    name = spec.name if spec is not None and spec.name != MAIN else Path(file).stem
    digest = hashlib.sha256(os.path.abspath(file).encode()).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9_.-]', '_', name)[:60]}-{digest}"
