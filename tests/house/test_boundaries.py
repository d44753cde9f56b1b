"""Who may load what."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

WEB = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "studyproject.settings"
import studyproject.wsgi
from django.contrib import admin
from django.urls import get_resolver
from studyproject.celery import app
get_resolver().url_patterns
assert admin.site._registry
app.loader.import_default_modules()
assert "summaries.tasks.reap" in app.tasks
print(sorted(name for name in ("torch", "torchvision", "timm", "cv2", "sklearn") if name in sys.modules))
"""

PURE = """
import sys
import study.agreement, study.assignment, study.names
print(sorted(name for name in ("django", "celery", "torch", "studyproject.celery") if name in sys.modules))
"""

ENGINE = """
import importlib, pkgutil, sys
import summaries.engine
for module in pkgutil.walk_packages(summaries.engine.__path__, "summaries.engine."):
    importlib.import_module(module.name)
print(sorted(name for name in ("django", "celery") if name in sys.modules))
"""


def _loaded_by(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_the_web_process_and_the_workers_parent_never_load_the_numerics():
    assert _loaded_by(WEB) == "[]"


def test_pure_modules_of_the_study_load_no_framework():
    assert _loaded_by(PURE) == "[]"


def test_the_engine_loads_no_framework():
    assert _loaded_by(ENGINE) == "[]"
