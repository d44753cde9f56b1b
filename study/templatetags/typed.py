"""`{{ words|visible }}`: for whatever a participant typed, wherever staff read it."""

from django import template

from study.display import visible

register = template.Library()
register.filter("visible", visible)
