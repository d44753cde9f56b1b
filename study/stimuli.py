"""What a study shows, as it stands on the desk: conditions made from runs, frozen copies of their exhibits,
and the planted checks among them.

What a published version shows stays in it as it is, as people took part in it: later versions may show more,
or leave some of it out. Whatever else is on the desk can be taken away again; walks of previews through it go
with it, as they count nowhere.
"""

from collections.abc import Iterable
from itertools import islice

from django.db import IntegrityError, transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from annotations import Refusal, files, pictures
from study.models import Answer, Condition, Participant, Stimulus, Study, Trial
from summaries import exhibits
from summaries.exhibits import Exhibit
from summaries.models import Run

MOST_AT_ONCE = 100
MOST_NAMES = 20


def check_run(run: Run) -> None:
    """Refuses a run of which no condition can be made."""
    if run.state != Run.State.FINISHED:
        raise Refusal(f"Run {run.pk} is {run.state}; a study can be made once it has finished.")
    if next(iter(exhibits.of_run(run)), None) is None:
        raise Refusal(f"Run {run.pk} found no summaries, so there is nothing to show.")


def frozen(shown: Iterable[Exhibit]) -> list[Stimulus]:
    """Stimuli yet to be kept, their pictures copied: what takes long, so no transaction waits for it."""
    return [_frozen(exhibit) for exhibit in shown]


def add_condition(study: Study, run: Run, ready: list[Stimulus] | None = None) -> Condition:
    """A further group of participants, who see all exhibits of this run; `ready`: frozen before."""
    check_run(run)
    ready = frozen(exhibits.of_run(run)) if ready is None else ready
    with transaction.atomic():
        _hold(study)
        if study.stimuli.filter(exhibit__in=[each.exhibit for each in ready]).exists():
            raise Refusal(f"The study shows run {run.pk} already.")
        condition = _new_condition(study, run.network.name, f"{run.network.name}, run {run.pk}")
        _keep(study, ready, condition=condition)
    return condition


def add_baseline(study: Study, run: Run, count: int) -> Condition:
    """A further group, who see regions of this run put together at random: what people say of nothing."""
    seed = study.seed + _next_position(study.conditions)
    ready = frozen(exhibits.decoys(run, _checked(count), seed))
    with transaction.atomic():
        _hold(study)
        condition = _new_condition(study, "random regions", f"random regions of run {run.pk}")
        _keep(study, ready, condition=condition)
    return condition


def add_decoys(condition: Condition, count: int, *, everybody: bool = False) -> list[Stimulus]:
    """So many more pictures of the condition's run in which nothing is in common."""
    study, run = condition.study, run_of(condition)
    known = set(study.stimuli.values_list("exhibit", flat=True))
    there = study.stimuli.filter(kind=Stimulus.Kind.DECOY).count()
    made = exhibits.decoys(run, there + _checked(count), study.seed)
    ready = frozen(islice((each for each in made if each.key not in known), count))
    return _keep(study, ready, condition=None if everybody else condition, kind=Stimulus.Kind.DECOY)


def add_repeats(condition: Condition, count: int) -> list[Stimulus]:
    """So many more of the condition's summaries a second time, their images in another order."""
    study, run = condition.study, run_of(condition)
    summaries = condition.stimuli.filter(kind=Stimulus.Kind.SUMMARY, removed_at=None)
    sources = {each.exhibit: each for each in summaries.filter(repeats__isnull=True)}
    seed = study.seed + _next_position(study.stimuli)
    made = list(exhibits.repeats(run, _checked(count), seed, among=sources))
    ready = frozen(made)
    for stimulus, exhibit in zip(ready, made, strict=True):
        stimulus.source = sources[exhibit.of]
    return _keep(study, ready, condition=condition, kind=Stimulus.Kind.REPEAT)


@transaction.atomic
def mark_gold(stimulus: Stimulus, accepted: str, *, everybody: bool = False) -> None:
    """Makes a check of a summary: one of these names, `beak|bill`, is right. Without a name it becomes a
    summary again."""
    _hold(stimulus.study)
    _check_free(stimulus.study.stimuli.filter(pk=stimulus.pk), "its names stay as they are")
    if stimulus.kind not in (Stimulus.Kind.SUMMARY, Stimulus.Kind.GOLD) or stimulus.repeats.exists():
        raise Refusal("Gold is made of a summary, and of one that is not repeated.")
    names = [" ".join(name.split()) for name in accepted.split("|") if name.strip()]
    if len(names) > MOST_NAMES:
        raise Refusal(f"Give at most {MOST_NAMES} names.")
    stimulus.accepted = list(dict.fromkeys(names))
    stimulus.kind = Stimulus.Kind.GOLD if names else Stimulus.Kind.SUMMARY
    stimulus.condition = None if names and everybody else stimulus.condition or _home(stimulus)
    stimulus.save(update_fields=["accepted", "kind", "condition"])


@transaction.atomic
def remove(study: Study, gone: QuerySet[Stimulus]) -> int:
    """Takes stimuli off the desk, and what repeats them. How many they were. What a published version shows
    is kept for those who saw it, and can be put back."""
    _hold(study)
    keys = list(gone.values_list("pk", flat=True))
    rows = study.stimuli.filter(Q(pk__in=keys) | Q(source__in=keys))
    pinned = list(published(study).filter(pk__in=rows).values_list("pk", flat=True))
    rows.filter(pk__in=pinned, removed_at=None).update(removed_at=timezone.now())
    if free := list(rows.exclude(pk__in=pinned).values_list("pk", flat=True)):
        forget_previews(study)
        study.stimuli.filter(pk__in=free, source__isnull=False).delete()
        study.stimuli.filter(pk__in=free).delete()
    return len(keys)


