"""`./run demo`: from nothing to a study that people can take part in, over generated pictures."""

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotations import Refusal
from annotations.models import ImageSet
from study import publishing, stimuli
from study.models import Study
from studyproject import launcher
from summaries.models import Network, Run

NAME = "creatures"
NETWORK = settings.ROOT / "summaries" / "networks" / "creatures.json"
CLASSES = ("grawk", "plimbo", "zindle")
IMAGES_MADE = 20
IMAGES_PER_CLASS = 10
CHECKS = 2
"""Decoys, and repeats."""
TITLE = "Demo: which parts does the creatures' network use?"
ADMIN = "admin"


class Command(BaseCommand):
    help = "Makes pictures, summarises what a small network sees in them, opens a study and serves it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("port", nargs="?", type=int, default=8000)
        parser.add_argument("--no-serve", action="store_true", help="stop after printing the links")

    def handle(self, *, port: int, no_serve: bool, **_: Any) -> None:
        try:
            if not no_serve:
                launcher.check_port(port)
            call_command("migrate", verbosity=0)
            self._provide_pictures()
            self._provide_network()
            study = self._provide_study(self._provide_run())
        except (Refusal, launcher.PortTaken) as refusal:
            raise CommandError(str(refusal), returncode=2) from refusal
        self._show_ways_in(study, f"http://{launcher.HOST}:{port}")
        if not no_serve:
            call_command("up", port)

    def _provide_pictures(self) -> None:
        if not ImageSet.objects.filter(name=NAME).exists():
            call_command("make_creatures", name=NAME, per_class=IMAGES_MADE)

    def _provide_network(self) -> None:
        if not Network.objects.filter(name=NAME).exists():
            call_command("add_network", form=str(NETWORK))

    def _provide_run(self) -> Run:
        finished = Run.objects.filter(
            network__name=NAME, image_set__name=NAME, limit=IMAGES_PER_CLASS, state=Run.State.FINISHED
        )
        if not finished.exists():
            call_command(
                "summarise",
                network=NAME,
                images=NAME,
                classes=",".join(CLASSES),
                limit=IMAGES_PER_CLASS,
                preset="standard",
            )
        return finished.earliest("created")

    def _provide_study(self, run: Run) -> Study:
        found = Study.objects.filter(title=TITLE, state=Study.State.OPEN).first()
        if found:
            return found
        study = publishing.create_study(run, TITLE)
        condition = study.conditions.get()
        stimuli.add_decoys(condition, CHECKS)
        stimuli.add_repeats(condition, CHECKS)
        publishing.open_study(study)
        return study

    def _show_ways_in(self, study: Study, site: str) -> None:
        self.stdout.write(f"\nTake part:  {site}{study.get_absolute_url()}")
        self.stdout.write(f"Staff:      {site}/admin/    gallery: {site}/gallery/")
        if User.objects.filter(username=ADMIN).exists():
            self.stdout.write(f"            log in as {ADMIN} with the password that the first demo showed;")
            self.stdout.write(f"            a new one: .venv/bin/python manage.py changepassword {ADMIN}\n\n")
            return
        password = secrets.token_urlsafe(12)
        User.objects.create_superuser(ADMIN, password=password)
        self.stdout.write(f"            log in as {ADMIN} with the password {password} (shown only now)\n\n")
