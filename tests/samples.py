"""Made-up results of the exercise `metrics`, one of each kind that a report has to tell of."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path

from autograder.evidence.runs import CellOutput, CellRun
from autograder.exercise.catalog import Exercise, Task
from autograder.judging.results import Seconds, SubmissionResult, TaskResult, Verdict
from autograder.language import LANGUAGES, Language, Text


def both(en: str, zh: str) -> Text:
    return {"en": en, "zh": zh}


def png(width: int = 240, height: int = 120) -> str:
    """Base64 of a small picture: a curve that rises from the lower left."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = bytearray()
    for y in range(height):
        curve = [int(width * (1 - (1 - y / height) ** 0.4))]
        rows += b"\0" + bytes(
            value
            for x in range(width)
            for value in ((10, 92, 192) if abs(x - width + curve[0]) < 2 else (247, 248, 250))
        )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(rows))) + chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + data).decode("ascii")


def exercise(slug: str) -> Exercise:
    hints = dict.fromkeys(LANGUAGES, ("1", "2", "3"))
    task = Task("recall", both("Recall", "召回率"), ("recall",), 2.0, 1, 5, hints)
    return Exercise(slug, both("Metrics", "指标"), (), (), 1, 1, 1, (task,), Path("course") / slug)


def sample_results(language: Language = "en") -> list[SubmissionResult]:
    """A submission with every kind of verdict, one all right, one untouched, one ungradable."""
    return [
        SubmissionResult(
            "class/lin/metrics.ipynb", "metrics", language, 8.3, 20.0, Seconds(0.214, 0.612, 0.893),
            "sandbox", (_counts(), _recall(), _f1(), _auc(), _perplexity(), _screening(), _audit()),
            _cells(),
        ),
        SubmissionResult(
            "class/okafor/metrics.ipynb", "metrics", language, 2.0, 2.0, Seconds(0.2, 0.3, 0.55),
            "sandbox", (_counts(),),
        ),
        SubmissionResult(
            "class/sato/metrics.ipynb", "metrics", language, 0.0, 3.0, Seconds(0.1, 0.0, 0.13),
            "process", (_audit(),),
        ),
        SubmissionResult(
            "class/weber/notes.ipynb", language=language,
            problem=both(
                "The notebook names no exercise: its first code cell should set `EXERCISE`. "
                "Make a fresh one with `touchstone start` and paste your cells into it.",
                "notebook 没有写明是哪个练习：第一个代码单元应给 `EXERCISE` 赋值。"
                "请用 `touchstone start` 新建一份，再把你的单元粘贴进去。",
            ),
        ),
    ]  # fmt: skip


def _counts() -> TaskResult:
    claims = [
        both("Each pair falls into exactly one of the four cells.",
             "每一对标签与预测恰好落入四格之一。"),
        both("The order is (tp, fp, fn, tn).", "返回顺序为 (tp, fp, fn, tn)。"),
        both("Empty input gives four zeros.", "空输入得到四个 0。"),
    ]  # fmt: skip
    verdicts = tuple(
        Verdict(f"counts_{n}", claim, "pass", seconds=0.002) for n, claim in enumerate(claims)
    )
    title = both("The four counts of a confusion table", "混淆矩阵的四个计数")
    return TaskResult("confusion_counts", title, "pass", 2.0, 2.0, verdicts)


def _recall() -> TaskResult:
    diagnosis = both(
        "Takes specificity (TN over actual negatives) for recall.",
        "把特异度（TN 除以实际负例数）当作召回率。",
    )
    step = both(
        "Divide by the actual positives: `tp + fn`, not `tn + fp`.",
        "分母应为实际正例数：`tp + fn`，而不是 `tn + fp`。",
    )

    def wrong(name: str, claim: Text, out: str, expected: str, call: str) -> Verdict:
        return Verdict(
            name, claim, "fail", both("What came out differs.", "结果不一致。"), "specificity",
            diagnosis, out, both(expected, expected), step, seconds=0.003, call=call,
        )  # fmt: skip

    verdicts = (
        wrong("counts_found_positives",
              both("Recall is the share of actual positives that were found.",
                   "召回率是实际正例中被找出的比例。"), "0.958", "0.731",
              "recall(<int64 array (569,): 1, 1, 0, 1, …>, <int64 array (569,): 1, 0, 0, 1, …>)"),
        wrong("is_one_when_all_found",
              both("It is 1 when every positive is found, however many false alarms there are.",
                   "只要正例全部找出，无论误报多少，召回率都是 1。"), "0.0", "1.0",
              "recall([1, 0, 1], [1, 1, 1])"),
        Verdict("no_positives_gives_zero",
                both("Without actual positives it is 0.0.", "没有实际正例时为 0.0。"), "pass"),
    )  # fmt: skip
    return TaskResult("recall", both("Recall", "召回率"), "fail", 0.67, 2.0, verdicts)


