"""The researchers' pages on which names are merged and coded."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
