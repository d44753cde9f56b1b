"""A run's rows as plain values, without primary keys and times: two runs that found the same are equal."""

from django.forms.models import model_to_dict

from summaries.models import Cluster, Job, Mask, Member, Region, Run, RunClass, RunImage, Summary

IDENTITY = {"id", "run", "run_class", "run_image", "cluster", "region", "exemplar", "image", "label"}


def rows_of(run_pk: int) -> dict:
    run = Run.objects.get(pk=run_pk)
    in_class = {"run_class__run": run}
    return {
        "run": [_plain(run, "created", "finished")],
        "classes": [_plain(each) for each in RunClass.objects.filter(run=run).order_by("position")],
        "images": _all(RunImage.objects.filter(**in_class), "run_class__position", "position"),
        "masks": _all(Mask.objects.filter(run_image__run_class__run=run), *_image("run_image")),
        "regions": _all(
            Region.objects.filter(run_image__run_class__run=run), *_image("run_image"), "proposal", at=_region
        ),
        "clusters": _all(
            Cluster.objects.filter(**in_class),
            "run_class__position",
            "number",
            at=lambda each: [each.run_class.position, _region(each.exemplar)],
        ),
        "members": _all(
            Member.objects.filter(cluster__run_class__run=run),
            "cluster__run_class__position",
            "cluster__number",
            "position",
            at=lambda each: [each.cluster.run_class.position, each.cluster.number, _region(each.region)],
        ),
        "summaries": _all(
            Summary.objects.filter(**in_class),
            "run_class__position",
            "rank",
            at=lambda each: [each.run_class.position, each.cluster.number],
        ),
        "jobs": _jobs(run),
    }


def attempts_of(run_pk: int) -> list[tuple[str, str, int]]:
    return list(Job.objects.filter(run=run_pk).values_list("stage", "state", "attempts"))


def _jobs(run: Run) -> dict[str, int]:
    """Jobs done, by stage."""
    stages = list(run.jobs.order_by("id").values_list("stage", "state"))
    return {f"{stage} {state}": stages.count((stage, state)) for stage, state in stages}


def _all(found, *order, at=lambda each: None) -> list:
    return [[at(each), _plain(each)] for each in found.order_by(*order)]


def _region(region: Region) -> list:
    return [region.run_image.file, region.proposal]


def _image(path: str) -> tuple[str, str]:
    return f"{path}__run_class__position", f"{path}__position"


def _plain(row, *left_out: str) -> dict:
    return {
        name: value
        for name, value in model_to_dict(row).items()
        if name not in IDENTITY | set(left_out) | {"image_set", "network", "created_by", "queued"}
    }
