"""The compose file and the Dockerfile, checked without an engine."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"


def _tool(name: str, *arguments: str) -> subprocess.CompletedProcess:
    path = shutil.which(name, path=str(Path(sys.executable).parent))
    assert path, f"{name} is not installed"
    return subprocess.run([path, *arguments], cwd=ROOT, capture_output=True, text=True)


def test_the_compose_file_follows_the_specification():
    done = _tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE))
    assert done.returncode == 0, done.stdout


def test_the_checker_names_a_misspelt_key(tmp_path):
    misspelt = tmp_path / "docker-compose.yml"
    misspelt.write_text(COMPOSE.read_text().replace("    ports:", "    prots:"))
    done = _tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(misspelt))
    assert done.returncode == 1
    assert "prots" in done.stdout


def test_the_dockerfile_has_no_finding():
    done = _tool("hadolint", "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_no_secret_has_a_default():
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD", "ALLOWED_HOSTS"):
        uses = re.findall(r"\$\{" + name + r"(?!\w)([^}]*)\}", COMPOSE.read_text())
        assert uses
        assert all(use.startswith(":?") for use in uses)


def test_what_the_example_offers_reaches_the_containers():
    offered = set(re.findall(r"^#([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.M))
    chosen_by_the_file = {"MERONYM_HOME", "MERONYM_DEVICE", "DATABASE_URL", "REDIS_URL", "DEBUG"}
    assert offered - chosen_by_the_file <= set(re.findall(r"\$\{([A-Z0-9_]+)", COMPOSE.read_text()))


def test_the_image_takes_all_that_runs_and_nothing_else():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert rooms | {"manage.py", "pyproject.toml"} <= kept
    assert not kept & {"tests", "var", ".venv", ".env"}
