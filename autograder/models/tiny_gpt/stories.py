"""The text that the tiny GPT reads: little stories and questions, written by a seeded grammar.

A grammar gives each symbol its alternatives, ``symbol: one | another``. In an alternative

``{friend}``   is what ``friend`` was before in this document, or else a fresh draw;
``{FRIEND}``   is always a fresh draw (and from then on ``{friend}`` is that one);
``{Friend}``   is ``{friend}`` with a capital letter, for the beginning of a sentence;
``; key=text`` fixes a further symbol, so that a girl is "she" to the end;
``¶``          is a line break.

Draws are dealt like cards: no alternative comes twice in a document before all have come once.
"""

import random
import re
from collections.abc import Iterator

__all__ = ["corpus", "documents"]

Grammar = dict[str, list[str]]

ENGLISH = """
document:
  | {story}
  | {story}
  | {story}
  | {story}
  | {story}¶Q: {about}
  | {riddle}
  | Q: {QUIZ}
  | Q: {QUIZ}¶Q: {QUIZ}
story:
  | {open} {lost} {close}
  | {open} {animal} {close}
  | {open} {cook} {close}
  | {open} {trip} {close}
  | {open} {learn} {close}
  | {open} {gift} {close}
  | {open} {learn} {gift} {close}
  | {open} {trip} {animal} {close}
open:
  | Once upon a time, {hero} lived {home}.
  | Once upon a time there was {child} named {hero}.
  | One {weather} {daytime}, {hero} woke up early.
  | It was a {weather} {daytime}, and {hero} was {mood}.
  | {hero} lived with {family} {home}.
  | On {day}, {hero} had nothing to do.
  | Long ago, {home}, there lived {child} called {hero}.
hero:
  | {girl} ; she=she ; her=her ; him=her ; child=a little girl
  | {girl} ; she=she ; her=her ; him=her ; child=a clever girl
  | {boy} ; she=he ; her=his ; him=him ; child=a little boy
  | {boy} ; she=he ; her=his ; him=him ; child=a quiet boy
girl: Mia | Lily | Anna | Rose | Nora
boy: Tom | Leo | Ben | Sam | Max
family: {her} mother | {her} father | {her} aunt and two dogs | {her} big sister
  | {her} grandparents
home: in a small house by the sea | in a village near the forest | in a tall house in the city
  | on a farm at the foot of a hill | on a boat on the river
weather: sunny | windy | rainy | cold | warm | foggy | snowy
daytime: morning | afternoon | evening
day: Monday | Tuesday | Friday | Saturday | Sunday
mood: happy | bored | a little sad | full of ideas | very hungry | still sleepy
friend: the baker | the farmer | the teacher | an old sailor | a tall painter | the doctor
  | Grandma | Uncle Joe | Kim
colour: red | blue | green | yellow | white | black | purple | silver
toy: kite | ball | lantern | map | key | drum | book | cup | hat | clock | bell | robot
spot: under the bed | behind the door | in the garden | on the roof | inside a big box
  | near the well | between two stones | at the bottom of the stairs
trifle: dust | a spoon | three buttons | an empty jar | a piece of string
lost:
  | {She} had lost {her} {colour} {toy}. {SEARCH} {SEARCH} {ask} {found}
  | The {colour} {toy} was gone. {SEARCH} {ask} {SEARCH} {found}
search:
  | {She} looked {SPOT}, but it was not there.
  | {She} looked {SPOT} and found only {TRIFLE}.
  | Then {she} looked {SPOT}, but there was nothing.
  | {hero} searched every room in the house.
ask:
  | "Have you seen my {toy}?" {she} asked. "No," said {friend}, "but I can help you."
  | {Friend} came by and asked, "What are you looking for?"
  | {She} asked {friend}, who only laughed and shook hands with the dog.
found:
  | At last they found the {toy} {SPOT}.
  | In the end the {toy} was {SPOT}, just where {she} had left it.
  | Then the wind blew, and there was the {toy}, {SPOT}.
beast: cat | dog | fox | duck | rabbit | bird | turtle | goat
trouble: could not walk | had lost its mother | was stuck in the mud | was cold and wet
  | was afraid of the storm
animal:
  | {She} met a {beast} that {trouble}. {aid} {result}
  | {Where} {she} heard a soft sound. It was a small {beast} that {trouble}. {aid} {result}
where: on the way to school, | down by the river, | late at night, | behind the old mill,
aid:
  | "Do not worry," said {hero}. "I will help you."
  | {She} gave it some {FOOD} and a warm blanket.
  | {She} picked it up and carried it to {friend}.
  | {She} sat down next to it and sang a song.
result:
  | After {number} days the {beast} was well again.
  | The {beast} followed {him} home and stayed.
  | From that day on, the {beast} came to see {him} every {daytime}.
  | The {beast} smiled and went back into the forest.
number: two | three | four | five | six | seven
food: bread | soup | milk | rice | cheese | apples | honey | cake
cook:
  | {She} wanted to make {dish} for {friend}. {mishap} {taste}
  | {Friend} was ill, so {hero} made {dish}. {mishap} {taste}
dish: soup | bread | cake | cheese | jam | stew
mishap:
  | First {she} took {number} eggs, and then {she} dropped them all.
  | {She} forgot the sugar and used salt.
  | The fire was too hot, and the kitchen was full of smoke.
  | {She} read the book twice and did every step with care.
  | The {beast} ate half of it before noon.
taste:
  | "This is the best {dish} in the world," said {friend}.
  | {Friend} took one bite and asked for more.
  | Nobody liked it, but everybody laughed.
  | It tasted a little strange, but they ate it all.
place: the sea | the mountains | the market | the old castle | the library | the river
  | the old bridge
trip:
  | {She} wanted to see {place}, so {she} packed {FOOD} and {FOOD}. {road} {arrive}
  | "Let us go to {place}," said {friend}. {road} {arrive}
road:
  | They walked for {number} hours and sang all the way.
  | The train was late, and the rain did not stop.
  | The road was long, but {hero} was not tired.
  | On the way they met a {beast} and gave it some {food}.
  | {She} took the wrong path and had to ask {FRIEND}.
arrive:
  | When they came to {place}, the sun was going down.
  | There {she} found a {colour} {toy}.
  | {place_was}
place_was:
  | But when they got there, the gate was shut.
  | It was much bigger than {she} had thought.
  | There were people everywhere, and music too.
skill: swim | paint | count to one hundred | play the drum | ride a horse | read a map
  | write a letter
learn:
  | {hero} wanted to learn to {skill}. {attempt} {success}
  | "I will never learn to {skill}," said {hero}. {attempt} {success}
attempt:
  | The first time, {she} fell over.
  | {Friend} showed {him} how to do it, slowly, step by step.
  | {She} tried again and again, every {daytime}.
  | It was hard, and {she} wanted to stop.
success:
  | After {number} weeks {she} could {skill} better than {friend}.
  | On {day}, {she} did it without any help.
  | Now {she} teaches {FRIEND} to {skill}.
gift:
  | It was the birthday of {friend}. {hero} had no money, \
so {she} made a {colour} {toy} out of {stuff}.
  | {Friend} gave {him} a {colour} {toy}. "Keep it safe," {friend} said, \
"and never open it at night."
stuff: paper | wood | old shoes | glass and string | snow
close:
  | {hero} was very happy.
  | They all went home and had {FOOD} for dinner.
  | That night {hero} slept well.
  | "Thank you," said {hero}, and they were friends for ever.
  | And so the day ended, quiet and {WEATHER}.
  | {hero} never forgot that {daytime}.
  | "Tomorrow," said {hero}, "I will do it all again."
about:
  | Who is the story about?¶A: It is about {hero}.
  | What is the name of the child?¶A: The name is {hero}.
riddle:
  | {one} has a {toy}. {two} has {food}.¶Q: Who has the {toy}?¶A: {one} has the {toy}.
  | {one} has a {toy}. {two} has {food}.¶Q: Who has {food}?¶A: {two} has {food}.
  | {one} has a {colour} {toy}, and {two} has {food}.¶Q: What does {one} have?¶A: A {colour} {toy}.
  | {one} has a {colour} {toy}, and {two} has {food}.¶Q: What does {two} have?¶A: {Food}.
  | {one} went to {place}. {two} hid {spot}.¶Q: Where is {two}?¶A: {two} is {spot}.
  | {one} went to {place}. {two} hid {spot}.¶Q: Where is {one}?¶A: {one} went to {place}.
one: Mia | Tom | Lily | Leo | Anna
two: Ben | Rose | Sam | Nora | Max
quiz:
  | What colour is {OBJECT}?¶A: {Object} is {hue}.
  | What is the opposite of {WORD}?¶A: The opposite of {word} is {opposite}.
  | What is {SUM}?¶A: {sum} is {total}.
  | Which animal says {NOISE}?¶A: The {speaker} says {noise}.
  | How many legs does {LEGGED} have?¶A: {Legged} has {legs} legs.
  | Which day comes after {TODAY}?¶A: {next} comes after {today}.
object: the sky ; hue=blue | grass ; hue=green | snow ; hue=white | coal ; hue=black
  | a lemon ; hue=yellow | blood ; hue=red
word: hot ; opposite=cold | big ; opposite=small | old ; opposite=young
  | open ; opposite=shut | early ; opposite=late | full ; opposite=empty
  | happy ; opposite=sad | near ; opposite=far
noise: moo ; speaker=cow | meow ; speaker=cat | woof ; speaker=dog | quack ; speaker=duck
  | baa ; speaker=sheep
legged: a spider ; legs=eight | a bee ; legs=six | a horse ; legs=four | a duck ; legs=two
  | a snake ; legs=no
today: Monday ; next=Tuesday | Tuesday ; next=Wednesday | Wednesday ; next=Thursday
  | Thursday ; next=Friday | Friday ; next=Saturday | Saturday ; next=Sunday
  | Sunday ; next=Monday
"""

