"""Migrations follow the arrows of the rooms."""

from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

BELOW = {"annotations": set(), "summaries": {"annotations"}, "study": {"annotations", "summaries"}}


def test_no_migration_is_missing(db):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_no_two_rooms_depend_on_each_other():
    migrations = MigrationLoader(None).disk_migrations.values()
    for room, allowed in BELOW.items():
        needed = {app for each in migrations if each.app_label == room for app, _ in each.dependencies}
        assert needed & BELOW.keys() <= allowed | {room}
