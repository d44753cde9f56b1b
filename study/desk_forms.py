"""What researchers fill in: the design of a study, field by field in words, and the buttons of its desk."""

import re
from typing import Any

from django import forms
from django.db.models import QuerySet

from annotations import Refusal
from study import naming, stimuli
from study.looks import forms as looks_forms
from study.looks.forms import LooksFields
from study.models import Condition, Stimulus, Study
from summaries import exhibits
from summaries.models import Run

KEY = re.compile(r"[a-z][a-z0-9_]{0,29}")
MOST_LINES = 20
LONGEST = 500
RULES = {
    "least_seconds": "Seconds on a page, at least",
    "gold_missed": "Gold missed, this many or more",
    "decoys_named": "Decoys given a name, this many or more",
    "repeats_differ": "Repeats answered otherwise, this many or more",
}


class LinesField(forms.CharField):
    """A list in lines, with bars between the parts; `read` and `written` know the shape of what is stored."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 60})

    def __init__(self, **more: Any):
        super().__init__(required=False, strip=True, **more)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(self.written, value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[dict[str, Any]]:
        lines = [line for line in (super().clean(value) or "").splitlines() if line.strip()]
        if len(lines) > MOST_LINES:
            raise forms.ValidationError(f"Give at most {MOST_LINES} lines.")
        return [self._read(number, line) for number, line in enumerate(lines, 1)]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), "\n".join((data or "").splitlines()))

    def _read(self, number: int, line: str) -> dict[str, Any]:
        parts = [part.strip() for part in line.split("|")]
        if not all(parts) or len(line) > LONGEST:
            raise forms.ValidationError(f"Line {number} has an empty part, or over {LONGEST} characters.")
        try:
            return self.read(parts)
        except Refusal as refusal:
            raise forms.ValidationError(f"Line {number}: {refusal}") from refusal

    def read(self, parts: list[str]) -> dict[str, Any]:
        raise NotImplementedError

    def written(self, entry: dict[str, Any]) -> str:
        raise NotImplementedError


class QuestionsField(LinesField):
    """`sight | How well do you see colours? | well | not so well`; without choices a line to type in."""

    def clean(self, value: Any) -> list[dict[str, Any]]:
        found = super().clean(value)
        if len({each["key"] for each in found}) < len(found):
            raise forms.ValidationError("Two questions have the same key; each needs its own.")
        return found

    def read(self, parts: list[str]) -> dict[str, Any]:
        if len(parts) < 2 or not KEY.fullmatch(parts[0]):
            raise Refusal(
                "begin with a key in small letters, then the question: sight | How well do you see?"
            )
        if len(parts) == 3:
            raise Refusal("one choice is none; give two or more, or none for a line to type in.")
        return {"key": parts[0], "text": parts[1]} | ({"choices": parts[2:]} if parts[2:] else {})

    def written(self, entry: dict[str, Any]) -> str:
        return " | ".join([entry["key"], entry["text"], *entry.get("choices", [])])


class CheckField(LinesField):
    """`What do you name? | *the outlined part | the whole animal`; the right choice has a star."""

    def read(self, parts: list[str]) -> dict[str, Any]:
        text, *choices = parts
        stars = [index for index, choice in enumerate(choices) if choice.startswith("*")]
        if len(choices) < 2 or len(stars) != 1:
            raise Refusal("give a question and two choices or more, with a star before the right one.")
        plain = [choice.removeprefix("*").strip() for choice in choices]
        if not all(plain) or len(set(plain)) < len(plain):
            raise Refusal("two choices are the same, or one is empty.")
        return {"text": text, "choices": plain, "right": stars[0]}

    def written(self, entry: dict[str, Any]) -> str:
        choices = [
            f"*{choice}" if index == entry["right"] else choice
            for index, choice in enumerate(entry["choices"])
        ]
        return " | ".join([entry["text"], *choices])


class StudyCreation(forms.ModelForm):
    """A new study: which run it shows, and in which language; its texts are edited afterwards."""

    run = forms.ModelChoiceField(
        exhibits.finished_runs(),
        help_text="All summaries of this run are copied into the study; later changes do not touch them. "
        "Further runs are added on the study's page.",
    )

    class Meta:
        model = Study
        fields = ("title", "language")
        help_texts = {"language": "Of the pages and of the texts that the study begins with."}

    def clean_run(self) -> Run:
        run = self.cleaned_data["run"]
        try:
            stimuli.check_run(run)
        except Refusal as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return run


class StudyDesign(forms.ModelForm, LooksFields):
    """The design on the desk. Participants meet it once it is published."""

    questions = QuestionsField(
        help_text="Optional, before the instructions; nobody has to answer. A line for each: "
        "sight | How well do you see colours? | well | not so well. Without choices: a line to type in."
    )
    comprehension = CheckField(
        label="Comprehension check",
        help_text="A line for each question, a star before the right choice: What do you name? | "
        "*the outlined part | the whole animal. Two attempts, then a kind way out.",
    )
    return_address = forms.URLField(
        required=False,
        assume_scheme="https",
        help_text=Study._meta.get_field("return_address").help_text,
    )
    least_seconds = forms.FloatField(
        label=RULES["least_seconds"],
        required=False,
        min_value=0.1,
        max_value=600,
        help_text="By the participant's median.",
    )
    gold_missed = forms.IntegerField(label=RULES["gold_missed"], required=False, min_value=1, max_value=1000)
    decoys_named = forms.IntegerField(
        label=RULES["decoys_named"], required=False, min_value=1, max_value=1000
    )
    repeats_differ = forms.IntegerField(
        label=RULES["repeats_differ"], required=False, min_value=1, max_value=1000
    )

    coder = forms.ChoiceField(
        label="Names merged by",
        required=False,
        help_text="The coder whose decisions make the merged names: whoever has decided on any.",
    )

    class Meta:
        model = Study
        exclude = ("state", "exclusion", "looks")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for rule in RULES:
            if rule in self.fields:
                self.initial.setdefault(rule, self.instance.exclusion.get(rule))
        self.initial = looks_forms.initial(self.instance.looks) | self.initial
        if "coder" in self.fields:
            self.fields["coder"].choices = _coders(self.instance)

    def clean(self) -> dict[str, Any]:
        """Line ends as they were before a browser sent them: an untouched text must keep its hash."""
        cleaned = {
            name: value.replace("\r\n", "\n") if isinstance(value, str) else value
            for name, value in super().clean().items()
        }
        told = {rule: cleaned.get(rule) for rule in RULES if rule in self.fields}
        if told:
            self.instance.exclusion = {rule: limit for rule, limit in told.items() if limit is not None}
        if "looks_aim" in self.fields:
            self.instance.looks = looks_forms.read(self, self.instance)
        return cleaned


def _coders(study: Study) -> list[tuple[str, str]]:
    """Whoever decided on a name, and who is chosen already, come what may."""
    known = [each.name for each in naming.coders(study)] if study.pk else []
    chosen = [study.coder] if study.coder else []
    return [("", "who decided first"), *((name, name) for name in dict.fromkeys([*known, *chosen]))]


class DeskForm(forms.Form):
    """What comes with a button of a study's desk."""

    def __init__(self, *args: Any, study: Study, **kwargs: Any):
        super().__init__(*args, **kwargs)
        own: dict[str, QuerySet] = {"condition": study.conditions.all(), "stimulus": study.stimuli.all()}
        for name in own.keys() & self.fields.keys():
            self.fields[name].queryset = own[name]

    def checked(self) -> dict[str, Any]:
        """What was sent; the first sentence of what is wrong with it as a refusal."""
        for name, errors in self.errors.items():
            raise Refusal(f"{name.capitalize()}: {errors[0]}")
        return self.cleaned_data


class RunForm(DeskForm):
    run = forms.ModelChoiceField(exhibits.finished_runs())


class ConditionForm(DeskForm):
    condition = forms.ModelChoiceField(Condition.objects.none())


class PreviewForm(DeskForm):
    condition = forms.ModelChoiceField(Condition.objects.none(), required=False)


class ChecksForm(ConditionForm):
    number = forms.IntegerField(min_value=1, max_value=stimuli.MOST_AT_ONCE)
    everybody = forms.BooleanField(required=False)


class GoldForm(DeskForm):
    stimulus = forms.ModelChoiceField(Stimulus.objects.none())
    accepted = forms.CharField(required=False, max_length=1000)
    everybody = forms.BooleanField(required=False)


class StimulusForm(DeskForm):
    stimulus = forms.ModelChoiceField(Stimulus.objects.none())
