"""Who withdrew, told without saying who: in the database, and in files that no restore takes back."""

import logging
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.utils.crypto import salted_hmac

from study.models import Participant, Study, Tombstone

log = logging.getLogger(__name__)


def bury(participant: Participant) -> None:
    study = participant.study
    Tombstone.objects.get_or_create(digest=digest_of(participant.code), defaults={"study": study})
    note(study)


def note(study: Study) -> None:
    """Writes down outside the database who withdrew. What cannot be written now is written the next time."""
    path = folder() / f"{study.slug}.txt"
    try:
        noted = read(path) if path.exists() else set()
        missing = set(study.tombstones.values_list("digest", flat=True)) - noted
        if missing:
            _append(path, "".join(f"{digest}\n" for digest in sorted(missing)))
    except OSError:
        log.exception("The tombstones of study %s could not be written down.", study.pk)


def known() -> set[str]:
    """Digests of all who withdrew: after a restore the files know more than the database."""
    noted = set().union(*map(read, folder().glob("*.txt")))
    return noted | set(Tombstone.objects.values_list("digest", flat=True))


def read(path: Path) -> set[str]:
    """A line that a crash has cut off is passed over; the database still has it."""
    return set(re.findall(r"^[0-9a-f]{64}$", path.read_text(), re.MULTILINE))


def among(people: Iterable[Participant], digests: Iterable[str]) -> Iterator[Participant]:
    """Those of these people who withdrew."""
    withdrew = set(digests)
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    for person in people if withdrew else ():
        if any(digest_of(person.code, key) in withdrew for key in keys):
            yield person


def digest_of(code: str, key: str | None = None) -> str:
    """The pseudonym under a key of this installation, so that nobody else can try pseudonyms out."""
    return salted_hmac("study.tombstones", code, secret=key, algorithm="sha256").hexdigest()


def folder() -> Path:
    return settings.HOME / "tombstones"


def _append(path: Path, lines: str) -> None:
    """On the disk when this returns, and on lines of their own whatever a crash has left before them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        file.seek(max(file.seek(0, os.SEEK_END) - 1, 0))
        start = "" if file.read() in (b"", b"\n") else "\n"
        file.write((start + lines).encode())
        file.flush()
        os.fsync(file.fileno())
