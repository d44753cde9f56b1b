"""What an export holds and of what it was made: enough to check each file, and to make it again."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.utils import timezone

from study.exports.choice import Choice
from study.exports.columns import Column
from study.exports.people import consented
from study.models import Answer, Exclusion


@dataclass
class File:
    """Filled while the file is written."""

    name: str
    columns: tuple[Column, ...] = ()
    rows: int | None = None
    bytes: int = 0
    sha256: str = ""

    def told(self) -> dict[str, Any]:
        own = {"name": self.name, "sha256": self.sha256, "bytes": self.bytes}
        table = {"rows": self.rows, "columns": [column.id for column in self.columns]}
        return own | (table if self.columns else {})


def manifest(choice: Choice, files: list[File]) -> str:
    study = choice.study
    told = {
        "study": study.slug,
        "title": study.title,
        "written": timezone.now().isoformat(timespec="seconds"),
        "software": settings.VERSION,
        "versions": _versions(choice),
        "flavour": asdict(choice.flavour),
        "analysis": "without the excluded" if choice.without_excluded else "all",
        "identifiable": any(column.identifiable for file in files for column in file.columns),
        "names": {
            "mechanical_version": choice.layers.version,
            "coder": _coder(choice),
            "events": choice.layers.events,
        },
        "estimates": {
            "hidden": choice.masked,
            "made": choice.findings.made_at and choice.findings.made_at.isoformat(timespec="seconds"),
            "fresh": choice.findings.fresh,
        },
        "counts": counts(choice),
        "files": [file.told() for file in files],
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def counts(choice: Choice) -> dict[str, Any]:
    """Of everybody who consented, whatever was chosen: by how they ended, answers by kind, exclusions."""
    people = consented(choice.study).order_by()
    who = {"trial__participant__in": people.values("pk")}
    given = Answer.objects.filter(**who, pk__lte=choice.last_answer).order_by()
    standing = Exclusion.objects.filter(participant__in=people.values("pk"), lifted_at=None)
    return {
        "consented": people.count(),
        "simulated": people.filter(simulated=True).count(),
        "outcomes": _counted(people, "outcome", "on the way or left"),
        "revisions": given.count(),
        "last_revisions": _counted(_last_of(given, choice.last_answer), "kind"),
        "excluded": standing.values("participant").distinct().count(),
        "excluded_by": dict(sorted(Counter(standing.values_list("rule", flat=True)).items())),
        "withdrew": choice.study.tombstones.count(),
    }


def _last_of(given: QuerySet[Answer], until: int) -> QuerySet[Answer]:
    """The last revisions, as they were then."""
    revised = Answer.objects.filter(revision__gt=1, pk__lte=until)
    return given.filter(~Exists(revised.filter(trial=OuterRef("trial"), revision__gt=OuterRef("revision"))))


def _counted(rows, field: str, empty: str = "") -> dict[str, int]:
    found = rows.values_list(field).annotate(count=Count("pk"))
    return {value or empty: count for value, count in sorted(found)}


def _versions(choice: Choice) -> list[dict[str, Any]]:
    """With the rules that each declared for exclusions."""
    published = choice.study.versions.filter(number__isnull=False).order_by("number")
    return [
        {
            "number": version.number,
            "sha256": version.sha256,
            "published": version.published_at and version.published_at.isoformat(timespec="seconds"),
            "exclusion_rules": version.setting("exclusion"),
        }
        for version in published
    ]


def _coder(choice: Choice) -> str:
    """Their user name only where names of people are told at all."""
    if choice.identifiable:
        return choice.layers.coder
    first = list(dict.fromkeys(choice.study.name_events.order_by("pk").values_list("coder", flat=True)))
    return f"coder {first.index(choice.layers.coder) + 1}" if choice.layers.coder in first else ""