def _f1() -> TaskResult:
    message = both(
        "It stopped with ZeroDivisionError: float division by zero",
        "运行出错：ZeroDivisionError: float division by zero",
    )
    verdicts = (
        Verdict("harmonic_mean",
                both("F1 is the harmonic mean of precision and recall.",
                     "F1 是精确率与召回率的调和平均。"), "pass",
                both("Right, given your `recall`: mend that, and this stands.",
                     "在你的 `recall` 基础上是对的：改好 `recall`，这里就成立。")),
        Verdict("zero_when_nothing_found",
                both("It is 0.0 when nothing was found.", "一个都没找到时为 0.0。"), "error",
                message, step=both("Look at f1, line 4 of your notebook.",
                                   "看看 notebook 中 f1 第 4 行。"),
                where="f1:4", line="return 2 * p * r / (p + r)", call="f1([1, 0, 1], [0, 0, 0])"),
    )  # fmt: skip
    return TaskResult("f1", both("F1", "F1 值"), "error", 1.0, 2.0, verdicts)


def _auc() -> TaskResult:
    verdicts = (
        Verdict("ties_count_one_half",
                both("A tie between a positive and a negative counts one half.",
                     "正负样本分数相同时各计一半。"), "fail",
                both("What came out differs.", "结果不一致。"), "counts_ties_as_wins",
                both("Counts a tie as a full win.", "把分数相同当作完全获胜。"), "0.6014",
                both("0.5087", "0.5087"),
                both("Give a tie one half.", "分数相同时记 0.5。")),
        Verdict("curve_is_monotone",
                both("The curve runs from (0, 0) to (1, 1) and never turns back.",
                     "曲线从 (0, 0) 到 (1, 1)，从不回头。"), "fail",
                both("What came out differs.", "结果不一致。"), came_out="[0.0, 0.25, 0.2, 1.0]",
                expected=both("numbers that do not decrease", "不减的一串数"),
                step=both('Open a hint: hint("roc_auc").', '看一条提示：hint("roc_auc")。'),
                call="roc_auc([0, 1, 0, 1], [0.1, 0.9, 0.4, 0.35])", calls=5),
    )  # fmt: skip
    title = both("The ROC curve and the area under it", "ROC 曲线与曲线下面积")
    return TaskResult("roc_auc", title, "fail", 0.0, 4.0, verdicts)


def _perplexity() -> TaskResult:
    verdicts = (
        Verdict("weights_tokens",
                both("Every token of the batch counts the same.", "批内每个 token 权重相同。"),
                "timeout", both("It ran too long: over 10 s.", "运行超时：超过 10 秒。"),
                step=both("Try `perplexity` on three values; look for a loop that does not end.",
                          "先用三个数试 `perplexity`，找一找不会结束的循环。")),
        Verdict("ignores_padding",
                both("Padding is left out.", "填充位置不计入。"), "memory",
                both("It used more memory than allowed.", "占用内存超出限制。")),
        Verdict("one_sequence",
                both("One sequence alone gives its own perplexity.",
                     "单条序列得到它自己的困惑度。"),
                "crashed", both("It brought its process down: signal 11.",
                                "进程被它弄崩了：signal 11。")),
    )  # fmt: skip
    title = both("Perplexity over a padded batch", "带填充批次的困惑度")
    return TaskResult("perplexity", title, "crashed", 0.0, 3.0, verdicts)


def _screening() -> TaskResult:
    verdicts = (
        Verdict("reaches_the_recall",
                both("The threshold reaches the recall that was asked for.",
                     "阈值达到所要求的召回率。"),
                "tampered", both("The report of this check cannot be trusted: it came twice.",
                                 "该检查的结果不可信：出现了两次。")),
        Verdict("best_specificity",
                both("Of those, it has the best specificity.", "其中特异度最高。"), "internal",
                both("Our fault, not yours: the check gave no report. Please report it.",
                     "是我们的错，不怪你：检查没有给出结果。请反馈给我们。")),
    )  # fmt: skip
    title = both("A screening threshold", "筛查阈值")
    return TaskResult("screening_threshold", title, "internal", 0.0, 4.0, verdicts)


def _audit() -> TaskResult:
    claims = [
        both("A row whose two totals disagree cannot be a confusion table.",
             "两种合计不一致的行不可能是混淆矩阵。"),
        both("A possible row gets the lowest and the highest number of true positives.",
             "可能的行给出真正例数的下界与上界。"),
    ]  # fmt: skip
    verdicts = tuple(
        Verdict(f"audit_{n}", claim, "todo", both("Not started yet.", "尚未作答。"))
        for n, claim in enumerate(claims)
    )
    title = both("Audit of an impossible table", "核对一张不可能的表")
    return TaskResult("audit_table", title, "todo", 0.0, 3.0, verdicts)


def _cells() -> tuple[CellRun, ...]:
    return (
        CellRun("setup", "import numpy as np\nimport pandas_profiling", (
            CellOutput("error", "ModuleNotFoundError: No module named 'pandas_profiling'"),
        ), "ModuleNotFoundError", "No module named 'pandas_profiling'", 0.01),
        CellRun("recall", "def recall(labels, predictions):\n"
                "    tp, fp, fn, tn = confusion_counts(labels, predictions)\n"
                "    return tn / (tn + fp) if tn + fp else 0.0", (), seconds=0.001),
        CellRun("recall-try", "recall([1, 1, 0], [1, 0, 0])", (CellOutput("result", "1.0"),)),
        CellRun("roc_auc-plot", "plt.plot(fpr, tpr)", (
            CellOutput("stream", "\x1b[32m100%\x1b[0m 30/30\n"),
            CellOutput("display", "<Figure size 640x480 with 1 Axes>", png()),
        )),
    )  # fmt: skip