@transaction.atomic
def put_back(stimulus: Stimulus) -> None:
    """What was left out is shown again from the next version on; of a repeat, what it repeats must be."""
    _hold(stimulus.study)
    if stimulus.source and stimulus.source.removed_at:
        raise Refusal("Put back what it repeats first.")
    if not Stimulus.objects.filter(pk=stimulus.pk, removed_at__isnull=False).update(removed_at=None):
        raise Refusal("It is shown already.")


@transaction.atomic
def remove_condition(condition: Condition) -> None:
    """Takes a condition off the desk with all that it alone shows."""
    if condition.study.conditions.count() == 1:
        raise Refusal("A study needs a condition; add another one before you remove this one.")
    if condition.participants.filter(preview=False).exists():
        raise Refusal(f"People have been given the condition “{condition}”, so it stays.")
    _check_free(condition.stimuli.all(), "it stays; its pictures can be removed one by one")
    remove(condition.study, condition.stimuli.all())
    condition.delete()


def forget_previews(study: Study) -> None:
    """Deletes the walks of previews through the study, and the versions that were frozen for them alone."""
    Answer.objects.filter(trial__participant__study=study, trial__participant__preview=True).delete()
    Trial.objects.filter(participant__study=study, participant__preview=True).delete()
    study.participants.filter(preview=True).delete()
    people = Participant.objects.filter(study=study).values("version")
    study.versions.filter(number__isnull=True).exclude(pk__in=people).delete()


def run_of(condition: Condition) -> Run:
    """The run whose summaries the condition shows. Refuses what has none, such as random regions."""
    run = _run_shown(condition)
    if run is None:
        raise Refusal(f"There is no run any more of which checks could be made for “{condition.name}”.")
    return run


def shown(study: Study) -> QuerySet[Stimulus]:
    """What the next version will show."""
    return study.stimuli.filter(removed_at=None)


def published(study: Study) -> QuerySet[Stimulus]:
    """What a published version shows."""
    return study.stimuli.filter(versions__number__isnull=False).distinct()


def _keep(
    study: Study, ready: list[Stimulus], *, condition: Condition | None, kind: str = Stimulus.Kind.SUMMARY
) -> list[Stimulus]:
    """Puts stimuli behind those that there are."""
    try:
        with transaction.atomic():
            _hold(study)
            first = _next_position(study.stimuli)
            for position, stimulus in enumerate(ready, first):
                stimulus.study, stimulus.position = study, position
                stimulus.condition, stimulus.kind = condition, kind
            return Stimulus.objects.bulk_create(ready)
    except IntegrityError as error:
        raise Refusal("The study was changed meanwhile; look at it, and try again.") from error


def _hold(study: Study) -> None:
    """Until the transaction ends nobody else changes what the study shows."""
    Study.objects.select_for_update().only("pk").get(pk=study.pk)


def _checked(count: int) -> int:
    if not 1 <= count <= MOST_AT_ONCE:
        raise Refusal(f"Ask for 1 to {MOST_AT_ONCE} at once.")
    return count


def _check_free(rows: QuerySet[Stimulus], consequence: str) -> None:
    number = rows.aggregate(last=Max("versions__number"))["last"]
    if number is not None:
        raise Refusal(f"People take part in version {number}, which shows this, so {consequence}.")


def _run_shown(condition: Condition) -> Run | None:
    keys = condition.stimuli.values_list("exhibit", flat=True)
    runs = (exhibits.run_of(key) for key in keys if not exhibits.is_decoy(key))
    return next((run for run in runs if run), None)


def _home(stimulus: Stimulus) -> Condition | None:
    """The condition that shows other summaries of the run; none in a study older than conditions."""
    run, conditions = exhibits.run_of(stimulus.exhibit), list(stimulus.study.conditions.all())
    alike = [each for each in conditions if run and _run_shown(each) == run]
    return next(iter(alike or conditions), None)


def _new_condition(study: Study, *names: str) -> Condition:
    taken = set(study.conditions.values_list("name", flat=True))
    free = [name for name in names if name not in taken]
    position = _next_position(study.conditions)
    return study.conditions.create(name=free[0] if free else f"{names[-1]} ({position})", position=position)


def _next_position(rows: QuerySet) -> int:
    return (rows.aggregate(last=Max("position"))["last"] or 0) + 1


def _frozen(exhibit: Exhibit) -> Stimulus:
    copies = [_copy(key) for key in exhibit.pictures]
    return Stimulus(
        exhibit=exhibit.key,
        pictures=[key for key, _ in copies],
        sizes=[size for _, size in copies],
        question=exhibit.question,
        alternative_text=exhibit.alternative_text,
        title=exhibit.title,
        group=exhibit.group,
    )


def _copy(key: str) -> tuple[str, list[int]]:
    """The pixels alone, in a file of their own, and their size; whatever else the file holds stays behind."""
    try:
        pixels = pictures.read_rgb(files.get(key))
    except files.Missing as error:
        raise Refusal("A picture of this run is missing from the file store; run it again.") from error
    return files.put(pictures.png(pixels), ".png"), [pixels.shape[1], pixels.shape[0]]
