"""The wording of the interview, in both languages."""

from __future__ import annotations

from autograder.language import Language, Text

TEXTS: dict[str, Text] = {
    "begin": {
        "en": "{count} questions, about {minutes} minutes. Ctrl-C ends; {kept}.",
        "zh": "共 {count} 题，约 {minutes} 分钟。随时可按 Ctrl-C 结束，{kept}。",
    },
    "begin.one": {
        "en": "One question. Ctrl-C ends; {kept}.",
        "zh": "共 1 题。随时可按 Ctrl-C 结束，{kept}。",
    },
    "kept": {"en": "what is done is kept", "zh": "答完的题都会保存"},
    "unkept": {"en": "nothing of it is kept", "zh": "这次的作答不会保存"},
    "how": {
        "en": "Say it in a minute: type, and end with an empty line; or say it aloud and press "
        "Enter.",
        "zh": "用一分钟讲清楚。可以打字，以空行结束；也可以直接开口讲，讲完按回车。",
    },
    "took": {"en": "It took {time}.", "zh": "用时 {time}。"},
    "long": {
        "en": "It took {time}: more than a minute and a half is long.",
        "zh": "用时 {time}，超过一分半就偏长了。",
    },
    "model": {"en": "Said in a minute", "zh": "一分钟回答"},
    "yours": {"en": "Yours", "zh": "你的回答"},
    "aloud": {"en": "(said aloud)", "zh": "（口头作答）"},
    "points": {"en": "Key points", "zh": "要点"},
    "tick": {
        "en": "Which did you say? Numbers such as 1 3 4, a for all, Enter for none: ",
        "zh": "讲到了哪几条？输入编号，如 1 3 4；a 为全部；一条没有就按回车：",
    },
    "tick.proposed": {
        "en": "Enter keeps these marks; or numbers such as 1 3 4, a for all, 0 for none: ",
        "zh": "按回车采纳以上勾选；或自己输入编号，如 1 3 4；a 为全部，0 为一条没有：",
    },
    "tick.again": {
        "en": "The points are numbered 1 to {count}. Once more, please.",
        "zh": "编号只有 1 到 {count}，请重新输入。",
    },
    "hit": {"en": "{hit} of {count} key points", "zh": "讲到 {hit} / {count} 条要点"},
    "reads": {"en": "The interviewer reads …", "zh": "面试官正在看你的回答……"},
    "reads.not": {
        "en": "Not waited for; tick it yourself.",
        "zh": "不等了，请自己勾选。",
    },
    "dropped": {
        "en": "Points that the interviewer named without words of yours, and so not marked: "
        "{count}.",
        "zh": "面试官还点了 {count} 条，但引文不在你的回答里，没有勾选。",
    },
    "agree.what": {
        "en": "For each answer that you type, this goes to {url}, and nothing else:",
        "zh": "你每打一个回答，就向 {url} 发送以下内容，此外什么也不发：",
    },
    "agree.answer": {"en": "(what you typed)", "zh": "（你打的回答）"},
    "agree.key": {
        "en": "Your OPENAI_API_KEY goes with it.",
        "zh": "请求会带上你的 OPENAI_API_KEY。",
    },
    "agree.open": {
        "en": "The connection is not encrypted (http): others on the way can read it.",
        "zh": "连接未加密（http），途经的机器都能看到内容。",
    },
    "agree": {"en": "Send it? y is yes, Enter is no: ", "zh": "同意发送吗？y 同意，回车不同意："},
    "agree.not": {
        "en": "Nothing is sent. The interview goes on without an interviewer.",
        "zh": "什么也不会发送，面试照常进行。",
    },
    "next.own": {
        "en": "The interviewer's own question: the lesson may hold the answer, no model answer "
        "does.",
        "zh": "这是面试官临场追问的，没有参考答案，可以到课文里找。",
    },
    "next": {"en": "They ask next", "zh": "追问"},
    "open": {"en": "Answer it, then press Enter. ", "zh": "先自己回答，再按回车看答案。"},
    "claim": {"en": "True or false, and why?", "zh": "判断对错，并说明理由"},
    "claim.about": {"en": "{title}: somebody says", "zh": "关于{title}，有人说："},
    "claim.ask": {"en": "t is true, f is false: ", "zh": "对输入 t，错输入 f："},
    "claim.again": {"en": "t or f, please.", "zh": "请输入 t 或 f。"},
    "claim.right": {"en": "You are right: it is {truth}.", "zh": "判断正确：这句话{truth}。"},
    "claim.wrong": {"en": "It is {truth}.", "zh": "判断有误：这句话{truth}。"},
    "true": {"en": "true", "zh": "是对的"},
    "false": {"en": "false", "zh": "是错的"},
    "documents": {"en": "The documents say", "zh": "原文"},
    "wrong": {"en": "Wrong, because", "zh": "错因"},
    "right": {"en": "Right", "zh": "正解"},
    "go": {"en": "Enter: the next question. ", "zh": "按回车进入下一题。"},
    "summary": {"en": "What you said", "zh": "本次小结"},
    "statements": {
        "en": "Statements judged right: {right} of {count}",
        "zh": "对错判断：{count} 句中判对 {right} 句",
    },
    "read": {"en": "Read", "zh": "读一读"},
    "do": {"en": "Do", "zh": "做一做"},
    "all": {
        "en": "All key points were there. `touchstone interview` asks others.",
        "zh": "要点全部讲到。再运行 `touchstone interview` 换几题。",
    },
    "nothing": {
        "en": "No question was finished, so nothing was kept.",
        "zh": "没有答完的题，未作记录。",
    },
    "page.title": {"en": "Interview", "zh": "模拟面试"},
    "page.script": {
        "en": "This page needs JavaScript; `touchstone interview` asks the same in a terminal.",
        "zh": "本页需要 JavaScript；也可以在终端运行 `touchstone interview`。",
    },
    "page.intro": {
        "en": "A question, a clock, then the answer beside yours; {kept}.",
        "zh": "出题、计时，再对照参考回答，{kept}。",
    },
    "page.minutes": {"en": "Minutes that you have", "zh": "可用时间（分钟）"},
    "page.begin": {"en": "Begin", "zh": "开始"},
    "page.again": {"en": "Another interview", "zh": "再来一场"},
    "page.how": {
        "en": "Say it in a minute: type it, or say it aloud.",
        "zh": "用一分钟讲清楚：可以打字，也可以直接开口讲。",
    },
    "page.done": {"en": "Done: show the answer", "zh": "讲完了，看答案"},
    "page.tick": {"en": "Which key points did you say?", "zh": "讲到了哪几条要点？"},
    "page.tick.proposed": {
        "en": "The interviewer's marks, with your own words; change what is not so.",
        "zh": "面试官勾选了这些，并附上你的原话；不对的请改过来。",
    },
    "page.agree": {"en": "An interviewer that reads", "zh": "由面试官评阅"},
    "page.agree.yes": {"en": "Send my answers", "zh": "同意发送"},
    "page.agree.no": {"en": "Send nothing", "zh": "什么也不发"},
    "page.keep": {"en": "Keep it", "zh": "记下，继续"},
    "page.show": {"en": "Show the answer", "zh": "看答案"},
    "page.leave": {"en": "End the interview here", "zh": "就到这里，结束面试"},
    "page.on": {"en": "Go on", "zh": "继续"},
    "page.true": {"en": "True", "zh": "对"},
    "page.false": {"en": "False", "zh": "错"},
    "page.aloud": {"en": "Read aloud", "zh": "朗读"},
}


def said(key: str, language: Language, **fields: object) -> str:
    """The wording called `key`, with its fields filled in."""
    return TEXTS[key][language].format(**fields)
