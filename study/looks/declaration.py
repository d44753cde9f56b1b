"""What a study declared about looks, before anybody answered."""

from typing import Any

from study import versions
from study.agreement.looks import Declaration, read
from study.models import Study


def declared(study: Study) -> Declaration | None:
    """The looks that were declared; None for a study whose estimate may be seen at any time."""
    return read(planned(study))


def planned(study: Study) -> dict[str, Any]:
    """What the design says of looks in the version that the first participant consented to, whatever was
    published later; before anybody did, in what newcomers take part in; of a draft, on the desk."""
    people = study.participants.filter(preview=False, consented_at__isnull=False)
    first = people.select_related("version").order_by("simulated", "pk").first()
    version = first.version if first else versions.latest(study)
    return version.setting("looks") if version else study.looks
