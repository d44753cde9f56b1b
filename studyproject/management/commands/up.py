"""`./run up`: the web server and one worker, until Ctrl-C."""

import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from studyproject import launcher


class Command(BaseCommand):
    help = "Brings the database up to date and runs the web server and one worker until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("port", nargs="?", type=int, default=8000)

    def handle(self, *, port: int, **_: Any) -> None:
        try:
            launcher.check_port(port)
        except launcher.PortTaken as refusal:
            raise CommandError(str(refusal), returncode=2) from refusal
        call_command("migrate", verbosity=0)
        settings.STATIC_ROOT.mkdir(exist_ok=True)
        sys.exit(launcher.serve(port, settings.ROOT, self._say))

    def _say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()
