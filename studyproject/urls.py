"""Where each address leads."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from studyproject import login

admin.site.login_form = login.LoginForm
urlpatterns = [
    path("admin/login/", login.page),
    path("admin/", admin.site.urls),
    path("gallery/", include("summaries.urls")),
    path("", RedirectView.as_view(pattern_name="summaries:runs")),
    path("", include("study.urls")),
]
