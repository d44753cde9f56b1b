"""People under pseudonyms: how far they came, what happened to them, and those who withdrew."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from study.models.recruits import Outcome
from study.models.studies import Condition, Study, Version
from study.models.words import new_code, new_token


def _both_or_neither(time: str, text: str) -> Q:
    return Q(**{f"{time}__isnull": True, text: ""}) | (Q(**{f"{time}__isnull": False}) & ~Q(**{text: ""}))


class Participant(models.Model):
    """A person under a pseudonym. No address, no device, no name is kept."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="participants")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="participants")
    """What they take part in, whatever is changed later."""
    condition = models.ForeignKey(
        Condition, null=True, blank=True, on_delete=models.PROTECT, related_name="participants"
    )
    token = models.CharField(max_length=64, unique=True, default=new_token)
    """Known to the participant's browser alone; whoever holds it is the participant."""
    receipt_key = models.CharField(max_length=64, unique=True, default=new_token)
    """In the receipt link: whoever holds it sees what is stored and can withdraw."""
    code = models.CharField(max_length=32, unique=True, default=new_code)
    """The pseudonym in exports; says nothing about the token."""
    number = models.PositiveIntegerField()
    """Order of arrival, from 1; previews are numbered apart."""
    preview = models.BooleanField(default=False)
    simulated = models.BooleanField(default=False)
    """A bot's; marked wherever it shows."""

    started_at = models.DateTimeField(auto_now_add=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    consent_sha256 = models.CharField(max_length=64, blank=True)
    questioned_at = models.DateTimeField(null=True, blank=True)
    profile = models.JSONField(default=dict, blank=True)
    """Answers to the study's optional questions, by key."""
    instructed_at = models.DateTimeField(null=True, blank=True)
    practised_at = models.DateTimeField(null=True, blank=True)
    comprehension_attempts = models.PositiveSmallIntegerField(default=0)
    understood_at = models.DateTimeField(null=True, blank=True)
    feedback_at = models.DateTimeField(null=True, blank=True)
    feedback = models.TextField(blank=True)

    last_seen = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    """Until then their trials count as taken; each sign of life puts it off."""

    outcome = models.CharField(max_length=20, choices=Outcome, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    """When they reached an end, whichever."""
    completion_code = models.CharField(max_length=32, blank=True)
    pseudonymised_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["study", "number"]
        indexes = [models.Index(fields=["study", "outcome", "lease_until"], name="participant_progress")]
        constraints = [
            models.UniqueConstraint(fields=["study", "preview", "number"], name="one_participant_per_number"),
            models.CheckConstraint(
                condition=_both_or_neither("consented_at", "consent_sha256"), name="consent_names_its_text"
            ),
            models.CheckConstraint(
                condition=_both_or_neither("finished_at", "completion_code"),
                name="completion_code_at_the_end",
            ),
            models.CheckConstraint(
                condition=_both_or_neither("finished_at", "outcome"), name="outcome_at_the_end"
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Event(models.Model):
    """What happened to a participant beside what their row and answers tell. Rows are only added."""

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=30)
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.kind


class Exclusion(models.Model):
    """A participant's answers do not count in the main analysis. Nothing is deleted by it."""

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="exclusions")
    rule = models.CharField(max_length=40)
    """Name of a declared rule, or `by hand`."""
    reason = models.CharField(max_length=300)
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["participant", "rule"],
                condition=Q(lifted_at__isnull=True),
                name="one_standing_exclusion_per_rule",
            )
        ]

    def __str__(self) -> str:
        return self.reason


class Tombstone(models.Model):
    """Somebody withdrew and was erased: enough to do it again after a restore, not enough to tell who."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="tombstones")
    digest = models.CharField(max_length=64, unique=True)
    """HMAC of the pseudonym."""
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"withdrawn {self.at:%Y-%m-%d}"
