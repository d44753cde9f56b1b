"""Which researchers may see a study, and who may change it.

Permissions say what somebody may do; each study says to whom it is open: whoever made it, those it lists, and
administrators. One that was made by no account, or by one that is deleted, and that lists nobody is open to
administrators alone.
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
    mine = Study.objects.filter(Q(created_by=user.pk) | Q(researchers=user.pk))
    return studies.filter(pk__in=mine.values("pk"))


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
