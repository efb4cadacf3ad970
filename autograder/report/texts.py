"""The fixed wording of the reports, in both languages."""

from __future__ import annotations

from autograder.evidence.runs import Isolation
from autograder.judging.results import Status
from autograder.language import Language, Text

# One column wide in every terminal, and different in shape, not only in colour.
SYMBOLS: dict[Status, str] = {
    "pass": "✓",
    "fail": "✗",
    "todo": "○",
    "error": "!",
    "timeout": "◷",
    "memory": "▲",
    "crashed": "†",
    "tampered": "≠",
    "internal": "?",
}

TEXTS: dict[str, Text] = {
    # One verdict
    "status.pass": {"en": "passed", "zh": "通过"},
    "status.fail": {"en": "failed", "zh": "未通过"},
    "status.todo": {"en": "not started", "zh": "未作答"},
    "status.error": {"en": "error", "zh": "出错"},
    "status.timeout": {"en": "too slow", "zh": "超时"},
    "status.memory": {"en": "out of memory", "zh": "内存超限"},
    "status.crashed": {"en": "crashed", "zh": "崩溃"},
    "status.tampered": {"en": "not trusted", "zh": "不可信"},
    "status.internal": {"en": "our fault", "zh": "判分故障"},
    # What a verdict rests on
    "call": {"en": "call", "zh": "调用"},
    "call.first": {"en": "(the first of {count} calls)", "zh": "（共调用 {count} 次，此为首次）"},
    "came_out": {"en": "came out", "zh": "实际"},
    "expected": {"en": "expected", "zh": "期望"},
    "why": {"en": "why", "zh": "原因"},
    "note": {"en": "note", "zh": "说明"},
    "place": {"en": "where", "zh": "位置"},
    "place.line": {"en": "{cell}, line {line}", "zh": "{cell} 第 {line} 行"},
    "looks_like": {"en": "looks like", "zh": "疑似"},
    "next": {"en": "next", "zh": "下一步"},
    "alike.one": {"en": "1 more claim fails the same way", "zh": "另有 1 项因同样原因未通过"},
    "alike.more": {
        "en": "{count} more claims fail the same way",
        "zh": "另有 {count} 项因同样原因未通过",
    },
    # What is told first
    "stopped.line": {
        "en": "The cell `{cell}` stopped at line {number}, `{line}`: {what}",
        "zh": "单元 `{cell}` 停在第 {number} 行 `{line}`：{what}",
    },
    "stopped.cell": {
        "en": "The cell `{cell}` was stopped: {what}",
        "zh": "单元 `{cell}` 没有运行完：{what}",
    },
    "stopped.more": {
        "en": "Other cells that stopped: {count}.",
        "zh": "另有 {count} 个单元没有运行完。",
    },
    # Sums
    "points": {"en": "{points} / {max_points} points", "zh": "{points} / {max_points} 分"},
    "point": {"en": "{points} / {max_points} point", "zh": "{points} / {max_points} 分"},
    "seconds": {"en": "{seconds} s", "zh": "{seconds} 秒"},
    "isolation.sandbox": {"en": "in the sandbox", "zh": "沙箱中运行"},
    "isolation.process": {"en": "in a process of its own", "zh": "独立进程中运行"},
    "isolation.kernel": {"en": "in the notebook's kernel", "zh": "notebook 内核中运行"},
    "separator": {"en": ": ", "zh": "："},
    "semicolon": {"en": "; ", "zh": "；"},
    "failed.more": {
        "en": "… and {count} more that failed: `touchstone grade {path}`",
        "zh": "……还有 {count} 道题未通过：`touchstone grade {path}`",
    },
    "next.todo": {
        "en": "{title}: write `{name}` in the notebook.",
        "zh": "{title}：在 notebook 里写出 `{name}`。",
    },
    "next.hint": {
        "en": "{title}: for a hint, run {hint}.",
        "zh": "{title}：运行 {hint} 看提示。",
    },
    "hint.in_notebook": {
        "en": 'hint("{name}") in the notebook',
        "zh": 'notebook 里的 hint("{name}")',
    },
    "next.step": {"en": "{title}: {step}", "zh": "{title}：{step}"},
    "next.internal": {
        "en": "Run `touchstone doctor` and report what it says.",
        "zh": "请运行 `touchstone doctor`，并把结果反馈给我们。",
    },
    "next.done": {
        "en": "All passed. `touchstone` shows what comes next.",
        "zh": "全部通过。运行 `touchstone` 看接下来做什么。",
    },
    "next.slip": {
        "en": "Line {number} of the cell `{cell}` is no Python: mend it first.",
        "zh": "单元 `{cell}` 第 {number} 行有语法错误，请先改正。",
    },
    # Watching
    "watch.hint": {"en": "hint", "zh": "提示"},
    "watch.lesson": {"en": "lesson", "zh": "课文"},
    "watch.next": {"en": "next", "zh": "下一题"},
    "watch.quit": {"en": "quit", "zh": "退出"},
    "watch.busy": {"en": "grading …", "zh": "评分中……"},
    "watch.far": {"en": "{done} of {count} tasks · {points}", "zh": "{done}/{count} 题 · {points}"},
    "watch.passed": {"en": "{title}: passed", "zh": "{title}：通过"},
    "watch.more": {
        "en": "… {count} more lines; a taller window shows them",
        "zh": "……还有 {count} 行，把窗口拉高就能看到",
    },
    "watch.nothing": {"en": "There is no task here.", "zh": "这里没有任务。"},
    "not_graded": {"en": "not graded", "zh": "未能判分"},
    "nothing": {"en": "No notebook was graded.", "zh": "没有可判分的 notebook。"},
    # Many submissions
    "column.notebook": {"en": "notebook", "zh": "notebook"},
    "column.exercise": {"en": "exercise", "zh": "练习"},
    "column.points": {"en": "points", "zh": "得分"},
    "column.passed": {"en": "checks", "zh": "检查项"},
    "column.seconds": {"en": "seconds", "zh": "用时（秒）"},
    "total": {
        "en": "Notebooks: {count}, all passed: {passed}, not graded: {problems}",
        "zh": "共 {count} 份 notebook，全部通过 {passed} 份，未能判分 {problems} 份",
    },
    # Where the learner stands
    "standing.title": {"en": "Touchstone", "zh": "试金石"},
    "standing.total": {
        "en": "Exercises finished: {done} of {count} · points: {points} of {max_points}",
        "zh": "已完成练习 {done}/{count} · 得分 {points}/{max_points}",
    },
    "standing.next": {
        "en": "Next: {title} ({points}, about {minutes} minutes)",
        "zh": "接下来：{title}（{points}，约 {minutes} 分钟）",
    },
    "standing.done": {"en": "Every exercise is finished.", "zh": "所有练习都已完成。"},
    "standing.empty": {
        "en": "There are no exercises here. Run `touchstone doctor` to see why.",
        "zh": "这里没有练习。运行 `touchstone doctor` 查看原因。",
    },
    # The notebook card
    "card.label": {"en": "Result of {name}", "zh": "{name} 的结果"},
    "card.hint": {"en": 'Stuck? Run hint("{name}").', "zh": '卡住了？运行 hint("{name}")。'},
    "card.replay": {"en": "To look into this call: `{code}`", "zh": "想细看这次调用：`{code}`"},
    "replay.named": {
        "en": "It is called `{name}` now: {name}.args, {name}.kwargs, {name}.result, "
        "{name}.error.\n{name}.run() makes the call once more, with your function as it is then.",
        "zh": "变量 `{name}` 里是这次调用：{name}.args、{name}.kwargs、{name}.result、"
        "{name}.error。\n改过函数后，{name}.run() 用同样的参数再调用一次。",
    },
    "replay.taken": {
        "en": "The name `{name}` is yours and was left alone. To keep this under another one:"
        '\nagain = replay("{task}"); then again.args, again.result, again.run().',
        "zh": "`{name}` 是你自己的变量，没有改动。请另取一个名字："
        '\nagain = replay("{task}")，再看 again.args、again.result、again.run()。',
    },
    "replay.unchecked": {
        "en": 'Run check("{task}") first: replay makes the call again that failed in it.',
        "zh": '请先运行 check("{task}")：replay 重放其中失败的调用。',
    },
    "replay.nothing": {
        "en": 'When check("{task}") ran last, no call failed that could be made again.',
        "zh": '上次运行 check("{task}") 时，没有可以重放的失败调用。',
    },
    "replay.gone": {
        "en": 'The check does not make this call any more. Run check("{task}") again.',
        "zh": '检查已不再发出这次调用。请重新运行 check("{task}")。',
    },
    "hint.level": {"en": "Hint {level} of {levels}", "zh": "提示 {level}/{levels}"},
    "hint.more": {
        "en": "Run {hint} again for the next one.",
        "zh": "再运行一次 {hint} 看下一条。",
    },
    "hint.last": {
        "en": "This is the last hint; the lesson derives the rest.",
        "zh": "这是最后一条提示，其余推导见课文。",
    },
    # The page
    "page.title": {"en": "Touchstone report", "zh": "试金石判分报告"},
    "page.overview": {"en": "Overview", "zh": "总览"},
    "page.next": {"en": "Next", "zh": "下一步"},
    "page.not_graded": {"en": "Not graded", "zh": "未能判分"},
    "page.checks": {"en": "Checks", "zh": "检查项"},
    "page.time": {"en": "Time", "zh": "用时"},
    "page.isolation": {"en": "Where it ran", "zh": "运行环境"},
    "page.times": {
        "en": "{total} s (cells {cells} s, checks {checks} s)",
        "zh": "{total} 秒（单元 {cells} 秒，检查 {checks} 秒）",
    },
    "page.code": {"en": "Code and output", "zh": "代码与输出"},
    "page.other_errors": {"en": "Errors in other cells", "zh": "其他单元的错误"},
    "page.picture": {"en": "Picture shown by cell {cell}", "zh": "单元 {cell} 输出的图片"},
    "page.cell": {"en": "cell {cell}", "zh": "单元 {cell}"},
    "page.unnamed_cell": {"en": "unnamed cell", "zh": "未命名单元"},
    "page.cut": {"en": "… cut here", "zh": "……后文略"},
    # A class
    "by_hand": {
        "en": "{points} by hand, {granted} by the grader: {reason}",
        "zh": "手工给 {points} 分，自动判 {granted} 分：{reason}",
    },
    "class.grid": {"en": "Points by task", "zh": "各任务得分"},
    "class.grid_note": {
        "en": "Coloured: full points, some, none; a dash is not started, a star is by hand. A "
        "heading sorts.",
        "zh": "颜色分别表示满分、部分得分、零分；横线为未作答，星号为手工给分。点表头排序。",
    },
    "class.between": {"en": ", ", "zh": "、"},
    "class.who": {"en": "Who: {count}", "zh": "有哪些人（{count}）"},
    "class.missing": {"en": "Handed in nothing", "zh": "未交作业"},
    "class.late": {"en": "Late", "zh": "迟交"},
    "class.strangers": {"en": "Not on the roster", "zh": "不在名单上"},
    "class.by_hand": {"en": "Points by hand", "zh": "手工给分"},
    "class.equal": {"en": "Equal code", "zh": "相同的代码"},
    "class.equal_note": {
        "en": "Cells of six statements and more that are the same but for comments and spacing, "
        "and neither the notebook's nor the solution's. This proves nothing: students may have "
        "worked together, used the same source or thought alike. Ask before you judge.",
        "zh": "这些单元格至少有六条语句，除注释和空白外完全相同，且不同于题目与参考答案。"
        "这并不证明什么：可能是一起做的、查了同一份资料，或想法恰好一样。先问清楚，再下结论。",
    },
    "class.title": {"en": "Class report", "zh": "班级报告"},
    "class.students": {"en": "Students", "zh": "学生"},
    "class.layout": {"en": "Told apart by", "zh": "区分学生的依据"},
    "class.graded": {"en": "Notebooks graded", "zh": "已判分的 notebook"},
    "class.ungraded": {"en": "Not graded", "zh": "未能判分"},
    "class.aside": {"en": "Set aside, in no result", "zh": "未计入任何成绩的文件"},
    "class.seeds": {"en": "Tests", "zh": "测试"},
    "class.hidden": {"en": "hidden, by a secret", "zh": "隐藏（由密钥生成）"},
    "class.visible": {"en": "those in the notebook", "zh": "与 notebook 中相同"},
    "class.empty": {
        "en": "Nobody handed in anything that could be graded.",
        "zh": "没有任何可判分的提交。",
    },
    "class.spread": {"en": "Distribution of points", "zh": "得分分布"},
    "class.bin": {
        "en": "{low} to {high} points, students: {count}",
        "zh": "{low}–{high} 分：{count} 人",
    },
    "class.numbers": {
        "en": "Students: {count} · mean {mean} · median {median} of {max_points} points",
        "zh": "{count} 人 · 平均 {mean} 分 · 中位数 {median} 分 · 满分 {max_points} 分",
    },
    "class.stopped": {
        "en": "Cells that stopped, by number of students",
        "zh": "没有运行完的单元（按人数）",
    },
    "class.hardest": {"en": "Hardest tasks first", "zh": "任务（由难到易）"},
    "class.hardest_few": {"en": "Hardest tasks", "zh": "最难的任务"},
    "class.task": {"en": "Task", "zh": "任务"},
    "class.share": {"en": "Mean share of points", "zh": "平均得分率"},
    "class.passed": {"en": "Passed", "zh": "通过人数"},
    "class.of": {"en": "{passed} of {count}", "zh": "{passed}/{count}"},
    "class.passed_of": {"en": "passed by {passed} of {count}", "zh": "通过 {passed}/{count} 人"},
    "class.mistakes": {
        "en": "Most common misconceptions, by number of students",
        "zh": "最常见的误解（按人数）",
    },
    "class.rarer": {"en": "Rarer ones: {count}", "zh": "其余 {count} 种"},
    "class.no_misconceptions": {
        "en": "No known misconception was recognised.",
        "zh": "没有识别出已知的误解。",
    },
    "class.student": {"en": "Student", "zh": "学生"},
    "class.total": {"en": "Total", "zh": "总分"},
    "class.more_ungraded": {"en": "… and {count} more.", "zh": "……另有 {count} 份。"},
    "class.withheld": {
        "en": "The tests of this class are hidden: this page shows what was asked and what to do "
        "next, but no test data, expected values or outputs.",
        "zh": "本班使用隐藏测试：本页只说明考查什么、接下来做什么，不含测试数据、期望值和输出。",
    },
    # The course as a whole
    "course.answered": {
        "en": "Questions and problems answered: {answered} of {questions}",
        "zh": "已有解答的题目：{answered}/{questions}",
    },
    "course.told": {
        "en": "Errata worked through: {told} of {errata}",
        "zh": "已讲清的勘误：{told}/{errata}",
    },
    "course.set_aside": {"en": "set aside: {count}", "zh": "不讲：{count}"},
    "course.homeless": {"en": "Without a home: {names}", "zh": "还没有着落：{names}"},
    "course.question": {"en": "question", "zh": "题目"},
    "course.lesson": {"en": "lesson", "zh": "课文"},
    "course.tasks": {"en": "tasks", "zh": "任务"},
    "course.points": {"en": "points", "zh": "分值"},
    "course.nowhere": {"en": "nowhere yet", "zh": "暂无"},
    "course.errata": {"en": "Errata, by the lesson that tells of them", "zh": "勘误在哪一课讲"},
    "course.hours": {
        "en": "{hours} hours: {reading} to read, {doing} to do",
        "zh": "共 {hours} 小时：读课文 {reading} 小时，做练习 {doing} 小时",
    },
    "course.tracks": {"en": "Short of time", "zh": "时间有限"},
    "course.index": {
        "en": "All of it, with the order and each erratum: {path}",
        "zh": "全部内容（学习顺序和每条勘误）见 {path}",
    },
    "track.week": {"en": "A week", "zh": "一周"},
    "track.weekend": {"en": "A weekend", "zh": "一个周末"},
    "track.evening": {"en": "The evening before", "zh": "面试前一晚"},
    "track.time": {
        "en": "{hours} of {budget} hours",
        "zh": "{budget} 小时，排入 {hours} 小时",
    },
    "track.do": {"en": "read and do", "zh": "读课文、做练习"},
    "track.read": {"en": "read", "zh": "只读课文"},
    "track.say": {"en": "say aloud", "zh": "开口说一遍"},
    # Files
    "file.folder": {
        "en": "{path} is a folder. Name a file in it.",
        "zh": "{path} 是文件夹，请给出其中的文件名。",
    },
    "file.somebodys": {
        "en": "{path} is a notebook or a database; no report is written over it. Name another "
        "file.",
        "zh": "{path} 是 notebook 或数据库，报告不会覆盖它，请换一个文件名。",
    },
    "file.failed": {
        "en": "Could not write {path}: {why}. Check the folder, or name another file.",
        "zh": "无法写入 {path}：{why}。请检查该文件夹，或换一个文件名。",
    },
}


def text(key: str, language: Language, **fields: object) -> str:
    """The wording called `key` in `language`, with its fields filled in.

    Raises
    ------
    KeyError
        If there is no such wording, or a field of it is not given.
    """
    return TEXTS[key][language].format(**fields)


def status_word(status: Status, language: Language) -> str:
    """A verdict in a word."""
    return text(f"status.{status}", language)


def isolation_word(isolation: Isolation, language: Language) -> str:
    """What stood around the code while it ran, in a few words."""
    return text(f"isolation.{isolation}", language)


def number(value: float, digits: int = 2) -> str:
    """A number for people: no trailing zeros, no exponent; ``–`` where it is none."""
    rounded = round(value, digits) if value == value and abs(value) < 1e15 else None
    if rounded is None:
        return "–"
    shown = f"{rounded:.{digits}f}"
    return (shown.rstrip("0").rstrip(".") if "." in shown else shown) or "0"


def points_word(points: float, language: Language) -> str:
    """So many points, in words."""
    if language == "zh":
        return f"{number(points)} 分"
    return f"{number(points)} point" + ("" if points == 1 else "s")
