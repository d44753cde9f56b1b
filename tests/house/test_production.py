"""What stands in public: Django's own deployment checks find nothing, and a weak key stops the start."""

import os
import subprocess
import sys
from pathlib import Path
from random import Random
from string import ascii_letters, digits

import pytest

ROOT = Path(__file__).resolve().parents[2]
STRONG = "".join(Random(0).choices(ascii_letters + digits, k=66))
"""Of these tests alone, and the same in every process that collects them."""
PUBLIC = {"BEHIND_HTTPS": "True", "ALLOWED_HOSTS": "study.example.org"}


def _manage(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    ours = {name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**ours, "MERONYM_HOME": str(home), **environment},
        capture_output=True,
        text=True,
    )


def test_the_deployment_checks_find_nothing(tmp_path):
    strict = ("check", "--deploy", "--fail-level", "WARNING")
    done = _manage(tmp_path, *strict, SECRET_KEY=STRONG, **PUBLIC)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout and "WARNINGS" not in done.stderr


@pytest.mark.parametrize("key", ["changeme", "a" * 60, "django-insecure-" + STRONG])
@pytest.mark.parametrize("where", [PUBLIC, {"DATABASE_URL": "sqlite:///public.sqlite3"}])
def test_a_key_that_can_be_guessed_stops_the_start_in_public(tmp_path, key, where):
    done = _manage(tmp_path, "check", SECRET_KEY=key, **where)
    assert done.returncode != 0
    assert "SECRET_KEY must be at least 50 random characters" in done.stderr.strip().splitlines()[-1]


def test_a_former_key_is_held_to_the_same(tmp_path):
    weak = _manage(tmp_path, "check", SECRET_KEY=STRONG, SECRET_KEY_FALLBACKS="changeme", **PUBLIC)
    assert "SECRET_KEY_FALLBACKS must be" in weak.stderr
    strong = _manage(tmp_path, "check", SECRET_KEY=STRONG, SECRET_KEY_FALLBACKS=STRONG[::-1], **PUBLIC)
    assert strong.returncode == 0


@pytest.mark.parametrize("key", ["", STRONG])
def test_a_key_made_here_or_a_long_one_does(tmp_path, key):
    assert _manage(tmp_path, "check", SECRET_KEY=key, **PUBLIC).returncode == 0


def test_at_home_any_key_does(tmp_path):
    assert _manage(tmp_path, "check", SECRET_KEY="short").returncode == 0


def test_counts_are_shared_through_redis_where_there_is_one(tmp_path):
    for url, seen in (("redis://cache:6379/0",) * 2, ("redis+socket:///run/redis", "unix:///run/redis")):
        show = "from django.conf import settings as s; print(s.CACHES['log-in']['LOCATION'])"
        assert _manage(tmp_path, "shell", "-v0", "-c", show, REDIS_URL=url).stdout.strip() == seen
