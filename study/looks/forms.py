"""The declaration of looks and stops in words: fields on the desk's form, written into `Study.looks`."""

import re
from typing import Any

from django import forms

from study.agreement import LAYERS, looks, stopping
from study.models import Study

MOST_LOOKS = 20
AIMS = [
    ("", "no looks are declared: the estimate may be seen at any time"),
    (looks.PRECISION, "half the interval's width is at most"),
    (looks.BOUND, "the interval lies above"),
]
LEVELS = [("0.1", "90 %"), ("0.05", "95 %"), ("0.01", "99 %")]
LAYER_CHOICES = [(layer, looks.LAYER_WORDS[layer]) for layer in LAYERS]
LOOKS = ("aim", "value", "at", "measure", "layer", "level", "correction")
STOPS = ("lead", "share", "least")
FIELDS = (*(f"looks_{name}" for name in LOOKS), *(f"stop_{name}" for name in STOPS))
SETTLED = "People have taken part, and looks are declared before anybody does: put these back as they were."


class LooksFields(forms.Form):
    """To be mixed into the form of the design."""

    looks_aim = forms.ChoiceField(
        label="Looks aim at",
        choices=AIMS,
        required=False,
        help_text="With looks declared, no page and no file tells an estimate in between. Closing the study "
        "ends that.",
    )
    looks_value = forms.FloatField(
        label="… this number",
        required=False,
        min_value=0.0,
        max_value=1.0,
        help_text="Such as 0.1 for a width, or 0.667 for a bound.",
    )
    looks_at = forms.CharField(
        label="Looks at so many participants",
        required=False,
        max_length=200,
        help_text="Who completed it and are not excluded, such as 10, 20, 30, 40. A look may be taken later.",
    )
    looks_measure = forms.ChoiceField(label="Measure", choices=list(looks.MEASURES.items()), required=False)
    looks_layer = forms.ChoiceField(label="Of", choices=LAYER_CHOICES, required=False, initial="mechanical")
    looks_level = forms.ChoiceField(
        label="Confidence over all looks", choices=LEVELS, required=False, initial="0.05"
    )
    looks_correction = forms.ChoiceField(
        label="How the looks share it",
        choices=[(name, looks.CORRECTIONS[name]) for name in looks.CORRECTIONS],
        required=False,
        initial=looks.OBRIEN_FLEMING,
        help_text="O'Brien-Fleming keeps most of it for the last look; Pocock gives early looks more; "
        "Bonferroni gives each look as much.",
    )
    stop_lead = forms.FloatField(
        label="Stop a summary once its modal name keeps its lead with this chance",
        required=False,
        min_value=0.8,
        max_value=0.9999,
        help_text="Such as 0.99. Empty: every summary gets all its answers.",
    )
    stop_share = forms.FloatField(
        label="… or once no name can be given by this share",
        required=False,
        min_value=0.05,
        max_value=0.95,
        help_text="0.5 if empty.",
    )
    stop_least = forms.IntegerField(
        label="… but not before so many answers",
        required=False,
        min_value=2,
        max_value=1000,
        help_text="10 if empty.",
    )

    def clean_looks_at(self) -> list[int]:
        """Whole numbers that rise, with commas, blanks or lines between."""
        parts = re.split(r"[\s,;]+", self.cleaned_data["looks_at"].strip())
        numbers = [int(part) for part in parts if part.isdecimal() and len(part) < 7]
        if parts == [""]:
            return []
        if len(numbers) < len(parts) or min(numbers) < 2 or numbers != sorted(set(numbers)):
            raise forms.ValidationError("Give numbers of participants from 2 on, each above the one before.")
        if len(numbers) > MOST_LOOKS:
            raise forms.ValidationError(f"Declare at most {MOST_LOOKS} looks.")
        return numbers


def initial(declared: dict[str, Any]) -> dict[str, Any]:
    """What stands in the fields for a study's `looks`."""
    told = {f"looks_{name}": declared[name] for name in LOOKS if name in declared}
    told |= {f"stop_{name}": value for name, value in declared.get("stopping", {}).items()}
    if "at" in declared:
        told |= {"looks_at": ", ".join(map(str, declared["at"])), "looks_level": str(declared["level"])}
    return told


def read(form: forms.BaseForm, study: Study) -> dict[str, Any]:
    """The study's `looks` as the fields tell them. What does not fit together is told at its field."""
    told = form.cleaned_data
    found: dict[str, Any] = {}
    if told.get("looks_aim"):
        for name in ("value", "at"):
            if not told.get(f"looks_{name}") and f"looks_{name}" not in form.errors:
                form.add_error(f"looks_{name}", "With looks declared this is needed too.")
        found = _looks(told)
    if told.get("stop_lead"):
        given = {name: told.get(f"stop_{name}") for name in STOPS}
        rule = stopping.Rule(**{name: value for name, value in given.items() if value})
        found["stopping"] = {name: getattr(rule, name) for name in STOPS}
    if not form.errors and found != study.looks and _has_people(study):
        form.add_error("looks_aim", SETTLED)
    return found


def _looks(told: dict[str, Any]) -> dict[str, Any]:
    usual = {"measure": "alpha", "layer": "mechanical", "level": "0.05", "correction": looks.OBRIEN_FLEMING}
    found = {name: told.get(f"looks_{name}") or usual.get(name) for name in LOOKS}
    return found | {"level": float(found["level"])}


def _has_people(study: Study) -> bool:
    return study.participants.filter(preview=False, simulated=False, consented_at__isnull=False).exists()
