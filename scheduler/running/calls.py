"""Calls of plain functions as JSON: parameters by name, ``*args`` as a list, ``**kwargs`` as further names.

The same shape serves the program, which checks and writes the parameters, and the process that calls the function.
"""

from __future__ import annotations

import functools
import inspect
import json
import math
import re
import typing
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic_core import PydanticSerializationError, to_jsonable_python

from scheduler.errors import ConfigError, ParameterError
from scheduler.handler import Context, Handler, unknown_parameter
from scheduler.words import say

RESULT_OF = "dep_"
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a function takes.

    plain    parameters that JSON fills, by name
    many     name of ``*args``, None without
    extra    whether ``**kwargs`` takes further names
    context  name of the parameter that gets the Context
    results  names of parameters that get results of other jobs: dep_<name>
    """

    plain: tuple[inspect.Parameter, ...]
    many: str | None
    extra: bool
    context: str | None
    results: tuple[str, ...]
    hints: Mapping[str, Any] = field(hash=False, compare=False)


def shape_of(function: Callable[..., Any]) -> Shape:
    """Read a function's signature. Raises ConfigError when it has none."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise ConfigError(say(f"함수의 서명을 읽을 수 없습니다: {error}", f"the function has no signature: {error}")) from None
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except Exception:  # a name that exists for type checkers only: then there is nothing to check by
        hints = {}
    many = next((each.name for each in parameters if each.kind is each.VAR_POSITIONAL), None)
    extra = any(each.kind is each.VAR_KEYWORD for each in parameters)
    plain = [each for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    context = next((each.name for each in plain if hints.get(each.name) is Context), None)
    if context is None and plain and plain[0].name == "context" and plain[0].annotation is plain[0].empty:
        context = "context"
    results = tuple(each.name for each in plain if each.name.startswith(RESULT_OF))
    kept = tuple(each for each in plain if each.name != context and each.name not in results)
    return Shape(kept, many, extra, context, results, hints)


def bound(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Turn positional and keyword arguments into parameters by name.

    Raises  ParameterError when the function does not take them
    """
    shape = shape_of(function)
    places = [each.name for each in shape.plain if each.kind in POSITIONAL]
    given = dict(zip(places, args, strict=False))
    rest = list(args[len(places):])
    if rest and shape.many is None:
        raise ParameterError(say(
            f"{function.__qualname__}에 위치 인자가 너무 많습니다: {len(args)}개",
            f"{function.__qualname__} takes {len(places)} positional arguments but {len(args)} were given",
        ))
    double = given.keys() & kwargs.keys()
    if double:
        raise ParameterError(say(f"두 번 준 인자: {', '.join(sorted(double))}", f"given twice: {', '.join(sorted(double))}"))
    return {**given, **({shape.many: rest} if rest and shape.many else {}), **kwargs}


def checked(function: Callable[..., Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return *parameters* as JSON, such that the function will be given what was meant.

    Raises  ParameterError for what the function does not take, and for a value that JSON cannot hold
    """
    made = CallHandler.of(function, "checked", "", {})
    faults = [fault for name, value in parameters.items() for fault in unfit(value, name)]
    if faults and not _survives(made, parameters):
        raise ParameterError("\n- ".join([
            say(f"{function.__qualname__}의 인자를 저장할 수 없습니다", f"arguments of {function.__qualname__} cannot be kept"),
            *faults,
        ]))
    written: dict[str, Any] = to_jsonable_python(dict(parameters))
    made.validate(written)
    return written


def _survives(made: CallHandler, parameters: Mapping[str, Any]) -> bool:
    """Say whether the function's own types bring back, from JSON, what was given: dates, decimals, paths."""
    try:
        back = made.validate(json.loads(json.dumps(to_jsonable_python(dict(parameters)), allow_nan=False)))
        return all(back.get(name) == value and type(back.get(name)) is type(value) for name, value in parameters.items())
    except (ParameterError, PydanticSerializationError, ValueError, RecursionError):
        return False


def unfit(value: Any, where: str, depth: int = 0) -> Iterator[str]:
    """Say what of *value* JSON cannot hold, each with its place."""
    if depth > 50:
        yield say(f"{where}: 너무 깊거나 자기 자신을 담고 있습니다", f"{where}: too deep, or it contains itself")
    elif isinstance(value, float) and not math.isfinite(value):
        yield say(f"{where}: {value}은(는) JSON에 없습니다", f"{where}: {value} is not in JSON")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                yield say(f"{where}: 키 {key!r}이(가) 글자가 아닙니다", f"{where}: the key {key!r} is not text")
            yield from unfit(item, f"{where}.{key}", depth + 1)
    elif isinstance(value, (list, tuple)):
        for place, item in enumerate(value):
            yield from unfit(item, f"{where}[{place}]", depth + 1)
    elif type(value) not in (str, int, float, bool, type(None)):
        kind = type(value).__name__
        yield say(
            f"{where}: {kind} 값은 JSON으로 저장할 수 없습니다. 번호나 글자로 주세요",
            f"{where}: JSON cannot hold a {kind}; pass a number or text that names it",
        )


def _hint(shape: Shape, parameter: inspect.Parameter) -> Any:
    """Return the hint of a parameter, Any where pydantic has no JSON for it."""
    hint = shape.hints.get(parameter.name, Any)
    try:
        TypeAdapter(hint).json_schema()
        return hint
    except Exception:
        return Any


def _model(shape: Shape, job_type: str) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for number, each in enumerate(shape.plain):
        default = ... if each.default is each.empty else each.default
        fields[f"p{number}"] = (_hint(shape, each), Field(default, alias=each.name))
    if shape.many is not None:
        fields["many"] = (list[Any], Field(default_factory=list, alias=shape.many))
    for number, name in enumerate(shape.results):
        fields[f"r{number}"] = (Any, Field(None, alias=name))
    extra: typing.Literal["allow", "forbid"] = "allow" if shape.extra else "forbid"
    model: type[BaseModel] = create_model(
        re.sub(r"\W", "_", job_type), __config__=ConfigDict(extra=extra, protected_namespaces=()), **fields
    )
    return model


@dataclass(frozen=True, slots=True)
class CallHandler(Handler):
    """A plain function as a handler: it may have ``*args`` and ``**kwargs``, and is given results of other jobs.

    where  file and name, as people know the function
    """

    where: str = ""
    takes_more: bool = False

    @classmethod
    def of(cls, function: Callable[..., Any], job_type: str, where: str, names: Mapping[str, str]) -> CallHandler:
        """Build the handler. names: for jobs whose results are passed under another name than the job's own."""
        shape = shape_of(function)
        call, is_async = _caller(function, shape, names)
        return cls(
            job_type=job_type, function=call, parameters=_model(shape, job_type), wants_context=True, is_async=is_async,
            summary=(inspect.getdoc(function) or "").partition("\n")[0], timeout_seconds=None, retries=None,
            fresh_process=False, memory_mb=None, where=where, takes_more=shape.extra,
        )

    @property
    def source(self) -> str:
        return self.where

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the parameters; a default that JSON cannot hold is left out."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Not super(): a dataclass with slots is another class than the one this function was written in.
            return Handler.schema(self)

    def validate(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Turn JSON parameters into arguments by name, only those that were given. Raises ParameterError."""
        names = {field.alias or name: name for name, field in self.parameters.model_fields.items()}
        unknown = [] if self.takes_more else [unknown_parameter(name, list(names)) for name in parameters if name not in names]
        if unknown:
            raise ParameterError("; ".join(unknown))
        try:
            model = self.parameters.model_validate(dict(parameters))
        except ValidationError as error:
            raise ParameterError(
                "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
            ) from None
        given = {alias: getattr(model, name) for alias, name in names.items() if name in model.model_fields_set}
        return {**given, **(model.model_extra or {})}


def function_handler(function: Any, job_type: str, where: str, names: Mapping[str, str]) -> Handler:
    """Build the handler of a registered function. Raises ConfigError when it cannot be called."""
    if not callable(function):
        raise ConfigError(f"{where} is not a function")
    return CallHandler.of(function, job_type, where, names)


def _caller(
    function: Callable[..., Any], shape: Shape, names: Mapping[str, str]
) -> tuple[Callable[..., Any], bool]:
    """Return what the handler's process calls with the context and the arguments by name, and whether to await it."""
    def arguments(context: Context, given: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        named = {**_results(shape, context.dependencies, names), **given}
        if shape.context is not None:
            named[shape.context] = context
        return _placed(function, named)

    if inspect.iscoroutinefunction(function):
        @functools.wraps(function)
        async def acall(_execution: Context, **given: Any) -> Any:
            positional, named = arguments(_execution, given)
            return await function(*positional, **named)

        return acall, True

    @functools.wraps(function)
    def call(_execution: Context, **given: Any) -> Any:
        positional, named = arguments(_execution, given)
        return function(*positional, **named)

    return call, False


def _placed(function: Callable[..., Any], named: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Split arguments by name into those that must stand in order, and the rest."""
    positional: list[Any] = []
    parameters = list(inspect.signature(function).parameters.values())
    many = next((each.name for each in parameters if each.kind is each.VAR_POSITIONAL), None)
    rest = named.pop(many, []) if many is not None else []
    for each in parameters:
        in_order = each.kind is each.POSITIONAL_ONLY or (rest and each.kind is each.POSITIONAL_OR_KEYWORD)
        if in_order and (each.name in named or (rest and each.default is not each.empty)):
            positional.append(named.pop(each.name) if each.name in named else each.default)
    return [*positional, *rest], named


def _results(shape: Shape, dependencies: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the results of other jobs under the names this function has for them."""
    found: dict[str, Any] = {}
    for job, result in dependencies.items():
        name = RESULT_OF + names.get(job, job)
        plain = re.sub(r"\W", "_", name)
        if shape.extra or name in shape.results:
            found[name] = plain_value(result)
        elif plain in shape.results:
            found[plain] = plain_value(result)
    return found


def plain_value(result: Any) -> Any:
    """Take a function's own value out of the object that it was wrapped in to be stored."""
    return result["value"] if isinstance(result, dict) and result.keys() == {"value"} else result
