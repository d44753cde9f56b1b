"""manage.py run_bots SLUG --participants N"""

import json
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from annotations import Refusal
from study.bots import Crowd, Habits, Tally, compare
from study.bots.findings import Judgement, as_plain, judge
from study.bots.speech import Speech, synonyms
from study.bots.truth import tell
from study.bots.verdicts import Verdict
from study.models import Outcome, Participant, Study

ADDRESS = "http://127.0.0.1:8000"


class Command(BaseCommand):
    help = (
        "Sends simulated participants through a study's pages over HTTP, on a line that loses requests, and "
        "compares what they answered with what is stored, and what the study finds with what is true of "
        "them. The site must run (./run up); these participants are marked as simulated."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        habits = Habits()
        parser.add_argument("slug", help="the study's name in its link")
        parser.add_argument("--participants", type=_count, required=True, metavar="N")
        parser.add_argument("--address", default=ADDRESS, help="where the site is (default: %(default)s)")
        parser.add_argument("--seed", type=int, default=0, help="decides what they believe and do")
        parser.add_argument("--dropout", type=_share, default=habits.dropout, help="share who leave")
        parser.add_argument("--careless", type=_share, default=habits.careless, help="share who do not look")
        parser.add_argument(
            "--synonyms", type=_share, default=0.0, help="share of names in another word for the same"
        )
        parser.add_argument(
            "--forms", type=_share, default=0.0, help="share of names with an article, a plural, a capital"
        )
        parser.add_argument("--slips", type=_share, default=0.0, help="share of names with a typing slip")
        parser.add_argument("--drop-requests", type=_share, default=habits.drop_requests, metavar="SHARE")
        parser.add_argument("--drop-responses", type=_share, default=habits.drop_responses, metavar="SHARE")
        parser.add_argument(
            "--kill", type=_share, default=habits.kill, help="share of answers at which the page dies"
        )
        parser.add_argument(
            "--concurrency", type=_count, default=20, help="how many at once (default: %(default)s)"
        )
        parser.add_argument(
            "--pace", type=_seconds, default=habits.pace, metavar="SECONDS", help="for each trial"
        )
        parser.add_argument("--truth", type=Path, metavar="FILE.json", help="write what they believe")

    def handle(self, *, slug: str, participants: int, truth: Path | None, **options: Any) -> None:
        study = Study.objects.filter(slug=slug).first()
        try:
            if study is None:
                raise Refusal(f"There is no study '{slug}'.")
            crowd = Crowd(
                study,
                options["address"],
                participants,
                Habits(**{name: options[name] for name in HABITS}),
                seed=options["seed"],
                concurrency=options["concurrency"],
                speech=Speech(options["synonyms"], options["forms"], options["slips"]),
            )
            self._run(crowd)
            found = judge(crowd)
            if truth:
                write_truth(crowd, found, truth)
        except Refusal as refusal:
            raise CommandError(str(refusal), returncode=2) from refusal
        self._show(compare(crowd.bots, crowd.meter))
        self._show_findings(found)

    def _run(self, crowd: Crowd) -> None:
        with tqdm(total=crowd.count, desc="Taking part", unit=" bots") as bar:
            crowd.run(on_end=lambda bot: bar.update())

    def _show(self, tally: Tally) -> None:
        for sentence, number in table(tally):
            self.stdout.write(f"{sentence:<44}{number:>24}")
        for reason, count in tally.gave_up.items():
            self.stderr.write(f"{count} gave up: {reason}")

    def _show_findings(self, found: Judgement) -> None:
        self.stdout.write("")
        if found.reason:
            self.stdout.write(found.reason)
            return
        self.stdout.write("What the study finds, its 95 % interval, and what is true:")
        for verdict in found.verdicts:
            self.stdout.write(f"{verdict.measure:<44}{sentence(verdict)}")
        if (names := found.modal) is not None:
            told = f"{names.right:g} of {names.summaries}, {names.possible} possible by the answers"
            self.stdout.write(f"{'modal names right':<44}{told}")
        for remark in found.remarks:
            self.stdout.write(remark)


HABITS = ("dropout", "careless", "drop_requests", "drop_responses", "kill", "pace")


def table(tally: Tally) -> list[tuple[str, str]]:
    rows = [
        ("arrived", tally.arrived),
        ("consented", tally.consented),
        ("completed", tally.completed),
        *((Outcome(outcome).label, number) for outcome, number in tally.ended_otherwise.items()),
        ("left before the end", tally.left),
        ("answers given", tally.sent),
        ("answers stored", tally.stored),
        ("  of these surplus", tally.surplus),
        ("answers lost", tally.lost),
        ("answers doubled", tally.doubled),
        ("wrong codes or receipts", tally.wrong_codes),
        ("requests, responses lost on purpose", f"{tally.lost_requests}, {tally.lost_responses}"),
        ("pages killed", tally.kills),
        ("errors", tally.errors),
        ("answer saved within, p50 / p95 / p99, in ms", f"{tally.p50_ms} / {tally.p95_ms} / {tally.p99_ms}"),
    ]
    return [(sentence, str(number)) for sentence, number in rows]


def sentence(verdict: Verdict) -> str:
    if verdict.value is None:
        return f"not found ({verdict.reason}); true {verdict.truth:.3f}"
    if verdict.low is None or verdict.high is None:
        return f"{verdict.value:.3f}, no interval ({verdict.reason}); true {verdict.truth:.3f}"
    held = "within" if verdict.inside else "OUTSIDE"
    return f"{verdict.value:.3f} ({verdict.low:.3f} to {verdict.high:.3f}); true {verdict.truth:.3f}, {held}"


def write_truth(crowd: Crowd, found: Judgement, file: Path) -> None:
    """What was believed of each stimulus and how it was put, which participants did not look or left, and
    what follows from it for the findings."""
    tokens = {bot.browser.token: bot for bot in crowd.bots}
    people = Participant.objects.in_bulk(list(tokens), field_name="token")
    stimuli = crowd.version.stimuli.select_related("condition").order_by("position")
    truth = {
        "study": crowd.study.slug,
        "version": crowd.version.number,
        "seed": crowd.seed,
        "habits": asdict(crowd.habits),
        "speech": asdict(crowd.speech),
        "synonyms": synonyms(crowd.version.setting("language"), crowd.speech),
        **as_plain(found),
        "stimuli": tell(stimuli, crowd.beliefs),
        "participants": [
            {
                "participant": person.code,
                "careless": tokens[token].careless,
                "left": tokens[token].end == "left",
            }
            for token, person in sorted(people.items(), key=lambda one: one[1].number)
        ],
    }
    try:
        file.write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n")
    except OSError as error:
        raise Refusal(f"{file} cannot be written: {error.strerror}.") from error


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"'{text}' is not a number of at least 1")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise ArgumentTypeError(f"'{text}' is not a share from 0 to 1")
    return share


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < float("inf"):
        raise ArgumentTypeError(f"'{text}' is not a number of seconds")
    return seconds
