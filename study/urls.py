"""The participant's addresses, none of which says what is shown, and the researchers' beside the admin."""

from django.urls import path

from study import (
    api,
    export_views,
    findings_views,
    hooks,
    monitor_views,
    naming_views,
    receipt_views,
    report_views,
    views,
)

app_name = "study"
urlpatterns = [
    path("s/<slug:slug>/", views.start, name="start"),
    path("s/<slug:slug>/consent/", views.consent, name="consent"),
    path("s/<slug:slug>/questions/", views.questions, name="questions"),
    path("s/<slug:slug>/instructions/", views.instructions, name="instructions"),
    path("s/<slug:slug>/practice/", views.practice, name="practice"),
    path("s/<slug:slug>/check/", views.check, name="check"),
    path("s/<slug:slug>/trial/<uuid:key>/", views.trial, name="trial"),
    path("s/<slug:slug>/feedback/", views.feedback, name="feedback"),
    path("s/<slug:slug>/thanks/", views.thanks, name="thanks"),
    path("s/<slug:slug>/picture/<uuid:key>-<int:number>.png", views.picture, name="picture"),
    path("s/<slug:slug>/answers/<uuid:key>/", api.answer, name="answer"),
    path("s/<slug:slug>/work/", api.work, name="work"),
    path("s/<slug:slug>/finish/", api.finish, name="finish"),
    path("s/<slug:slug>/alive/", api.alive, name="alive"),
    path("hooks/prolific/<slug:slug>/", hooks.prolific, name="prolific_hook"),
    path("r/withdrawn/", receipt_views.withdrawn, name="withdrawn"),
    path("r/<slug:receipt_key>/", receipt_views.receipt, name="receipt"),
    path("r/<slug:receipt_key>/download.json", receipt_views.download, name="download"),
    path("r/<slug:receipt_key>/withdraw/", receipt_views.withdraw, name="withdraw"),
    path("desk/<slug:slug>/", monitor_views.overview, name="monitor"),
    path("desk/<slug:slug>/fragment/", monitor_views.fragment, name="monitor_fragment"),
    path("desk/<slug:slug>/judge/", monitor_views.judge, name="judge"),
    path("desk/<slug:slug>/people/", monitor_views.people, name="people"),
    path("desk/<slug:slug>/people/<slug:code>/", monitor_views.person, name="person"),
    path("desk/<slug:slug>/people/<slug:code>/exclude/", monitor_views.exclude, name="exclude"),
    path("desk/<slug:slug>/people/<slug:code>/lift/<int:pk>/", monitor_views.lift, name="lift"),
    *findings_views.urlpatterns,
    *naming_views.urlpatterns,
    *report_views.urlpatterns,
    *export_views.urlpatterns,
]
