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
    "merged.judgements": {"en": "{count} statements judged", "zh": "对错判断 {count} 句"},
    "merged.plans": {"en": "{count} plans", "zh": "计划 {count} 份"},
    "ready.questions": {"en": "Question", "zh": "问题"},
    "ready.lessons": {"en": "Lesson", "zh": "课文"},
    "ready.said": {"en": "said", "zh": "口答"},
    "ready.done": {"en": "tasks", "zh": "做题"},
    "ready.kept": {"en": "cards", "zh": "卡片"},
    "ready.value": {"en": "ready", "zh": "就绪"},
    "ready.rest": {
        "en": "and {count} more: `touchstone progress`",
        "zh": "另有 {count} 道：`touchstone progress`",
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
    "plan.cards": {
        "en": "Days until {until}: {days}. Cards: {cards}, {seen} of them seen already.",
        "zh": "到 {until} 还有 {days} 天，共 {cards} 张卡片，已学过 {seen} 张。",
    },
    "plan.takes": {
        "en": "All of them take about {mean} minutes a day, at most {most} (on {worst}).",
        "zh": "全部学完平均每天约 {mean} 分钟，最多的一天（{worst}）要 {most} 分钟。",
    },
    "plan.measured": {
        "en": "Measured on {measured} answers of yours: {first} s for a new card, {again} s for "
        "one that comes back. Tasks to redo come on top.",
        "zh": "按你最近 {measured} 次作答实测：新卡每张 {first} 秒，复习每张 {again} 秒。"
        "重做题目的时间另算。",
    },
    "plan.assumed": {
        "en": "Assumed, as too few answers of yours are known: {first} s for a new card, {again} s "
        "for one that comes back. Tasks to redo come on top.",
        "zh": "你的作答还太少，暂按新卡每张 {first} 秒、复习每张 {again} 秒估算。"
        "重做题目的时间另算。",
    },
    "plan.twice": {
        "en": "With {new} new cards a day, each is seen on two days at least before then.",
        "zh": "每天 {new} 张新卡，到那天之前每张至少在两个不同的日子见过。",
    },
    "plan.once": {
        "en": "With {new} new cards a day all are seen; {once} of them on one day only, since no "
        "day is left.",
        "zh": "每天 {new} 张新卡，能全部学到；但其中 {once} 张只来得及见一天。",
    },
    "plan.no": {
        "en": "That does not fit into {budget} minutes a day. The first {fitting} cards in the "
        "order of reading do, with {new} new ones a day, and so it is planned. For all of them: "
        "{most} minutes a day (--minutes {most}), a later date, or fewer lessons (--track, "
        "--slug).",
        "zh": "每天 {budget} 分钟排不下。按阅读顺序只排得下前 {fitting} 张，"
        "每天 {new} 张新卡，计划就按这个来。想全部学完：每天留出 {most} 分钟"
        "（--minutes {most}），或推迟日期，或少学几课（--track、--slug）。",
    },
    "plan.nothing": {
        "en": "Nothing of that fits into {budget} minutes a day. Take more time, a later date, or "
        "fewer lessons (--track, --slug).",
        "zh": "每天 {budget} 分钟一张也排不下。请多留些时间，或推迟日期，"
        "或少学几课（--track、--slug）。",
    },
    "plan.go": {"en": "Begin:", "zh": "开始："},
    "plan.none": {"en": "No plan holds any more.", "zh": "计划已取消。"},
    "plan.holds": {
        "en": "By your plan until {until}: {new} new cards a day.",
        "zh": "按计划学到 {until}：每天 {new} 张新卡。",
    },
    "plan.behind": {
        "en": "You are behind it: by now it takes {new} new cards a day. Plan anew: "
        "`touchstone review --until {until}`",
        "zh": "进度落后了，现在每天要学 {new} 张新卡才来得及。"
        "重新排：`touchstone review --until {until}`",
    },
    "page.title": {"en": "Review", "zh": "复习"},
    "page.show": {"en": "Show the answer", "zh": "看答案"},
    "page.undo": {"en": "Take back the last answer", "zh": "撤销上一次作答"},
    "page.script": {
        "en": "Cards need JavaScript here; `touchstone review` asks them in a terminal.",
        "zh": "这里的卡片需要 JavaScript；也可以在终端里用 `touchstone review` 复习。",
    },
    "page.end": {
        "en": "Nothing more today. What you answered is kept.",
        "zh": "今天的都做完了，作答都已保存。",
    },
    "page.end.unkept": {"en": "Nothing more today.", "zh": "今天的都做完了。"},
    "comma": {"en": ", ", "zh": "，"},
}


def said(key: str, language: Language, **fields: object) -> str:
    """The wording called `key` in `language`, with its fields filled in."""
    return TEXTS[key][language].format(**fields)
