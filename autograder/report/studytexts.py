"""The fixed wording around cards and readiness, in both languages."""

from __future__ import annotations

from autograder.language import Language, Text

TEXTS: dict[str, Text] = {
    "left": {
        "en": "{again} again · {due} due · {new} new",
        "zh": "重来 {again} · 到期 {due} · 新卡 {new}",
    },
    "rating.1": {"en": "again", "zh": "忘了"},
    "rating.2": {"en": "hard", "zh": "吃力"},
    "rating.3": {"en": "good", "zh": "记得"},
    "rating.4": {"en": "easy", "zh": "轻松"},
    "minutes": {"en": "{n} min", "zh": "{n} 分钟"},
    "hours": {"en": "{n} h", "zh": "{n} 小时"},
    "days": {"en": "{n} d", "zh": "{n} 天"},
    "months": {"en": "{n} mo", "zh": "{n} 个月"},
    "years": {"en": "{n} y", "zh": "{n} 年"},
    "keys.front": {"en": "Enter shows the answer", "zh": "回车看答案"},
    "keys.undo": {"en": "u undo", "zh": "u 撤销"},
    "keys.quit": {"en": "q quit", "zh": "q 退出"},
    "undone": {"en": "Taken back.", "zh": "已撤销上一次作答。"},
    "nothing.undo": {"en": "There is nothing to take back.", "zh": "没有可撤销的作答。"},
    "unknown": {
        "en": "One of 1, 2, 3, 4, u and q, please.",
        "zh": "请按 1、2、3、4、u 或 q。",
    },
    "done": {
        "en": "Answers: {answers}, remembered: {remembered}, in {minutes} min.",
        "zh": "作答 {answers} 次，记得 {remembered} 次，用时 {minutes} 分钟。",
    },
    "more": {
        "en": "Cards left for today: {left}. Go on with `touchstone review`.",
        "zh": "今天还剩 {left} 张卡片。继续：`touchstone review`",
    },
    "next": {
        "en": "Nothing more today. Cards that come back in {after}: {cards}.",
        "zh": "今天的都做完了。{after}后再复习 {cards} 张。",
    },
    "none": {
        "en": "Nothing more today, and no card is waiting. `--new N` takes further ones.",
        "zh": "今天的都做完了，也没有等待复习的卡片。想多学新卡，用 `--new N`。",
    },
    "merged": {"en": "New or better: {what}.", "zh": "新增或更新：{what}。"},
    "nothing.merged": {
        "en": "Your journal has all of it already.",
        "zh": "这些内容学习记录里都已经有了。",
    },
    "merged.attempts": {"en": "{count} attempts", "zh": "作答 {count} 份"},
    "merged.hints": {"en": "{count} hints", "zh": "提示 {count} 条"},
    "merged.surrenders": {"en": "{count} tasks given up", "zh": "放弃的题 {count} 道"},
    "merged.reviews": {"en": "{count} reviews", "zh": "复习 {count} 次"},
    "merged.answers": {"en": "{count} spoken answers", "zh": "口答 {count} 次"},
    "merged.plans": {"en": "{count} plans", "zh": "计划 {count} 份"},
    "ready.questions": {"en": "Question", "zh": "问题"},
    "ready.lessons": {"en": "Lesson", "zh": "课文"},
    "ready.said": {"en": "said", "zh": "口答"},
    "ready.done": {"en": "tasks", "zh": "做题"},
    "ready.kept": {"en": "cards", "zh": "卡片"},
    "ready.value": {"en": "ready", "zh": "就绪"},
    "ready.rest": {
        "en": "and {count} more: touchstone progress",
        "zh": "另有 {count} 道：touchstone progress",
    },
    "ready.means": {
        "en": "said: key points hit lately (answers given; the weight halves in 14 days) · tasks: "
        "points reached (tasks begun) · cards: what FSRS expects you to remember now, unseen ones "
        "as 0 (cards seen) · ready: the mean of what there is.",
        "zh": "口答：近期答到的要点占比（括号内为回答次数，权重每 14 天减半）· "
        "做题：得分占比（括号内为动过的题）· 卡片：FSRS 估计此刻还记得的比例，没学过的按 0 计"
        "（括号内为学过的卡片）· 就绪：以上各项的平均。",
    },
    "ready.today": {"en": "Cards today: {left}.", "zh": "今天的卡片：{left}。"},
    "comma": {"en": ", ", "zh": "，"},
}


def said(key: str, language: Language, **fields: object) -> str:
    """The wording called `key` in `language`, with its fields filled in."""
    return TEXTS[key][language].format(**fields)
