"""The course in the learner's own browser: a server on the loopback that only they can ask.

Its address holds a token, which becomes a cookie at the first visit. Pages come from the site's
mapping; what is to be answered comes to ``/api/ROOM/CALL`` as JSON, from our own pages alone.
"""

from __future__ import annotations

import asyncio
import hmac
import inspect
import json
import mimetypes
import os
import secrets
import socket
import sys
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from autograder._errors import BilingualError
from autograder.report.site import Activity, Site

Call: TypeAlias = Callable[[Mapping[str, Any]], Any]

_HOST = "127.0.0.1"
_MOST_BYTES = 2**20
_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ServingError(BilingualError):
    """The server could not begin; the message says why and what to do."""


@dataclass(frozen=True)
class Room:
    """An activity with what answers it.

    Attributes
    ----------
    calls
        By name: takes what the page sent and gives what it gets, as plain data; it may be a
        coroutine function. A `BilingualError` is told to the learner.
    """

    activity: Activity
    calls: Mapping[str, Call]


@dataclass(frozen=True)
class Server:
    """A server that is bound to its port and not yet running."""

    files: Site
    calls: Mapping[str, Call]
    sockets: Sequence[socket.socket]
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def port(self) -> int:
        return int(self.sockets[0].getsockname()[1])

    @property
    def origin(self) -> str:
        return f"http://{_HOST}:{self.port}"

    def address(self, page: str = "index.html") -> str:
        """Where `page` is, which may name an anchor, for whoever may come in."""
        path, _, anchor = page.partition("#")
        return f"{self.origin}/{path}?token={self.token}{'#' if anchor else ''}{anchor}"

    def run(self, begun: Callable[[], object] = lambda: None) -> None:
        """Serve until Ctrl-C; `begun` is called, on a thread of its own, once it answers."""
        try:
            asyncio.run(self._serve(begun))
        except KeyboardInterrupt:
            pass

    async def _serve(self, begun: Callable[[], object]) -> None:
        server = HTTPServer(_application(self), max_body_size=_MOST_BYTES)
        server.add_sockets(self.sockets)
        try:
            await asyncio.to_thread(begun)
            await asyncio.Event().wait()
        finally:
            server.stop()


def bind(files: Site, rooms: Sequence[Room] = (), port: int = 0) -> Server:
    """A server of `files` and `rooms` on `port` of the loopback; 0 takes a free one.

    Raises
    ------
    ServingError
        If another program has the port, or it may not be taken.
    """
    calls = {f"{r.activity.name}/{name}": call for r in rooms for name, call in r.calls.items()}
    try:
        return Server(files, calls, bind_sockets(port, _HOST))
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ServingError(
            f"Port {port} cannot be used: {why}. Leave --port out to take a free one.",
            f"端口 {port} 用不了：{why}。去掉 --port 即可自动选一个空闲端口。",
        ) from None


def show(address: str) -> bool:
    """Open `address` in the learner's browser; whether there is one."""
    has_screen = os.environ.keys() & {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"}
    if sys.platform.startswith("linux") and not has_screen:
        return False  # what is found there would take over the terminal
    try:
        return webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return False


def _application(server: Server) -> Application:
    given = {"server": server}
    routes = [(r"/api/(.+)", _Answer, given), (r"/(.*)", _Page, given)]
    return Application(routes, log_function=lambda handler: None)


class _Handler(RequestHandler):
    """What both kinds have in common: who may ask."""

    server: Server

    def initialize(self, server: Server) -> None:
        self.server = server

    def set_default_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    @property
    def cookie(self) -> str:
        """Its name: browsers send the cookies of one port to all others."""
        return f"touchstone-{self.server.port}"

    def is_known(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self.server.token.encode())

    def is_ours(self) -> bool:
        """Whether the address that was asked is ours, and not another that leads here."""
        return self.request.host in {f"{_HOST}:{self.server.port}", f"localhost:{self.server.port}"}

    def tell(self, status: int, en: str, zh: str) -> None:
        """Answer with a sentence."""
        self.set_status(status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{en}\n{zh}\n")

    def log_exception(self, *error: Any) -> None:
        if os.environ.get("TOUCHSTONE_DEBUG"):
            super().log_exception(*error)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self.tell(status_code, "This does not work here.", "这里不能这样用。")


class _Page(_Handler):
    """One file of the site."""

    def get(self, path: str) -> None:
        token = self.get_query_argument("token", "")
        if not self.is_ours():
            self.tell(403, "This server answers its own address only.", "只响应本机自己的地址。")
        elif token and self.is_known(token):
            self.set_cookie(self.cookie, token, httponly=True, samesite="Strict", path="/")
            self.redirect("/" + path.lstrip("/"))
        elif not self.is_known(self.get_cookie(self.cookie) or ""):
            self.tell(
                403,
                "Open the address that `touchstone open` printed: it holds the key.",
                "请打开 `touchstone open` 打印的地址，钥匙在里面。",
            )
        else:
            self.send(path or "index.html")

    def send(self, path: str) -> None:
        if path not in self.server.files:
            self.tell(404, f"There is no page {path}.", f"没有这一页：{path}。")
            return
        try:
            content = self.server.files[path]()
        except BilingualError as error:
            self.tell(500, error.text["en"], error.text["zh"])
            return
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        is_text = kind.startswith("text/") or kind.endswith("javascript")
        self.set_header("Content-Type", f"{kind}; charset=utf-8" if is_text else kind)
        self.finish(content)


class _Answer(_Handler):
    """One call of one of our pages."""

    async def post(self, name: str) -> None:
        if not (self.is_ours() and self.is_same_origin()):
            en = (
                "This page is of another run. Open the address that `touchstone open` printed last."
            )
            zh = "这个页面来自之前的一次运行，请打开 `touchstone open` 最近打印的地址。"
            self.answer(403, {"error": {"en": en, "zh": zh}})
            return
        call = self.server.calls.get(name)
        if call is None:
            self.answer(404, {"error": {"en": f"There is no {name}.", "zh": f"没有 {name}。"}})
            return
        try:
            given = json.loads(self.request.body or b"{}")
            if not isinstance(given, dict):
                raise ValueError
        except ValueError:
            self.answer(400, {"error": {"en": "That is no JSON object.", "zh": "不是 JSON 对象。"}})
            return
        await self.call(call, given)

    async def call(self, call: Call, given: Mapping[str, Any]) -> None:
        try:
            made = call(given)
            made = await made if inspect.isawaitable(made) else made
            self.answer(200, made)
        except BilingualError as error:
            self.answer(400, {"error": dict(error.text)})
        except Exception as error:
            self.log_exception(type(error), error, error.__traceback__)
            what = f"{type(error).__name__}: {error}"
            en = f"Our fault, not yours: {what}. Please report it."
            zh = f"是我们的错，不怪你：{what}。请反馈给我们。"
            self.answer(500, {"error": {"en": en, "zh": zh}})

    def is_same_origin(self) -> bool:
        own = {f"http://{self.request.host}"}
        known = self.is_known(self.get_cookie(self.cookie) or "")
        return known and self.request.headers.get("Origin") in own

    def answer(self, status: int, content: Any) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(json.dumps(content, ensure_ascii=False))
