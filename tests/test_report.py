"""The wording of the reports and what they print on a terminal."""

from __future__ import annotations

import io
import os
import re
import string
from dataclasses import replace
from html import unescape

import pytest
from hostile import REPORT, each_language, hostile, poisoned, printed
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from samples import both, exercise, sample_results

from autograder.evidence.runs import CellRun
from autograder.judging.results import STATUSES, SubmissionResult
from autograder.language import LANGUAGES, Language
from autograder.report import card, clean, digest, html, jsonfile, junit, terminal, texts
from autograder.report._commands import commanded
from autograder.report._lines import pieces, wrap
from autograder.report.standing import Next, Standing


@pytest.mark.parametrize("key", texts.TEXTS)
def test_both_languages_have_the_same_fields(key: str) -> None:
    wording = texts.TEXTS[key]
    assert set(wording) == set(LANGUAGES)
    fields = {
        language: {name for _, name, _, _ in string.Formatter().parse(wording[language]) if name}
        for language in LANGUAGES
    }
    assert fields["en"] == fields["zh"]
    assert all(wording[language].strip() for language in LANGUAGES)


def test_every_status_has_its_own_mark_and_word() -> None:
    assert set(texts.SYMBOLS) == set(STATUSES)
    assert len(set(texts.SYMBOLS.values())) == len(STATUSES)
    for language in LANGUAGES:
        words = {texts.status_word(status, language) for status in STATUSES}
        assert len(words) == len(STATUSES)


def test_all_wording_is_used_and_all_that_is_used_exists() -> None:
    sources = [path.read_text("utf-8") for path in REPORT.rglob("*") if path.is_file()
               and path.suffix in (".py", ".j2") and path.name != "texts.py"]  # fmt: skip
    code = "\n".join(sources)
    used = set(re.findall(r'text\(\s*"([a-z_.]+)"', code))
    assert used <= set(texts.TEXTS)
    quoted = {key for key in texts.TEXTS if f'"{key}"' in code}
    looked_up = {key for key in texts.TEXTS if key.startswith(("status.", "isolation.", "track."))}
    assert set(texts.TEXTS) == quoted | looked_up


@pytest.mark.parametrize(
    ("value", "shown"),
    [(2.0, "2"), (2.5, "2.5"), (0.667, "0.67"), (0.0, "0"), (100.0, "100"), (float("nan"), "–"),
     (float("inf"), "–")],
)  # fmt: skip
def test_numbers_are_short(value: float, shown: str) -> None:
    assert texts.number(value) == shown


@given(hostile)
def test_clean_text_is_printable_and_stays_so(raw: str) -> None:
    for shown in (clean.plain(raw), clean.plain(raw, lines=True), clean.line(raw, 20)):
        assert all(c.isprintable() or c in "\n\u200c\u200d" for c in shown)
        shown.encode("utf-8")
    assert len(clean.line(raw, 20)) <= 20
    assert "\n" not in clean.line(raw)


@given(st.text("abc 汉字é()=.,'\"<>&[]{}", max_size=50))
def test_ordinary_text_is_left_alone(raw: str) -> None:
    assert clean.plain(raw, lines=True) == raw


def test_what_acts_is_spelled_out_and_colours_are_dropped() -> None:
    assert clean.plain("\x1b[1;31mred\x1b[0m") == "red"
    assert clean.plain("\x1b]8;;http://a\x1b\\link") == "link"
    assert clean.plain("safe\u202efdp") == "safe\\u202efdp"
    assert clean.plain("bell\x07") == "bell\\x07"
    assert clean.plain(" 10%\r 50%\r100%\ndone", lines=True) == "100%\ndone"


def test_long_text_is_cut_and_says_so() -> None:
    shown = clean.block("\n".join(map(str, range(1000))), most_lines=10, more="(cut)")
    assert shown.split("\n") == [*map(str, range(10)), "(cut)"]
    assert clean.block("short", more="(cut)") == "short"


@given(st.text(max_size=40), st.sampled_from(["ascii", "cp1252", "gbk", "utf-8", "no-such"]))
def test_any_output_encoding_can_be_written(shown: str, encoding: str) -> None:
    shown = clean.plain(shown) + "✓✗○ ·"
    clean.encodable(shown, encoding).encode("ascii" if encoding == "no-such" else encoding)


@given(st.text("ab 汉字，。（）`「」x", max_size=60), st.integers(2, 30))
def test_wrapping_keeps_every_character_and_the_width(sentence: str, width: int) -> None:
    from rich.cells import cell_len

    assert "".join(pieces(sentence)) == sentence
    rows = wrap(sentence, width)
    assert all(cell_len(row) <= width or not row.rstrip() or row.endswith(" ") for row in rows)
    assert all(cell_len(row.rstrip()) <= width for row in rows)
    assert "".join(rows).replace(" ", "") == sentence.replace(" ", "")


