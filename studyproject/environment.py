"""Reading the environment strictly: a value that does not parse stops the start, by its name."""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    """The variable, or the content of the file that NAME_FILE points to (how containers pass secrets).

    An empty variable is one that is not set, as compose passes it on; an empty file is a mistake.
    """
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return os.environ.get(name) or default
    try:
        content = Path(path).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE: {path} cannot be read ({error.strerror}).") from error
    if not content:
        raise ImproperlyConfigured(f"{name}_FILE: {path} is empty.")
    return content


def flag(name: str, default: bool) -> bool:
    value = text(name)
    if not value:
        return default
    if value not in {"True", "False"}:
        raise ImproperlyConfigured(f"{name} must be True or False, not '{value}'.")
    return value == "True"


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not '{value}'.")
    return value


def url(name: str, schemes: tuple[str, ...]) -> str:
    value = text(name)
    if value and value.partition("://")[0] not in schemes:
        raise ImproperlyConfigured(f"{name} must begin with {' or '.join(f'{one}://' for one in schemes)}.")
    return value


def secret(name: str, kept_in: Path) -> str:
    """The secret given, or one made at the first start and kept in a file that only its owner reads."""
    given = text(name)
    if given:
        return given
    try:
        with os.fdopen(os.open(kept_in, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    value = kept_in.read_text()
    if len(value) < 50:
        raise ImproperlyConfigured(
            f"{kept_in} is damaged: delete it, and a new secret is made at the next start."
        )
    return value


def check_secret(name: str, value: str) -> None:
    """Refuses a key that somebody could guess: one left over from an example, or a short one."""
    if len(value) < 50 or len(set(value)) < 10 or value.startswith("django-insecure-"):
        raise ImproperlyConfigured(
            f"{name} must be at least 50 random characters where the site is public, and none from an "
            "example."
        )
