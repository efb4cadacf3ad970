"""The server of the learner's own browser: for them alone, on the loopback, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest
from sites import browser, course, small

from autograder._errors import BilingualError
from autograder.exercise.catalog import CatalogError
from autograder.exercise.syllabus import Syllabus
from autograder.exercise.syllabus.lessons import source
from autograder.language import LANGUAGES, Language
from autograder.learner.places import find_place, part
from autograder.learner.serving import Room, Server, ServingError, bind
from autograder.report.site import Activity, site

__all__ = ["browser"]


def _refuse(given: Mapping[str, Any]) -> None:
    raise BilingualError("Not so.", "不行。")


def _break(given: Mapping[str, Any]) -> None:
    raise ZeroDivisionError("secret")


async def _later(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"later": given["word"]}


ECHO = Room(
    Activity("echo", {"en": "Echo", "zh": "回声"}, lambda language: f"<p id=body>{language}</p>"),
    {"echo": lambda given: dict(given), "refuse": _refuse, "break": _break, "later": _later},
)


@pytest.fixture(scope="module")
def server() -> Server:
    made = bind(site(small("metrics"), [ECHO.activity]), [ECHO])
    threading.Thread(target=made.run, daemon=True).start()
    return made


Ask = Callable[..., tuple[int, str]]


@pytest.fixture
def ask(server: Server) -> Ask:
    """Ask as a browser with cookies does; an error is an answer too."""
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
    )

    def asked(path: str, given: bytes | None = None, **headers: str) -> tuple[int, str]:
        request = urllib.request.Request(f"{server.origin}/{path}", given)
        for name, value in headers.items():
            request.add_header(name, value)
        try:
            with opener.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    return asked


@pytest.fixture
def known(ask: Ask, server: Server) -> Ask:
    status, _ = ask(f"en/metrics.html?token={server.token}")
    assert status == 200
    return ask


def test_without_the_key_nothing_is_served(ask: Ask, server: Server) -> None:
    for path in ("", "en/metrics.html", "assets/site.css", "en/metrics.html?token=guessed"):
        status, told = ask(path)
        assert status == 403
        assert "touchstone open" in told
    assert ask("api/echo/echo", b"{}", Origin=server.origin)[0] == 403


def test_the_key_becomes_a_cookie(known: Ask) -> None:
    assert known("en/metrics.html")[0] == 200
    assert known("")[0] == 200


@pytest.mark.parametrize(
    "path", ["../pyproject.toml", "en/../../x", "%2e%2e/%2e%2e/etc/passwd", "x"]
)
def test_what_is_not_of_the_site_is_not_there(known: Ask, path: str) -> None:
    assert known(path)[0] == 404


def test_another_name_of_this_address_is_refused(known: Ask, server: Server) -> None:
    assert known(f"en/index.html?token={server.token}", Host="rebound.example")[0] == 403


def test_a_page_is_answered_in_json(known: Ask, server: Server) -> None:
    given = {"word": "召回率", "list": [1, None]}
    status, told = known("api/echo/echo", json.dumps(given).encode(), Origin=server.origin)
    assert (status, json.loads(told)) == (200, given)
    status, told = known("api/echo/later", b'{"word": 1}', Origin=server.origin)
    assert json.loads(told) == {"later": 1}


@pytest.mark.parametrize("origin", [{}, {"Origin": "http://evil.example"}, {"Origin": "null"}])
def test_other_pages_may_not_ask(known: Ask, origin: dict[str, str]) -> None:
    assert known("api/echo/echo", b"{}", **origin)[0] == 403


@pytest.mark.parametrize(
    ("path", "given", "status", "says"),
    [
        ("api/echo/refuse", b"{}", 400, "不行。"),
        ("api/echo/break", b"{}", 500, "ZeroDivisionError"),
        ("api/echo/nothing", b"{}", 404, "nothing"),
        ("api/echo/echo", b"[1", 400, "JSON"),
        ("api/echo/echo", b"[1]", 400, "JSON"),
        ("api/echo/echo", b"\xff", 400, "JSON"),
    ],
)
def test_what_goes_wrong_is_told_in_both_languages(
    known: Ask, server: Server, path: str, given: bytes, status: int, says: str
) -> None:
    got, told = known(path, given, Origin=server.origin)
    assert got == status
    assert set(json.loads(told)["error"]) == {"en", "zh"}
    assert says in told
    assert "Traceback" not in told


def test_a_port_in_use_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServingError, match=f"Port {port} cannot be used"):
            bind({}, port=port)


def test_others_on_the_network_cannot_ask(server: Server) -> None:
    assert {sock.getsockname()[0] for sock in server.sockets} == {"127.0.0.1"}


@pytest.mark.slow
def test_pages_ask_this_server_and_no_other(browser: Any, server: Server) -> None:
    faults: list[str] = []
    context = browser.new_context()
    context.route(
        lambda url: not url.startswith(server.origin),
        lambda route: (faults.append(route.request.url), route.abort()),
    )
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text))
    page.goto(server.address("en/metrics.html#E116"))
    assert page.url == f"{server.origin}/en/metrics.html#E116"
    assert page.locator("#E116 ul").is_visible()
    page.evaluate("document.querySelectorAll('img').forEach(image => image.loading = 'eager')")
    page.evaluate("Promise.all([...document.images].map(image => image.decode()))")
    page.keyboard.press("/")
    page.keyboard.type("AUC")
    page.locator("dialog li a").first.wait_for()
    page.keyboard.press("Escape")
    page.locator("header nav a", has_text="Echo").click()
    assert page.locator("#body").text_content() == "en"
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("touchstone.call('echo/echo', {a: 1})") == {"a": 1}
    told = page.evaluate("touchstone.call('echo/break').catch(error => error.message)")
    assert told.startswith("Our fault, not yours")
    context.close()
    assert [fault for fault in faults if "500" not in fault] == []


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("metrics", "metrics.html"),
        ("metrics#five-ratios", "metrics.html#five-ratios"),
        ("E116", "metrics.html#E116"),
        ("e116", "metrics.html#E116"),
        ("S3-Q1", "metrics.html#S3-Q1"),
        ("metrics/recall", "metrics.html#task-recall"),
        ("roc_auc", "metrics.html#task-roc_auc"),
    ],
)
def test_what_may_be_named(name: str, page: str) -> None:
    assert find_place(name, course).page == page


@pytest.mark.parametrize(
    "name", ["cooking", "E999", "S9-Q9", "metrics#E999", "metrics/cooking", "../x", ""]
)
def test_what_leads_nowhere_is_told(name: str) -> None:
    with pytest.raises(CatalogError, match="There is no"):
        find_place(name, course)


def test_a_lesson_that_is_broken_leaves_the_others_to_be_read() -> None:
    def broken() -> Syllabus:
        raise CatalogError("broken")

    assert find_place("metrics/recall", broken).slug == "metrics"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_part_of_a_lesson_is_shown_by_itself(language: Language) -> None:
    def told(name: str) -> str:
        return part(find_place(name, course), language)

    assert told("metrics") == ""
    assert told("E116").startswith("- **E116")
    assert "answers: S3-Q1" in told("S3-Q1")
    assert "TP / (TP + FN)" in told("metrics/recall")
    assert len(told("metrics/recall")) < 4000


def test_a_lesson_that_is_no_text_is_told_in_both_languages(tmp_path: Path) -> None:
    broken = tmp_path / "en.md"
    broken.write_bytes(b"\xff")
    for path in (broken, tmp_path / "gone.md"):
        with pytest.raises(CatalogError, match="cannot be read") as told:
            source(path)
        assert "无法读取" in told.value.text["zh"]


def test_an_erratum_that_is_set_aside_is_told_with_its_reason() -> None:
    sources = dataclasses.replace(
        course().sources, set_aside={"E116": {"en": "Why.", "zh": "因。"}}
    )
    bare = dataclasses.replace(course(), chapters=(), sources=sources)
    with pytest.raises(CatalogError, match="Why"):
        find_place("E116", lambda: bare)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment |= {"HOME": str(tmp_path), "TOUCHSTONE_LANG": "zh", "PYTHONUNBUFFERED": "1"}
    environment.pop("BROWSER", None)
    command = [sys.executable, "-m", "autograder", "open", "E116"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, text=True, encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        yield process
        process.kill()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_without_a_browser_the_address_is_told_and_ctrl_c_ends_it(
    opened: subprocess.Popen[str],
) -> None:
    assert opened.stdout is not None
    address = opened.stdout.readline().strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/zh/metrics\.html\?token=\S+#E116", address)
    opened.stdout.readline()
    assert "没有找到浏览器" in opened.stdout.readline()
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
    )
    with opener.open(address, timeout=60) as answer:
        assert "召回率" in answer.read().decode()
    opened.send_signal(signal.SIGINT)
    _, errors = opened.communicate(timeout=60)
    assert (opened.returncode, errors) == (0, "")
