"""What is wrong with a command as it was typed, in the learner's language.

Typer says it in English only; its sentences are few, and what is none of them stays as it is.
"""

from __future__ import annotations

import re

from autograder.language import Language

_CHINESE = [
    (r"No such command '(.*?)'\.?", r"没有 \1 这个命令。"),
    (r" Did you mean (.*)\?", r"是不是 \1？"),
    (r"No such option: (\S+)", r"没有选项 \1。"),
    (r" \(Possible options: (.*)\)", r"可能是 \1。"),
    (r"Missing (?:argument|option|parameter) '(.*?)'\.", r"还缺 \1。"),
    (r"Missing command\.", "还缺命令。"),
    (r"Option '(.*?)' requires an argument\.", r"选项 \1 后面要有值。"),
    (r"Option '(.*?)' does not take a value\.", r"选项 \1 后面不能有值。"),
    (r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)", r"多出了参数：\1。"),
    (r"Invalid value for '(.*?)': ", r"\1 的值不对："),
    (r"Input should be a valid (?:integer|number).*", "应是数字。"),
    (r"Input should be less than or equal to (.*)", r"最大是 \1。"),
    (r"Input should be greater than or equal to (.*)", r"最小是 \1。"),
    (r"Usage: ", "用法："),
    (r"(?m)^Options:$", "选项："),
    (r"(?m)^Commands:$", "命令："),
    (r"Show this message and exit\.", "显示这段说明。"),
    (r"\[OPTIONS\]", "[选项]"),
    (r"COMMAND \[ARGS\]\.\.\.", "命令 [参数]..."),
]


def is_wrong_use(error: Exception) -> bool:
    """Whether Typer refuses the command as it was typed."""
    return hasattr(error, "format_message") and getattr(error, "exit_code", 0) == 2


def wrong_use(error: Exception, language: Language) -> str:
    """How the command goes, where help is, and what is wrong."""
    message = str(error.format_message())  # type: ignore[attr-defined]
    context = getattr(error, "ctx", None)
    if context is None or "\n" in message:  # a command without arguments shows its help
        return in_language(message, language)
    usage, command = context.get_usage(), f"{context.command_path} {context.help_option_names[0]}"
    more = f"帮助：{command}" if language == "zh" else f"Help: {command}"
    return f"{in_language(message, language)}\n{in_language(usage, language)}\n{more}"


def in_language(sentence: str, language: Language) -> str:
    """A sentence of Typer's in `language`."""
    if language == "zh":
        for english, chinese in _CHINESE:
            sentence = re.sub(english, chinese, sentence)
    return sentence
