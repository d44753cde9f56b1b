"""The words that a new study begins with, in each language; researchers change them before they open it.

Plain text: a blank line parts paragraphs, and single line ends are only there to keep this file readable.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Texts:
    consent: str
    instructions: str
    thanks: str


def of(language: str) -> Texts:
    """The usual texts of a study in this language; in English where there are none."""
    return _TEXTS.get(language, _TEXTS["en"])


def translated(sentence: str, language: str) -> str:
    """One of the exhibits' own sentences in another language; any other sentence stays as it is."""
    return _SENTENCES.get(language, {}).get(sentence, sentence)


PRACTICE_NAMES = frozenset(
    ["wheel", "wheels", "tyre", "tyres", "tire", "tires", "车轮", "轮子", "轮胎", "轮", "车轱辘"]
)
"""What people call the part in the practice picture, in every language."""


def _flow(text: str, space: str = " ") -> str:
    """One line a paragraph; between lines a space, or nothing in scripts that have none."""
    return "\n\n".join(space.join(paragraph.split("\n")) for paragraph in text.strip().split("\n\n"))


_ENGLISH = Texts(
    consent=_flow(
        """
You are invited to take part in a research study about how people name parts of things that they see in
pictures.

What you will do: look at one page of pictures after another and type a short name for what they have in
common. There are no right or wrong answers, and nothing about you is tested.

What is kept: your answers, how long each page took and whether you left it meanwhile, under a random code.
If a recruiting service sent you, what it calls you is kept apart from them, so that you can be paid, and is
deleted later. We do not ask for your name, and we store neither your e-mail address nor your internet
address. The answers may be analysed, published and shared with other researchers in this form.

Taking part is voluntary. You can skip any page, and you can stop at any time by closing it; you need not
give a reason. Answers that you have already sent are kept. If you want them deleted, follow the link "What
is stored about you" at the foot of each page: there you can see them, download them and withdraw.

If you have a question, please ask the person who gave you this link.
"""
    ),
    instructions=_flow(
        """
Each page shows several pictures. In every picture one region is outlined and everything else is dimmed.

Look at what the outlined regions have in common, and type the name of that part in one to three words. Use
the first everyday word that comes to mind.

If the regions have nothing in common, or if you can't tell what they are, say so with one of the two other
buttons. Both are good answers too.
"""
    ),
    thanks=_flow(
        """
Thank you very much. All your answers have been saved, and you can close this page.
"""
    ),
)

_CHINESE = Texts(
    consent=_flow(
        """
诚邀您参加一项研究:人们如何称呼图片中事物的各个部分。

您要做的事:逐页观看图片,并输入一个简短的名称,说明图中标出的区域有什么共同之处。答案没有对错之分,
我们也不会对您进行任何测试。

我们保存的内容:您的回答、每页所用的时间以及其间您是否离开过页面,均记在一个随机代码之下。如果您由招募平台介绍而来,
平台给您的编号会与回答分开保存,以便向您支付报酬,之后将被删除。我们不询问您的姓名,也不保存您的电子邮箱或网络地址。
这些回答可能以上述形式用于分析、发表,并与其他研究者共享。

参加与否完全自愿。您可以跳过任何一页,也可以随时关闭页面退出,无需说明理由。已经提交的回答会保留。
如果您希望删除它们,请使用每页底部的链接“我们保存了关于您的哪些内容”:您可以查看、下载这些内容,也可以撤回。

如有疑问,请询问给您此链接的人。
""",
        "",
    ),
    instructions=_flow(
        """
每一页都有若干图片。每张图片中有一个区域被勾勒出来,其余部分变暗。

请看这些被勾勒的区域有什么共同之处,并用一到三个词写出这个部分的名称。请使用您最先想到的日常用词。

如果这些区域没有共同之处,或者您看不出它们是什么,请点击另外两个按钮之一。这两种回答同样有价值。
""",
        "",
    ),
    thanks=_flow(
        """
非常感谢。您的所有回答均已保存,现在可以关闭此页面。
""",
        "",
    ),
)

_TEXTS = {"en": _ENGLISH, "zh-hans": _CHINESE}
_SENTENCES = {
    "zh-hans": {
        "What part do these regions show?": "这些区域显示的是什么部分?",
        "A grid of pictures. In each, one region is outlined and everything else is dimmed.": (
            "一组图片。每张图片中有一个区域被勾勒出来,其余部分变暗。"
        ),
    }
}
