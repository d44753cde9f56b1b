"""The pages on which a study's data are chosen and taken away."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
