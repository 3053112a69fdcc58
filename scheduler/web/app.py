"""The web application: every router, the guards around them, and what becomes of errors."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib import import_module
from pkgutil import iter_modules
from urllib.parse import quote

import psycopg
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from scheduler import __version__
from scheduler.address import allowed_hosts
from scheduler.errors import SchedulerError
from scheduler.settings import Settings
from scheduler.web import api, pages, sending
from scheduler.web.guards import Guards
from scheduler.web.hub import Hub
from scheduler.web.pages.not_found import is_nowhere, near_page
from scheduler.web.place import Place, make_pool
from scheduler.web.problems import as_json, problem_of, wants_page
from scheduler.web.render import FOLDER, environment, last_page, page
from scheduler.web.rights import matrix, methods_of


def make_app(settings: Settings, dsn: str) -> FastAPI:
    """Make the application. Raises LookupError when a route names no role."""
    place = Place(settings, make_pool(dsn), Hub(dsn))

    @contextlib.asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        environment()
        place.pool.open()
        hub = asyncio.create_task(place.hub.run())
        yield
        hub.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await hub
        await asyncio.to_thread(place.pool.close, 2.0)

    app = FastAPI(
        title="erp-scheduler", version=__version__, lifespan=life, docs_url=None, redoc_url=None, openapi_url=None,
        swagger_ui_oauth2_redirect_url=None, redirect_slashes=False,
    )
    app.state.place = place
    for router in routers():
        app.include_router(router)
    app.mount("/scheduler/static", Static(directory=FOLDER / "static"), name="static")
    for kind in (SchedulerError, psycopg.Error, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, answer)
    app.add_exception_handler(sending.SentAgain, sending.again)
    app.add_middleware(sending.Settle)
    hosts = allowed_hosts(settings)
    frames = settings.web_frames.strip() or "'none'"
    app.add_middleware(Guards, hosts=hosts, frames=frames, secure=settings.web_cert is not None,
                       unforeseen=answer)
    matrix(app)
    return app


def routers() -> list[APIRouter]:
    """Return the router of every module of ``api`` and ``pages``."""
    names = [f"{package.__name__}.{each.name}" for package in (api, pages) for each in iter_modules(package.__path__)]
    return [module.router for module in map(import_module, names) if hasattr(module, "router")]


class Static(StaticFiles):
    """Files of ours; whoever asks for the present one by its stamp may keep it."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if b"v=" in scope.get("query_string", b""):
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


async def answer(request: Request, error: Exception) -> Response:
    """Answer an error: to programs as a problem, to people as a page."""
    problem = problem_of(error, request.state.trace_id)
    if problem.status == 405:
        problem.headers["Allow"] = ", ".join(methods_of(request.app, request.scope["path"]))
    if not wants_page(request):
        return as_json(problem, request)
    is_part = request.headers.get("hx-request") == "true"
    if problem.status == 401:
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        back = quote(asked if request.method == "GET" else "/scheduler", safe="/")
        if is_part:
            return Response(status_code=401, headers={"HX-Redirect": "/login"})
        return RedirectResponse(f"/login?next={back}", 303)
    if problem.status == 503 and request.method == "GET":
        former = last_page(request)
        if former is not None:
            return former
    if is_nowhere(request, problem.status):
        return await run_in_threadpool(near_page, request)
    return page(request, "parts/problem.html" if is_part else "problem.html", problem.status, problem=problem,
                trace_id=request.state.trace_id)
