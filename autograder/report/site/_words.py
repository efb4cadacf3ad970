"""What the pages say around the lessons, in both languages."""

from __future__ import annotations

from autograder.language import Language, Text

WORDS: dict[str, Text] = {
    "name": {"en": "Touchstone", "zh": "试金石"},
    "promise": {
        "en": "Interview preparation on large models where every answer is executable.",
        "zh": "大模型面试准备：每个答案都能运行。",
    },
    "unkept": {
        "en": "The journal cannot be written, so nothing that you do here is kept. The terminal "
        "says where it lies.",
        "zh": "学习记录无法写入，在这里做的都不会保存。文件位置见终端。",
    },
    "skip": {"en": "Skip to the text", "zh": "跳到正文"},
    "lessons": {"en": "Lessons", "zh": "课文"},
    "nav": {"en": "Course", "zh": "课程"},
    "other": {"en": "中文", "zh": "English"},
    "other.say": {"en": "中文版，停在同一处", "zh": "English, at the same place"},
    "theme": {"en": "Light or dark", "zh": "浅色或深色"},
    "contents": {"en": "In this lesson", "zh": "本课目录"},
    "search": {"en": "Search", "zh": "搜索"},
    "search.hint": {
        "en": "Lessons, questions, errata, tasks",
        "zh": "搜课文、面试题、勘误、任务",
    },
    "search.none": {"en": "Nothing found.", "zh": "没有找到。"},
    "search.count": {"en": "{count} found", "zh": "找到 {count} 处"},
    "search.elsewhere": {
        "en": "Nothing in English; found in Chinese:",
        "zh": "中文里没有，英文里找到：",
    },
    "search.failed": {
        "en": "The search index did not load. Reload the page.",
        "zh": "搜索索引没有加载成功，请刷新页面。",
    },
    "search.keys": {
        "en": "↑ ↓ to choose, Enter to open, Esc to close",
        "zh": "↑ ↓ 选择，Enter 打开，Esc 关闭",
    },
    "close": {"en": "Close", "zh": "关闭"},
    "kind.section": {"en": "lesson", "zh": "课文"},
    "kind.question": {"en": "question", "zh": "面试题"},
    "kind.erratum": {"en": "erratum", "zh": "勘误"},
    "kind.task": {"en": "task", "zh": "任务"},
    "copy": {"en": "Copy", "zh": "复制"},
    "copied": {"en": "Copied", "zh": "已复制"},
    "all.open": {"en": "Open all", "zh": "全部展开"},
    "all.close": {"en": "Fold all", "zh": "全部收起"},
    "anchor": {"en": "Link to this place", "zh": "本节链接"},
    "table": {"en": "Table", "zh": "表格"},
    "try.first": {"en": "Try it aloud first, then open.", "zh": "先自己说一遍，再展开。"},
    "reading": {"en": "{count} min to read", "zh": "阅读 {count} 分钟"},
    "doing": {"en": "{count} min to do", "zh": "练习 {count} 分钟"},
    "minutes": {"en": "{count} min", "zh": "{count} 分钟"},
    "point": {"en": "{count} point", "zh": "{count} 分"},
    "points": {"en": "{count} points", "zh": "{count} 分"},
    "difficulty": {"en": "difficulty {count} of 5", "zh": "难度 {count}/5"},
    "after": {"en": "After", "zh": "先修"},
    "place": {"en": "Lesson {place} of {count}", "zh": "第 {place} 课，共 {count} 课"},
    "tasks": {"en": "Tasks", "zh": "任务"},
    "tasks.open": {
        "en": "Open the notebook from your workbook:",
        "zh": "在练习册里打开这个 notebook：",
    },
    "tasks.hint": {"en": "A hint", "zh": "看提示"},
    "previous": {"en": "Before", "zh": "上一课"},
    "next": {"en": "Next", "zh": "下一课"},
    "order": {"en": "Reading order", "zh": "学习顺序"},
    "tracks": {"en": "Three tracks", "zh": "三条路线"},
    "tracks.rule": {
        "en": "What is asked most often, as far as the time goes. Whatever a lesson requires comes "
        "with it.",
        "zh": "在各自的时间里，选出考得最多的内容，先修课一并列入。",
    },
    "track.say": {
        "en": "Say each one-minute answer aloud, then go through its points and what they ask "
        "next: {count} minutes a question.",
        "zh": "把每道题的一分钟回答说出声来，再过一遍要点和追问，每题 {count} 分钟。",
    },
    "day": {"en": "Day {count}", "zh": "第 {count} 天"},
    "read": {"en": "read", "zh": "阅读"},
    "do": {"en": "do", "zh": "练习"},
    "say": {"en": "say", "zh": "口述"},
    "questions": {"en": "Questions", "zh": "面试题"},
    "question": {"en": "Question", "zh": "题目"},
    "answered": {"en": "Answered in", "zh": "在哪里解答"},
    "proven": {"en": "Proven by", "zh": "用哪些任务验证"},
    "asked": {"en": "Asked elsewhere", "zh": "别处常考"},
    "asked.lists": {"en": "Lists", "zh": "题单数"},
    "asked.rule": {
        "en": "Problems that public lists of interview problems have, and the documents do not "
        "ask for.",
        "zh": "公开面试题单里有、而原始资料没有单独设题的内容。",
    },
    "errata": {"en": "Where the documents go wrong", "zh": "原文错在哪里"},
    "errata.count": {"en": "{count} told", "zh": "讲了 {count} 条"},
    "set_aside": {"en": "Set aside, with the reason", "zh": "不讲的条目及原因"},
    "choose": {"en": "Choose a language", "zh": "选择语言"},
}


def word(key: str, language: Language, **fields: object) -> str:
    """The words called `key`, with the fields that they name filled in."""
    said = WORDS[key][language]
    return said.format(**fields) if fields else said
