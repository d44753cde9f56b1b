"""The gallery's addresses."""

from django.urls import path

from summaries import comparison_views, dissection_views, views

app_name = "summaries"
urlpatterns = [
    path("", views.runs, name="runs"),
    path("runs/<int:pk>/", views.run, name="run"),
    path("runs/<int:pk>/progress", views.progress, name="progress"),
    path("runs/<int:pk>/cancel", views.cancel, name="cancel"),
    path("runs/<int:pk>/resume", views.resume, name="resume"),
    path("runs/<int:pk>/tags/", views.tags, name="tags"),
    path("runs/<int:pk>/tags.csv", views.tags_csv, name="tags_csv"),
    path("runs/<int:pk>/tag", views.tag, name="tag"),
    path("runs/<int:pk>/units/", dissection_views.units, name="units"),
    path("runs/<int:pk>/units.csv", dissection_views.units_csv, name="units_csv"),
    path("dissections/", comparison_views.compare, name="compare"),
    path("dissections.csv", comparison_views.compare_csv, name="compare_csv"),
    path("units/<int:pk>/", dissection_views.unit, name="unit"),
    path("summaries/<int:pk>/", views.summary, name="summary"),
    path("images/<int:pk>/", views.image, name="image"),
    path("images/<int:pk>/photograph.png", views.photograph, name="photograph"),
    path("file/<path:key>", views.file, name="file"),
]
