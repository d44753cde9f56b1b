"""The rows of this room: networks, runs and their jobs, and what each method finds."""

from summaries.models.dissection import Unit, UnitConcept, UnitImage
from summaries.models.networks import Network
from summaries.models.runs import Job, Run, RunClass, RunImage
from summaries.models.tags import Tagging
from summaries.models.visual import Cluster, Mask, Member, Region, Summary

__all__ = [
    "Cluster",
    "Job",
    "Mask",
    "Member",
    "Network",
    "Region",
    "Run",
    "RunClass",
    "RunImage",
    "Summary",
    "Tagging",
    "Unit",
    "UnitConcept",
    "UnitImage",
]
