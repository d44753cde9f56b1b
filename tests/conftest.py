"""What every test stands on: a home of its own, the embedded database and queue, and Chromium where it is."""

import os
import shutil
import tempfile
import time
from asyncio import events
from pathlib import Path

import django
import pytest
from django.conf import settings

LONGEST_DRAIN = 5
"""Seconds; a request that a test holds back never ends."""
HOME = Path(tempfile.mkdtemp(prefix="meronym-tests-"))
(HOME / "static").mkdir()
for outer in ("DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "BEHIND_HTTPS", "DEBUG"):
    os.environ.pop(outer, None)
for outer in ("S3_BUCKET", "S3_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY"):
    os.environ.pop(outer, None)
os.environ["MERONYM_HOME"] = str(HOME)
os.environ["DJANGO_SETTINGS_MODULE"] = "studyproject.settings"  # read only now, so the lines above count
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Chromium's driver runs an event loop
os.environ.setdefault("OMP_NUM_THREADS", "1")
django.setup()
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # no test needs a slow one


def pytest_unconfigure():
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings():
    """A file, since the live server's threads and other processes must see what a test wrote."""
    from django.db import connections

    connections["default"].settings_dict["TEST"]["NAME"] = str(HOME / "test.sqlite3")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """The browser's driver leaves its loop marked as running in this thread. Where a test runs another, the
    mark is off from before the database is opened: Django keeps a connection for each side of it."""
    if not item.get_closest_marker("own_loop"):
        return (yield)
    driver = events._get_running_loop()
    events._set_running_loop(None)
    try:
        return (yield)
    finally:
        events._set_running_loop(driver)


@pytest.fixture(scope="session")
def browser():
    """Chromium as the machine has it; nothing is downloaded."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)  # as long as everything else is waited for: machines may be busy
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not path:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """A new window without cookies. It closes when nothing is asked of the server any more, or its threads
    would still read the database while that is emptied for the next test."""
    context, asked = browser.new_context(), set()
    context.on("request", lambda request: asked.add(request))
    for end in ("requestfinished", "requestfailed"):
        context.on(end, lambda request: asked.discard(request))
    page = context.new_page()
    yield page
    latest = time.monotonic() + LONGEST_DRAIN
    while asked and not page.is_closed() and time.monotonic() < latest:
        page.wait_for_timeout(20)
    context.close()
