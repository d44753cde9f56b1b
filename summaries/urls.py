"""The gallery's addresses."""

app_name = "summaries"
urlpatterns: list = []