def test_chinese_wraps_within_a_sentence_but_not_before_a_stop() -> None:
    rows = wrap("分母应为实际正例数。", 18)
    assert rows == ["分母应为实际正例", "数。"]


@each_language
def test_one_submission_tells_what_failed_and_what_to_do(language: Language) -> None:
    result = commanded(sample_results(language)[0])
    page = re.sub(r"\s+", "", printed([result]))
    for task in result.tasks:
        assert re.sub(r"\s+", "", task.title[language]) in page
        found = digest.findings(task, language)
        alike = [claim.asked for finding in found for claim in finding.alike]
        for verdict in task.verdicts:
            is_shown = re.sub(r"\s+", "", verdict.claim[language]) in page
            has_note = verdict.status == "pass" and verdict.message["en"] != ""
            assert is_shown == (has_note or verdict.status not in ("pass", "todo"))
            assert re.sub(r"\s+", "", verdict.diagnosis[language]) in page
            if not verdict.line:  # which says itself where to look
                assert re.sub(r"\s+", "", verdict.step[language]) in page
            if verdict.status not in ("pass", "todo") and verdict.claim[language] not in alike:
                assert re.sub(r"\s+", "", verdict.came_out + verdict.line) in page.replace(
                    re.sub(r"\s+", "", texts.text("expected", language)), ""
                )


@each_language
def test_a_shared_reason_is_told_once(language: Language) -> None:
    recall = sample_results(language)[0].tasks[1]
    shown = card.card_text(recall, language)
    assert shown.count(recall.verdicts[0].diagnosis[language]) == 1
    found = digest.findings(recall, language)
    assert [(len(one.claims), len(one.alike)) for one in found] == [(1, 1), (1, 0)]
    assert all(verdict.claim[language][:20] in shown for verdict in recall.verdicts)
    # The one in the middle of them has another reason: what is shared is told once all the same.
    apart = replace(recall, verdicts=(recall.verdicts[0], recall.verdicts[2], recall.verdicts[1]))
    assert digest.findings(apart, language) == found


@each_language
def test_the_call_that_failed_is_told_everywhere(language: Language) -> None:
    result = sample_results(language)[0]
    called = [v for task in result.tasks for v in task.verdicts if v.call]
    pages = [html.page([result]), junit.dumps([result]), jsonfile.dumps([result])]
    for verdict in called:
        for page in pages:
            assert verdict.call in unescape(page)
    assert called[1].call in printed([result])
    first = digest.findings(result.tasks[3], language)[1].claims[0]
    assert "5" in first.among
    assert first.among in html.page([result])


def test_verbose_adds_the_claims_that_hold() -> None:
    result = sample_results()[1]
    claim = result.tasks[0].verdicts[0].claim["en"]
    assert claim not in printed([result])
    assert claim in printed([result], verbose=True)


@each_language
@pytest.mark.parametrize("verbose", [False, True])
def test_it_fits_80_columns_without_colour_or_trailing_blanks(
    language: Language, verbose: bool
) -> None:
    from rich.cells import cell_len

    results = sample_results(language)
    for page in (printed(results[:1], verbose=verbose), printed(results, verbose=verbose)):
        assert "\x1b" not in page
        for row in page.splitlines():
            assert cell_len(row) <= 80
            assert row == row.rstrip()


@each_language
def test_a_table_has_a_row_for_each_and_the_reason_of_a_problem(language: Language) -> None:
    results = sample_results(language)
    page = printed(results)
    for result in results:
        assert os.path.relpath(result.path, "class") in page
    problem = results[-1].problem
    assert problem is not None
    assert re.sub(r"\s+", "", problem[language]) in re.sub(r"\s+", "", page)


@each_language
def test_below_a_table_stand_the_failed_tasks_with_why_and_what_next(language: Language) -> None:
    results = sample_results(language)
    below = re.sub(r"\s+", "", printed(results).partition(texts.SYMBOLS["todo"])[2])
    for task in results[0].tasks:
        begun = task.status not in ("pass", "todo")
        assert (re.sub(r"\s+", "", task.title[language]) in below) == begun
    recall = results[0].tasks[1].verdicts[0]
    for part in (recall.diagnosis, recall.step):
        assert re.sub(r"\s+", "", part[language]) in below


def test_of_many_failed_tasks_the_rest_is_a_command() -> None:
    page = printed([sample_results()[0]] * 3)
    assert page.count("Takes specificity") == 2
    assert re.findall(r"… and (\d) more that failed: `touchstone grade class/lin/", page) == [
        "2",
        "5",
    ]


