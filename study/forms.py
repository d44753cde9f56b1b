"""What participants send. A fault in what is only measured never costs an answer."""

import math
from datetime import datetime, timedelta

from django import forms
from django.core import signing
from django.utils import timezone

from study import names
from study.models import Answer, Study, new_token

LONGEST_TIME = timedelta(days=1).total_seconds()


class StartForm(forms.Form):
    """Carries the token of the participant to be, so that starting twice makes one participant."""

    ticket = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args, study: Study, **kwargs):
        super().__init__(*args, **kwargs)
        self.signer = signing.Signer(salt=f"start/{study.pk}")
        self.fields["ticket"].initial = lambda: self.signer.sign(new_token())

    def clean_ticket(self) -> str:
        try:
            return self.signer.unsign(self.cleaned_data["ticket"])
        except signing.BadSignature as error:
            raise forms.ValidationError("This page has grown old. Please press Start once more.") from error


class ConsentForm(forms.Form):
    agree = forms.BooleanField(
        label="I have read this and I agree to take part.",
        error_messages={"required": "Please tick the box if you agree to take part."},
    )


class AnswerForm(forms.Form):
    kind = forms.ChoiceField(choices=Answer.Kind, widget=forms.HiddenInput)
    words = forms.CharField(
        required=False,
        strip=False,
        max_length=Answer._meta.get_field("words").max_length,
        error_messages={"max_length": "Please use a shorter name, of one to three words."},
    )
    seconds = forms.CharField(required=False)
    shown = forms.CharField(required=False)

    def clean_seconds(self) -> float | None:
        try:
            seconds = float(self.cleaned_data["seconds"])
        except ValueError:
            return None
        return seconds if math.isfinite(seconds) and 0 <= seconds <= LONGEST_TIME else None

    def clean_shown(self) -> datetime | None:
        try:
            return datetime.fromisoformat(_shown_signer().unsign(self.cleaned_data["shown"]))
        except (signing.BadSignature, ValueError):
            return None

    def clean(self) -> dict:
        data = super().clean()
        if data.get("kind") != Answer.Kind.NAME:
            data["words"] = ""
        elif "words" in data and (problem := names.problem(data["words"])):
            self.add_error("words", problem)
        return data

    @property
    def answer(self) -> dict:
        data = self.cleaned_data
        return {
            "kind": data["kind"],
            "words": data["words"],
            "seconds": data["seconds"],
            "shown_at": data["shown"],
        }


def stamp() -> str:
    """The present moment, signed, for the page to hand back: showing a page writes nothing."""
    return _shown_signer().sign(timezone.now().isoformat())


def _shown_signer() -> signing.Signer:
    return signing.Signer(salt="shown")
