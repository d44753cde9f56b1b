"""A setting that does not parse stops the start, and the sentence names it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _start(home: Path, program: str = "", **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", f"import studyproject.settings as s; {program}"],
        cwd=ROOT,
        env={**os.environ, "MERONYM_HOME": str(home), **environment},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "yes"),
        ("BEHIND_HTTPS", "1"),
        ("LOG_LEVEL", "loud"),
        ("MERONYM_DEVICE", "gpu"),
        ("DATABASE_URL", "no database"),
        ("REDIS_URL", "localhost:6379"),
        ("SECRET_KEY_FILE", "/nowhere/key"),
        ("SECRET_KEY_FILE", "/dev/null"),
        ("S3_ENDPOINT", "https://objects.example.org"),
        ("S3_SECRET_KEY", "half a pair"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_variable(tmp_path, name, value):
    done = _start(tmp_path, **{name: value})
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "ImproperlyConfigured" in last
    assert name in last


def test_any_host_behind_https_is_refused(tmp_path):
    done = _start(tmp_path, ALLOWED_HOSTS="*", BEHIND_HTTPS="True")
    assert "ALLOWED_HOSTS" in done.stderr.strip().splitlines()[-1]


def test_with_nothing_set_all_lies_in_the_home_and_the_secret_is_kept_for_the_owner_alone(tmp_path):
    show = "print(s.SECRET_KEY, s.DEBUG, s.DATABASES['default']['NAME'])"
    first, second = _start(tmp_path, show), _start(tmp_path, show)
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    secret, debug, database = first.stdout.split()
    assert len(secret) >= 50
    assert debug == "False"
    assert Path(database).parent == tmp_path.resolve()
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600


def test_a_key_without_its_other_half_is_refused(tmp_path):
    done = _start(tmp_path, S3_BUCKET="pictures", S3_ACCESS_KEY="one")
    assert "S3_SECRET_KEY" in done.stderr.strip().splitlines()[-1]


def test_a_home_is_the_same_folder_wherever_a_command_is_called(tmp_path):
    relative = os.path.relpath(tmp_path, ROOT)
    program = [sys.executable, "-c", "import studyproject.settings as s; print(s.HOME)"]
    environment = {**os.environ, "MERONYM_HOME": relative, "PYTHONPATH": str(ROOT)}
    for folder in (ROOT, tmp_path):
        done = subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.stdout.strip() == str(tmp_path.resolve())


def test_an_empty_variable_is_one_that_is_not_set(tmp_path):
    done = _start(
        tmp_path, "print(s.ALLOWED_HOSTS, s.LOGGING['root']['level'])", ALLOWED_HOSTS="", LOG_LEVEL=""
    )
    assert done.stdout.strip() == "['localhost', '127.0.0.1', '[::1]'] INFO"


def test_a_named_sqlite_database_is_written_to_as_safely_as_the_one_at_home(tmp_path):
    show = "print(s.DATABASES['default']['OPTIONS']['transaction_mode'])"
    done = _start(tmp_path, show, DATABASE_URL=f"sqlite:///{tmp_path / 'other.sqlite3'}")
    assert done.stdout.strip() == "IMMEDIATE", done.stderr


def test_a_secret_may_stand_in_a_file(tmp_path):
    (tmp_path / "password").write_text("from a file\n")
    done = _start(tmp_path, "print(s.SECRET_KEY)", SECRET_KEY_FILE=str(tmp_path / "password"))
    assert done.stdout == "from a file\n"


def test_every_setting_is_explained_in_the_example():
    example = (ROOT / ".env.example").read_text()
    source = (ROOT / "studyproject" / "settings.py").read_text()
    read = {
        part.split('"')[1]
        for kind in ("text", "flag", "words", "choice", "url", "secret")
        for part in source.split(f"environment.{kind}(")[1:]
    }
    assert read
    assert not [name for name in sorted(read) if f"#{name}=" not in example]