def test_steps_are_commands_of_the_terminal() -> None:
    task = sample_results()[0].tasks[1]
    step = both(
        'Open a hint: hint("recall"). Lesson: E116.', '看一条提示：hint("recall")。参见课文 E116。'
    )
    verdicts = tuple(replace(verdict, step=step) for verdict in task.verdicts)
    result = SubmissionResult("m.ipynb", "metrics", tasks=(replace(task, verdicts=verdicts),))
    page = re.sub(r"\s+", " ", printed([result]))
    assert "`touchstone hint metrics/recall`. Lesson: E116 in `touchstone lesson metrics`." in page
    assert "hint(" not in page


def test_one_point_is_one_point() -> None:
    assert digest.points_line(0, 1, "en") == "0 / 1 point"
    assert [texts.points_word(n, "en") for n in (1, 2, 0.5)] == [
        "1 point",
        "2 points",
        "0.5 points",
    ]


def test_no_result_and_no_tasks_are_said_not_crashed_on() -> None:
    assert texts.text("nothing", "en") in printed([])
    assert "0 / 0" in printed([SubmissionResult("a.ipynb", "metrics")])


def test_the_next_thing_is_the_first_that_is_open() -> None:
    result = sample_results()[0]
    without_ours = replace(result, tasks=(*result.tasks[:5], result.tasks[6]))
    assert "Divide by the actual positives" in digest.next_thing(without_ours, "en")
    assert "doctor" in digest.next_thing(result, "en")
    assert "audit_table" in digest.next_thing(sample_results()[2], "en")
    assert digest.next_thing(sample_results()[1], "en") == texts.text("next.done", "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_next_step_is_that_of_the_mistake_that_stands_on_top(language: Language) -> None:
    result = sample_results()[0]
    task = next(task for task in result.tasks if any(v.misconception for v in task.verdicts))
    named = next(verdict for verdict in task.verdicts if verdict.misconception)
    other = replace(named, misconception="", diagnosis=both("", ""), step=both("Other.", "其他。"))
    mixed = replace(result, tasks=(replace(task, verdicts=(other, named)),))
    assert digest.findings(mixed.tasks[0], language)[0].looks_like
    assert named.step[language] in digest.next_thing(mixed, language)


@pytest.mark.slow
@given(hostile)
@settings(deadline=None)
def test_nothing_of_a_submission_reaches_the_terminal_raw(text: str) -> None:
    result = poisoned(text)
    ungraded = SubmissionResult(text, problem=both(text, text))
    for results in ([result], [result, ungraded], [ungraded]):
        page = io.StringIO()
        console = Console(
            file=page, width=80, force_terminal=True, color_system="standard", _environ={}
        )
        terminal.print_results(results, console=console, verbose=True)
        # Rich's own colours are the only escapes.
        plain = re.sub(r"\x1b\[[0-9;]*m", "", page.getvalue())
        assert all(c.isprintable() or c in "\n\u200c\u200d" for c in plain)
        page.truncate(0)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk", "utf-8"])
def test_a_pipe_of_any_encoding_takes_it(encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
    terminal.print_results(sample_results("zh"), console=Console(file=stream, width=80))
    stream.flush()
    assert "metrics" in raw.getvalue().decode(encoding)


@each_language
def test_standing_shows_points_and_the_command(language: Language) -> None:
    first, second = exercise("metrics"), exercise("attention")
    page = io.StringIO()
    terminal.print_standing(
        [Standing(first, 2.0, True), Standing(second)],
        Next(second, "touchstone lab attention", second.tasks[0]),
        console=Console(file=page, width=80), language=language,
    )  # fmt: skip
    shown = page.getvalue()
    assert "touchstone lab attention" in shown
    assert "✓ metrics" in shown
    assert "2 / 2" in shown
    assert "– / 2" in shown
    assert second.tasks[0].title[language] in shown


@each_language
def test_what_stopped_a_cell_is_told_before_everything_else(language: Language) -> None:
    first, *others = sample_results(language)
    run = replace(first.cells[0], number=2, line="import pandas_profiling")
    result = replace(first, cells=(run, *first.cells[1:]), notes=(both("Note.", "说明。"),))
    told = digest.foremost(result, language)
    assert "setup" in told[0]
    assert "2" in told[0]
    assert all(part in told[0] for part in ("`import pandas_profiling`", "ModuleNotFoundError"))
    assert told[1:] == [{"en": "Note.", "zh": "说明。"}[language]]
    for results in ([result], [result, *others]):
        page = printed(results, language=language)
        place = page.index("pandas_profiling")
        assert place < page.index("8.3")
        html_page = html.page(results)
        assert html_page.index("pandas_profiling") < html_page.index('class="task')
    assert jsonfile.to_json([result])["submissions"][0]["notes"] == told


def test_a_task_not_begun_is_no_cell_that_stopped() -> None:
    cells = (CellRun("try", "recall()", error="NotImplementedError"),)
    assert digest.foremost(replace(sample_results()[2], cells=cells), "en") == []
