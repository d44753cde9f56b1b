"""The researchers' pages on what a study found: numbers, figures, and the answers behind them."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
