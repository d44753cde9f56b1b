"""All settings, from the environment only. Nothing set: SQLite and files under var/. See .env.example."""

import os
import tomllib
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from studyproject import environment

ROOT = Path(__file__).resolve().parent.parent
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

# From here, not from where a command is called: web, worker and commands must mean the same folder.
HOME = (ROOT / environment.text("MERONYM_HOME", "var")).resolve()
HOME.mkdir(parents=True, exist_ok=True)

# Django
DEBUG = environment.flag("DEBUG", False)
SECRET_KEY = environment.secret("SECRET_KEY", HOME / "secret-key")
SECRET_KEY_FALLBACKS = environment.words("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_FAILURE_VIEW = "study.views.cookie_missing"
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS")
BEHIND_HTTPS = environment.flag("BEHIND_HTTPS", False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600  # staff log in once a working day
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_HTTPS else None
SECURE_SSL_REDIRECT = BEHIND_HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if BEHIND_HTTPS else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
# Not no-referrer: with it browsers call a form's origin null to us too, and no form passes the CSRF check.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# What they ask for speaks for a domain's other hosts too, which only its owner may do.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
ROOT_URLCONF = "studyproject.urls"
WSGI_APPLICATION = "studyproject.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "admin:login"
INSTALLED_APPS = [
    "study",
    "summaries",
    "annotations",
    "studyproject",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "studyproject.policies.PolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATIC_ROOT = HOME / "static"
WHITENOISE_USE_FINDERS = True

# Database: SQLite in WAL mode with immediate transactions, or whatever DATABASE_URL names
DATABASE_URL = environment.url("DATABASE_URL", ("postgres", "postgresql", "sqlite"))
if DATABASE_URL:
    DATABASE = dj_database_url.parse(DATABASE_URL, conn_max_age=60, conn_health_checks=True)
else:
    DATABASE = {"ENGINE": "django.db.backends.sqlite3", "NAME": HOME / "meronym.sqlite3"}
if DATABASE["ENGINE"] == "django.db.backends.sqlite3":
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
DATABASES = {"default": DATABASE}
if not DEBUG and (BEHIND_HTTPS or DATABASE_URL):
    environment.check_secret("SECRET_KEY", SECRET_KEY)
    for former in SECRET_KEY_FALLBACKS:
        environment.check_secret("SECRET_KEY_FALLBACKS", former)

# Files by content: a folder, or a bucket
S3_BUCKET = environment.text("S3_BUCKET")
S3_ENDPOINT = environment.text("S3_ENDPOINT")
S3_ACCESS_KEY, S3_SECRET_KEY = environment.text("S3_ACCESS_KEY"), environment.text("S3_SECRET_KEY")
if (S3_ENDPOINT or S3_ACCESS_KEY or S3_SECRET_KEY) and not S3_BUCKET:
    raise ImproperlyConfigured(
        "S3_ENDPOINT, S3_ACCESS_KEY and S3_SECRET_KEY are of no use without S3_BUCKET."
    )
if bool(S3_ACCESS_KEY) != bool(S3_SECRET_KEY):
    raise ImproperlyConfigured("S3_ACCESS_KEY and S3_SECRET_KEY go together: set both or neither.")
FILES_FOLDER = HOME / "files"
if S3_BUCKET:
    FILES = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": S3_ENDPOINT or None,
            "access_key": S3_ACCESS_KEY or None,
            "secret_key": S3_SECRET_KEY or None,
            "addressing_style": "path",
            "file_overwrite": True,
            "default_acl": None,
            "querystring_auth": True,
        },
    }
else:
    FILES = {"BACKEND": "annotations.files.ContentStorage", "OPTIONS": {"location": FILES_FOLDER}}
STORAGES = {
    "default": FILES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# Celery: Redis, or a queue of files made safe (studyproject/broker.py)
REDIS_URL = environment.url("REDIS_URL", ("redis", "rediss", "redis+socket"))
JOB_HARD_LIMIT = 3600
"""Seconds after which a worker's process is killed in the middle of a job."""
JOB_LEASE = 60
"""Seconds that a claimed job is safe from others without a heartbeat."""
REAP_EVERY = 30
"""Seconds between two looks for jobs whose worker died."""

# Counts of calls and of failed log-ins: in Redis, shared by all web processes. Without it participants' calls
# are counted by each process for itself, and failed log-ins in files, which all processes of a home share.
if REDIS_URL:
    COUNTS = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL.replace("redis+socket://", "unix://"),
        "KEY_PREFIX": "meronym",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
    CACHES = {"default": COUNTS, "log-in": COUNTS}
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "OPTIONS": {"MAX_ENTRIES": 20_000},
        },
        "log-in": {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": HOME / "log-in",
            "OPTIONS": {"MAX_ENTRIES": 2_000},
        },
    }

# Numerics
MERONYM_DEVICE = environment.choice("MERONYM_DEVICE", ("", "cpu", "cuda", "mps"), "")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "studyproject.logs.WithoutRows",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "filters": {"without queries": {"()": "studyproject.logs.WithoutQueries"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "plain",
            "filters": ["without queries"],
        }
    },
    # Those that would write with handlers of their own
    "loggers": {
        "django": {"handlers": []},
        **{
            name: {"handlers": ["console"], "propagate": False}
            for name in ("django.server", "gunicorn.error", "gunicorn.access")
        },
    },
    "root": {
        "handlers": ["console"],
        "level": environment.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO"),
    },
}

if not DEBUG and BEHIND_HTTPS and "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the site's hosts when it stands behind HTTPS.")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
