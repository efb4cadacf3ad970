"""The index of the course, in Markdown: what is answered where, in which order, in how long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from autograder.exercise.syllabus import Home, Syllabus
from autograder.exercise.syllabus.tracks import MINUTES_TO_SAY, Track, tracks
from autograder.language import Language, Text
from autograder.report.coverage import hours_of, time_of
from autograder.report.texts import number, text

_WORDS: dict[str, Text] = {
    "title": {"en": "The course at a glance", "zh": "课程总览"},
    "other": {"en": "[中文](index.zh.md)", "zh": "[English](index.md)"},
    "made": {
        "en": "Made by `touchstone dev build` from the lessons and exercises; do not edit it. "
        "`touchstone coverage` shows the short form.",
        "zh": "由 `touchstone dev build` 根据课文和练习生成，请勿手改。"
        "`touchstone coverage` 显示简表。",
    },
    "order": {"en": "Reading order", "zh": "学习顺序"},
    "order.rule": {
        "en": "{hours}. Each lesson comes after those that it requires, as `touchstone` suggests "
        "them. Hours are for a prepared learner; the last column adds them up.",
        "zh": "{hours}。每一课都排在它的先修课之后，与 `touchstone` 推荐的顺序一致。"
        "用时按有基础的学习者估计，最后一列为累计。",
    },
    "order.columns": {
        "en": "| | lesson | after | read | do | hours |",
        "zh": "| | 课文 | 先修 | 阅读 | 练习 | 累计小时 |",
    },
    "minutes": {"en": "{count} min", "zh": "{count} 分钟"},
    "tracks": {"en": "Three tracks", "zh": "三条路线"},
    "tracks.rule": {
        "en": "Each holds what is asked most often, as far as its time goes. A question counts "
        "once for each document that asks it, a problem to be written once for each public list "
        "of interview problems that has it (TorchCode, TorchLeet, llm_interview_lab, read in "
        "November 2026) and each document that states it. Whatever a lesson requires comes with "
        "it.",
        "zh": "在各自的时间里，选出考得最多的内容。一道题每被一份原始资料问到计一次；"
        "一道编程题每出现在一份公开面试题单里计一次（TorchCode、TorchLeet、llm_interview_lab，"
        "2026 年 11 月查阅），原始资料正文写到它的也各计一次。先修课一并列入。",
    },
    "evening.rule": {
        "en": "Say the minute answer to each question aloud, then go through its key points and "
        "what they will ask next: {minutes} minutes a question.",
        "zh": "把每道题的一分钟回答说出声来，再过一遍要点和追问，每题 {minutes} 分钟。",
    },
    "track.columns": {
        "en": "| day | lesson | read | do |",
        "zh": "| 第几天 | 课文 | 阅读 | 练习 |",
    },
    "evening.columns": {"en": "| lesson | minutes |", "zh": "| 课文 | 分钟 |"},
    "questions": {"en": "Questions and problems", "zh": "问答题与编程题"},
    "questions.columns": {
        "en": "| | question | lesson: tasks | points |",
        "zh": "| | 题目 | 课文：任务 | 分值 |",
    },
    "asked": {"en": "Asked elsewhere", "zh": "别处常考"},
    "asked.rule": {
        "en": "Problems without a question of their own in the documents: how many of the three "
        "lists have each, and which document states it.",
        "zh": "原始资料没有单独设题的内容：三份题单里有几份考到，哪份资料的正文写到。",
    },
    "asked.columns": {
        "en": "| problem | lists | stated in | lesson: tasks |",
        "zh": "| 内容 | 题单数 | 正文写到 | 课文：任务 |",
    },
    "errata": {"en": "Errata", "zh": "勘误"},
    "errata.columns": {
        "en": "| | in short | lesson | told with | caught by |",
        "zh": "| | 概要 | 课文 | 合并讲解 | 对应任务 |",
    },
    "set_aside": {"en": "set aside: {reason}", "zh": "不讲：{reason}"},
    "nowhere": {"en": "**nowhere yet**", "zh": "**暂无**"},
}


def index_page(course: Syllabus, language: Language) -> str:
    """The whole index in `language`."""
    parts = (_head, _order, _tracks, _questions, _asked, _errata)
    return "\n".join(line for part in parts for line in part(course, language))


def _say(key: str, language: Language, **fields: object) -> str:
    return _WORDS[key][language].format(**fields)


def _head(course: Syllabus, language: Language) -> Iterator[str]:
    yield f"# {_say('title', language)}\n"
    yield f"{_say('other', language)} · {_say('made', language)}\n"


def _order(course: Syllabus, language: Language) -> Iterator[str]:
    rows, total = [], 0
    for place, chapter in enumerate(course.chapters, 1):
        slug, doing = chapter.exercise.slug, chapter.exercise.minutes
        total += chapter.minutes + doing
        rows.append((
            str(place), f"{_link(slug, language)} · {chapter.lessons[language].title}",
            _listed(_link(name, language) for name in chapter.exercise.requires),
            _minutes(chapter.minutes, language), _minutes(doing, language), number(total / 60, 1),
        ))  # fmt: skip
    yield f"## {_say('order', language)}\n"
    yield f"{_say('order.rule', language, hours=hours_of(course, language))}\n"
    yield from _table(_say("order.columns", language), rows)


def _tracks(course: Syllabus, language: Language) -> Iterator[str]:
    yield f"## {_say('tracks', language)}\n"
    yield f"{_say('tracks.rule', language)}\n"
    for track in tracks(course):
        yield f"### {text(f'track.{track.name}', language)}\n"
        yield f"{time_of(track, language)}\n"
        if track.kinds == ("say",):
            yield f"{_say('evening.rule', language, minutes=MINUTES_TO_SAY)}\n"
            rows = [(_link(s.slug, language), str(s.minutes)) for s in track.plan.steps]
            yield from _table(_say("evening.columns", language), rows)
        else:
            yield from _table(_say("track.columns", language), list(_days(track, language)))


def _days(track: Track, language: Language) -> Iterator[tuple[str, ...]]:
    """One row for each lesson, with the day on which it begins."""
    spent = 0
    for slug in dict.fromkeys(step.slug for step in track.plan.steps):
        taken = {step.kind: step.minutes for step in track.plan.steps if step.slug == slug}
        cells = (_minutes(taken[kind], language) if kind in taken else "" for kind in track.kinds)
        yield str(spent // track.minutes_a_day + 1), _link(slug, language), *cells
        spent += sum(taken.values())


def _questions(course: Syllabus, language: Language) -> Iterator[str]:
    rows = []
    for name, title in course.sources.questions.items():
        homes = course.homes(name)
        points = "<br>".join(number(home.points) for home in homes)
        rows.append((name, title[language], _homes(homes, language), points))
    yield f"## {_say('questions', language)}\n"
    yield from _table(_say("questions.columns", language), rows)


def _asked(course: Syllabus, language: Language) -> Iterator[str]:
    rows = [
        (item.title[language], str(item.lists), _listed(item.documents),
         _homes(course.written(name), language))
        for name, item in course.sources.asked.items()
    ]  # fmt: skip
    yield f"## {_say('asked', language)}\n"
    yield f"{_say('asked.rule', language)}\n"
    yield from _table(_say("asked.columns", language), rows)


def _errata(course: Syllabus, language: Language) -> Iterator[str]:
    known, rows = course.sources, []
    for name in known.errata:
        told = course.told(name)
        rows += [
            (name, t.title[language], _link(t.slug, language), _listed(t.merged_with),
             _listed(f"`{task}`" for task in t.tasks))
            for t in told
        ]  # fmt: skip
        if not told:
            reason = known.set_aside.get(name)
            said = _say("set_aside", language, reason=reason[language]) if reason else ""
            rows.append((name, said or _say("nowhere", language), "", "", ""))
    yield f"## {_say('errata', language)}\n"
    yield from _table(_say("errata.columns", language), rows)


def _homes(homes: Iterable[Home], language: Language) -> str:
    colon = text("separator", language)
    places = [
        _link(home.slug, language) + colon + _listed(f"`{task.name}`" for task in home.tasks)
        for home in homes
    ]
    return "<br>".join(places) or _say("nowhere", language)


def _link(slug: str, language: Language) -> str:
    return f"[{slug}]({slug}/{language}.md)"


def _minutes(count: int, language: Language) -> str:
    return _say("minutes", language, count=count)


def _listed(items: Iterable[str]) -> str:
    return ", ".join(items)


def _table(head: str, rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table of Markdown, with an empty line below it."""
    yield head
    yield "|" + "---|" * (head.count("|") - 1)
    for cells in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""
