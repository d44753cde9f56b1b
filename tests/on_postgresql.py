"""In place of conftest.py: the same tests on the server that TEST_DATABASE_URL names.

pytest --noconftest -p tests.on_postgresql -m "not services and not browser" tests/study/test_at_once.py
"""

import atexit
import os
import shutil
import tempfile

import django
from django.db import connections

HOME = tempfile.mkdtemp(prefix="meronym-tests-")
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
os.environ["MERONYM_HOME"] = HOME
os.environ["DJANGO_SETTINGS_MODULE"] = "studyproject.settings"
django.setup()
connections["default"].settings_dict["TEST"]["NAME"] = f"meronym_{os.getpid()}"
