"""Which researchers may see a study, and who may change it.

Permissions say what somebody may do; each study says to whom it is open: whoever made it, those it lists, and
administrators. A study that nobody made and that lists nobody is open to all staff with the permission.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache

from study.models import Study


def open_to(user: Any, studies: QuerySet[Study]) -> QuerySet[Study]:
    """Of these studies the ones that this user may see at all. Others do not exist for them."""
    if user.is_superuser:
        return studies
    nobodys = Q(created_by=None, researchers=None)
    mine = Study.objects.filter(Q(created_by=user.pk) | Q(researchers=user.pk) | nobodys)
    return studies.filter(pk__in=mine.values("pk"))


def keep_closed(sender: type, instance: Any, origin: Any = None, **about: Any) -> None:
    """A study that only people could see whose accounts are deleted now is administrators' from then on: it
    would be nobody's, and so everybody's."""
    leaving = origin if isinstance(origin, QuerySet) else sender._default_manager.filter(pk=instance.pk)
    staying = sender._default_manager.exclude(pk__in=leaving.values("pk"))
    seen = Study.objects.filter(Q(created_by=instance.pk) | Q(created_by=None, researchers=instance.pk))
    for study in seen.exclude(researchers__in=staying):
        study.researchers.add(*staying.filter(is_superuser=True))


def researchers(*permissions: str) -> Callable:
    """Only staff who hold one of these permissions on studies, and to whom this one is open."""

    def wrap(view: Callable) -> Callable:
        @staff_member_required
        @never_cache
        @wraps(view)
        def guarded(request: HttpRequest, slug: str, **address: object) -> HttpResponseBase:
            if not any(request.user.has_perm(f"study.{name}") for name in permissions):
                raise PermissionDenied
            studies = open_to(request.user, Study.objects.annotate(withdrawn=Count("tombstones")))
            return view(request, get_object_or_404(studies, slug=slug), **address)

        return guarded

    return wrap


may_look = researchers("view_study", "change_study")
may_decide = researchers("change_study")