CHINESE = """
document:
  | {story}
  | {story}
  | {story}
  | {story}
  | {story}¶问：{about}
  | {riddle}
  | 问：{QUIZ}
  | 问：{QUIZ}¶问：{QUIZ}
story:
  | {open}{lost}{close}
  | {open}{animal}{close}
  | {open}{cook}{close}
  | {open}{trip}{close}
  | {open}{learn}{close}
  | {open}{trip}{animal}{close}
  | {open}{cook}{lost}{close}
open:
  | 从前，{home}住着一个{child}，名叫{hero}。
  | 很久以前，有个{child}叫{hero}，和{family}住在{home}。
  | 一个{weather}的{daytime}，{hero}早早就醒了。
  | {day}的{daytime}，{hero}没什么事可做。
  | 那天{daytime}，{hero}心里有点{mood}。
hero:
  | {girl} ; she=她 ; child=小姑娘
  | {girl} ; she=她 ; child=爱笑的女孩
  | {boy} ; she=他 ; child=小男孩
  | {boy} ; she=他 ; child=爱动脑筋的男孩
girl: 小红 | 小美 | 朵朵
boy: 小明 | 小刚 | 阿宝 | 乐乐
family: 爷爷奶奶 | 爸爸妈妈 | 外婆 | 两只小狗
home: 山脚下 | 海边的渔村里 | 森林旁边的木屋里 | 大城市的高楼里
weather: 晴朗 | 下雨 | 刮风 | 寒冷 | 雾蒙蒙
daytime: 早晨 | 下午 | 傍晚
day: 星期一 | 星期三 | 星期五 | 星期六 | 星期天
mood: 着急 | 难过 | 无聊 | 害怕
friend: 老师 | 面包师傅 | 邻居王奶奶 | 老船长 | 医生 | 卖花的姑娘
colour: 红 | 蓝 | 绿 | 黄 | 白 | 黑
toy: 风筝 | 皮球 | 灯笼 | 地图 | 钥匙 | 小鼓 | 帽子 | 闹钟 | 铃铛
spot: 床底下 | 门后面 | 花园里 | 屋顶上 | 井边 | 楼梯下面 | 大箱子里
lost:
  | {she}的{colour}{toy}不见了。{SEARCH}{SEARCH}{ask}{found}
  | {she}怎么也找不到自己的{toy}。{SEARCH}{ask}{found}
search:
  | {she}去{SPOT}找，没有找到。
  | {she}在{SPOT}找了半天，只找到几颗纽扣。
  | {she}又到{SPOT}看了看，什么也没有。
ask:
  | “你看见我的{toy}了吗？”{she}问。{friend}说：“没有，不过我可以帮你找。”
  | {friend}走过来问：“你在找什么呀？”
found: 最后，他们在{SPOT}找到了{toy}。 | 一阵风吹过，{toy}原来就在{SPOT}。
beast: 小猫 | 小狗 | 狐狸 | 鸭子 | 兔子 | 乌龟 | 小鸟
trouble: 迷路了 | 受伤了 | 找不到妈妈 | 掉进了泥坑 | 冷得发抖
animal:
  | 路上，{she}遇见一只{beast}，它{trouble}。{aid}{result}
  | 忽然，{she}听见轻轻的叫声，原来有一只{beast}{trouble}。{aid}{result}
aid:
  | “别怕，”{hero}说，“我来帮你。”
  | {she}给它喂了一点{FOOD}，又盖上一条毯子。
  | {she}把它抱起来，送到{friend}那里。
result:
  | {number}天以后，{beast}就好了。
  | 从那天起，{beast}每天{daytime}都来看{she}。
  | {beast}点点头，跑回了森林。
number: 两 | 三 | 四 | 五 | 六 | 七
food: 面包 | 米饭 | 饺子 | 面条 | 苹果 | 蜂蜜 | 豆腐 | 西瓜
cook:
  | {she}想给{friend}做{dish}。{mishap}{taste}
  | {friend}生病了，{hero}决定做{dish}送去。{mishap}{taste}
dish: 饺子 | 面条 | 豆腐汤 | 米饭 | 面包 | 点心
mishap:
  | {she}忘了放糖，却放了很多盐。
  | 火太大了，厨房里全是烟。
  | {she}照着书一步一步地做，一点也不马虎。
  | 刚做好，{beast}就偷吃了一半。
taste:
  | “这是世界上最好吃的{dish}！”{friend}说。
  | {friend}尝了一口，还想再要一碗。
  | 味道有点怪，可是大家都吃光了。
place: 海边 | 山顶 | 集市 | 图书馆 | 老城堡 | 河对岸
trip:
  | {she}想去{place}，就带上了{FOOD}和{FOOD}。{road}{arrive}
  | {friend}说：“我们去{place}吧！”{road}{arrive}
road:
  | 他们走了{number}个小时，一路唱着歌。
  | 路很远，可是{hero}一点也不累。
  | {she}走错了路，只好向{FRIEND}打听。
arrive:
  | 到了{place}，太阳已经下山了。
  | 在{place}，{she}捡到了{toy_found}。
  | {place}比{she}想的要大得多。
toy_found: 一把旧钥匙 | 一张发黄的地图 | 一枚闪亮的贝壳
skill: 游泳 | 画画 | 骑马 | 打鼓 | 写信 | 下棋 | 吹笛子
learn:
  | {hero}想学{skill}。{attempt}{success}
  | “我永远也学不会{skill}。”{hero}说。{attempt}{success}
attempt: 第一次，{she}摔了一跤。 | {friend}一步一步地教{she}。 | {she}每天{daytime}都练习。
  | 太难了，{she}差一点就放弃了。
success:
  | {number}个星期以后，{she}比{friend}还厉害。
  | {day}那天，{she}终于学会了。
  | 现在，{she}开始教{FRIEND}{skill}。
close:
  | {hero}高兴极了。
  | 大家一起回家，晚饭吃的是{FOOD}。
  | 那天晚上，{hero}睡得很香。
  | “谢谢你！”{hero}说。他们成了好朋友。
  | {hero}一直记得那个{daytime}。
about:
  | 这个故事讲的是谁？¶答：讲的是{hero}。
  | 故事里的孩子叫什么名字？¶答：叫{hero}。
riddle:
  | {who}有{TOY_FOUND}，{other}有{food}。¶问：谁有{food}？¶答：{other}有{food}。
  | {who}喜欢{skill}，{other}喜欢{food}。¶问：谁喜欢{skill}？¶答：{who}喜欢{skill}。
  | {who}在{place}，{other}在{spot}。¶问：{who}在哪儿？¶答：{who}在{place}。
  | {who}在{place}，{other}在{spot}。¶问：{other}在哪儿？¶答：{other}在{spot}。
who: 小明 | 小红 | 朵朵
other: 小刚 | 小美 | 阿宝
quiz:
  | {OBJECT}是什么颜色的？¶答：{object}是{hue}色的。
  | “{WORD}”的反义词是什么？¶答：“{word}”的反义词是“{opposite}”。
  | {SUM_ZH}等于几？¶答：{sum_zh}等于{total}。
  | {TODAY}的后一天是星期几？¶答：{today}的后一天是{next}。
  | {LEGGED}有几条腿？¶答：{legged}有{legs}条腿。
object: 天空 ; hue=蓝 | 小草 ; hue=绿 | 白雪 ; hue=白 | 煤炭 ; hue=黑 | 柠檬 ; hue=黄
word: 大 ; opposite=小 | 高 ; opposite=矮 | 冷 ; opposite=热 | 新 ; opposite=旧
  | 快 ; opposite=慢 | 远 ; opposite=近 | 开 ; opposite=关
legged: 蜘蛛 ; legs=八 | 蜜蜂 ; legs=六 | 马 ; legs=四 | 鸭子 ; legs=两
today: 星期一 ; next=星期二 | 星期二 ; next=星期三 | 星期三 ; next=星期四
  | 星期四 ; next=星期五 | 星期五 ; next=星期六 | 星期六 ; next=星期天
  | 星期天 ; next=星期一
"""


