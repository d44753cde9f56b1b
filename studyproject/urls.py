"""Where each address leads."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("gallery/", include("summaries.urls")),
    path("", include("study.urls")),
]
