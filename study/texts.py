"""The words that a new study begins with; researchers change them before they open it.

Plain text: a blank line parts paragraphs, and single line ends are only there to keep this file readable.
"""


def _flow(text: str) -> str:
    """One line a paragraph."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))


CONSENT = _flow(
    """
You are invited to take part in a research study about how people name parts of things that they see in
pictures.

What you will do: look at one page of pictures after another and type a short name for what they have in
common. There are no right or wrong answers, and nothing about you is tested.

What is kept: your answers and how long each page took, under a random code. We do not ask for your name,
and we store neither your e-mail address nor your internet address. The answers may be analysed, published
and shared with other researchers in this form.

Taking part is voluntary. You can stop at any time by closing the page, and you need not give a reason.
Answers that you have already sent are kept.

If you have a question, please ask the person who gave you this link.
"""
)

INSTRUCTIONS = _flow(
    """
Each page shows several pictures. In every picture one region is outlined and everything else is dimmed.

Look at what the outlined regions have in common, and type the name of that part in one to three words. Use
the first everyday word that comes to mind.

If the regions have nothing in common, or if you can't tell what they are, say so with one of the two other
buttons. Both are good answers too.
"""
)

THANKS = _flow(
    """
Thank you very much. All your answers have been saved, and you can close this page.
"""
)