def parse(text: str) -> Grammar:
    """Read ``symbol: one | another`` lines; a line that starts with ``|`` continues the last."""
    joined = re.sub(r"\n\s+\|", " |", text.strip())
    pairs = (line.split(":", 1) for line in joined.splitlines())
    grammar = {name: [a.strip() for a in body.split("|") if a.strip()] for name, body in pairs}
    digits = [(a, b) for a in range(10) for b in range(10)]
    grammar["sum"] = [f"{a} plus {b} ; total={a + b}" for a, b in digits]
    grammar["sum_zh"] = [f"{a}加{b} ; total={a + b}" for a, b in digits]
    return grammar


class Writer:
    """Writes one document: remembers what was said, deals each symbol from its own deck."""

    def __init__(self, grammar: Grammar, rng: random.Random) -> None:
        self.grammar, self.rng = grammar, rng
        self.said: dict[str, str] = {}
        self.decks: Grammar = {}
        self.draw("hero")  # first, for the other sentences say "she" or "he"

    def draw(self, symbol: str) -> str:
        if not self.decks.get(symbol):
            self.decks[symbol] = self.rng.sample(self.grammar[symbol], len(self.grammar[symbol]))
        text, *bindings = self.decks[symbol].pop().split(" ; ")
        self.said |= dict(binding.split("=") for binding in bindings)
        self.said[symbol] = self.expand(text)
        return self.said[symbol]

    def expand(self, text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: self.fill(found[1]), text)

    def fill(self, name: str) -> str:
        symbol = name.lower()
        fresh = name.isupper() or symbol not in self.said
        text = self.draw(symbol) if fresh else self.said[symbol]
        return text[0].upper() + text[1:] if name.istitle() else text


def documents(seed: int, language: str) -> Iterator[str]:
    """Endless documents in ``"en"`` or ``"zh"``; the same seed gives the same ones."""
    rng = random.Random(f"{language}-{seed}")
    grammar = parse({"en": ENGLISH, "zh": CHINESE}[language])
    while True:
        yield Writer(grammar, rng).draw("document").replace("¶", "\n")


def corpus(size: int, *, seed: int = 0) -> tuple[list[str], list[str]]:
    """Write the documents to train on, and a twentieth as many to evaluate on.

    Two of three documents are English. The evaluation documents are written from another seed,
    and those that also occur in the training text are left out: short questions repeat.
    """

    def mix(seed: int, size: int) -> list[str]:
        en, zh = documents(seed, "en"), documents(seed, "zh")
        return [next(zh) if i % 3 == 2 else next(en) for i in range(size)]

    train = mix(seed, size)
    seen = set(train)
    heldout = [text for text in mix(seed + 1_000_000, size // 20) if text not in seen]
    return train, heldout
