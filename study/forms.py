"""What participants send. A fault in what is only measured never costs an answer."""

from datetime import datetime
from typing import Any

from django import forms
from django.core import signing
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from study import evidence, names
from study.models import Answer, Study, Version, new_token

LONGEST_LINE = 200
"""Characters of an answer to an optional question."""
LONGEST_FEEDBACK = 4000
SIMULATED = "simulated."
"""Begins a bot's token; who has not the site's key can make no ticket for one."""


class StartForm(forms.Form):
    """Carries the token of the participant to be, so that starting twice makes one participant."""

    ticket = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, study: Study, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.signer = _start_signer(study)
        self.fields["ticket"].initial = lambda: self.signer.sign(new_token())

    def clean_ticket(self) -> str:
        try:
            return self.signer.unsign(self.cleaned_data["ticket"])
        except signing.BadSignature as error:
            raise forms.ValidationError(
                _("This page has grown old. Please press Start once more.")
            ) from error


class ConsentForm(forms.Form):
    of_age = forms.BooleanField(
        error_messages={
            "required": gettext_lazy("Please tick this box if it is so. Otherwise you cannot take part.")
        }
    )
    agree = forms.BooleanField(
        label=gettext_lazy("I have read this and I agree to take part."),
        error_messages={"required": gettext_lazy("Please tick the box if you agree to take part.")},
    )

    def __init__(self, *args: Any, version: Version, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        age = version.setting("least_age")
        self.fields["of_age"].label = _("I am at least %(age)s years old.") % {"age": age}
        if not age:
            del self.fields["of_age"]


class QuestionsForm(forms.Form):
    """The study's optional questions. Nobody has to answer, so nothing here is ever wrong."""

    def __init__(self, *args: Any, questions: list[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.keys = [each["key"] for each in questions]
        for number, each in enumerate(questions):
            self.fields[f"question-{number}"] = _optional(each)

    @property
    def profile(self) -> dict[str, str]:
        """The answers that were given, by the questions' keys."""
        given = {key: self.cleaned_data.get(f"question-{n}", "") for n, key in enumerate(self.keys)}
        return {key: answer for key, answer in given.items() if answer}


class CheckForm(forms.Form):
    """The comprehension check, and the number of the attempt, so that a page sent twice counts once."""

    attempt = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, questions: list[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = [f"check-{number}" for number in range(len(questions))]
        for name, each in zip(self.names, questions, strict=True):
            self.fields[name] = forms.TypedChoiceField(
                label=each["text"],
                choices=list(enumerate(each["choices"])),
                coerce=int,
                error_messages={"required": _("Please choose one of the answers.")},
            )

    @property
    def chosen(self) -> list[int]:
        return [self.cleaned_data[name] for name in self.names]


class _Printable(forms.CharField):
    """Never refuses what no database takes, but leaves it out."""

    def to_python(self, value: Any) -> str:
        return printable(super().to_python(value))


class AnswerForm(forms.Form):
    kind = forms.ChoiceField(choices=Answer.Kind, widget=forms.HiddenInput)
    words = forms.CharField(
        required=False,
        strip=False,
        max_length=Answer._meta.get_field("words").max_length,
        error_messages={"max_length": gettext_lazy("Please use a shorter name, of one to three words.")},
    )
    seconds = _Printable(required=False)
    shown = _Printable(required=False)
    focus_losses = _Printable(required=False)
    away_seconds = _Printable(required=False)
    pastes = _Printable(required=False)

    def clean_shown(self) -> datetime | None:
        try:
            return datetime.fromisoformat(_shown_signer().unsign(self.cleaned_data["shown"]))
        except (signing.BadSignature, ValueError):
            return None

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("kind") != Answer.Kind.NAME:
            data["words"] = ""
        elif "words" in data and (problem := problem_of(data["words"])):
            self.add_error("words", problem)
        return data

    @property
    def answer(self) -> dict[str, Any]:
        """As `sessions.answer` takes it."""
        data = self.cleaned_data
        measured = ("focus_losses", "away_seconds", "pastes")
        return {
            "kind": data["kind"],
            "words": data["words"],
            "seconds": evidence.seconds(data["seconds"]),
            "shown_at": data["shown"],
            "evidence": {name: evidence.seconds(data[name]) for name in measured if data[name]},
        }


class FeedbackForm(forms.Form):
    feedback = _Printable(required=False, widget=forms.Textarea)

    def clean_feedback(self) -> str:
        """Longer than anybody writes is cut: the last page is no place to be turned away."""
        return self.cleaned_data["feedback"][:LONGEST_FEEDBACK]


def printable(text: str) -> str:
    """Without what no database takes: zero bytes and halves of characters."""
    return text.replace("\0", "").encode(errors="ignore").decode()


def problem_of(words: str) -> str:
    """Why these words cannot stand as a name, in the language of the page; "" where they can."""
    count = names.count_words(words)
    if count == 0:
        return _("Please type a name of one to three words, or choose one of the other answers.")
    if count > names.MOST_WORDS:
        return _("Please use one to three words. You typed %(count)s.") % {"count": count}
    return ""


def simulated_ticket(study: Study) -> str:
    """Whoever starts with it is a bot, and marked as one."""
    return _start_signer(study).sign(SIMULATED + new_token())


def stamp() -> str:
    """The present moment, signed, for the page to hand back: showing a page writes nothing."""
    return _shown_signer().sign(timezone.now().isoformat())


def _optional(question: dict[str, Any]) -> forms.Field:
    if choices := question.get("choices"):
        kept = [(choice, choice) for choice in choices]
        return _OptionalChoice(label=question["text"], choices=kept, required=False)
    return _OptionalLine(label=question["text"], required=False)


class _OptionalChoice(forms.ChoiceField):
    """What is none of the choices counts as no answer."""

    def clean(self, value: Any) -> str:
        return value if self.valid_value(value) else ""


class _OptionalLine(_Printable):
    def clean(self, value: Any) -> str:
        return super().clean(value)[:LONGEST_LINE]


def _start_signer(study: Study) -> signing.Signer:
    return signing.Signer(salt=f"start/{study.pk}")


def _shown_signer() -> signing.Signer:
    return signing.Signer(salt="shown")
