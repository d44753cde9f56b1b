from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import pre_delete


class StudyConfig(AppConfig):
    name = "study"

    def ready(self) -> None:
        from study import access  # its models can be imported from now on

        pre_delete.connect(access.keep_closed, sender=settings.AUTH_USER_MODEL)
