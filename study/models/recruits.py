"""How participants came, and the codes with which they go back. Kept apart, as these rows name people."""

from django.db import models
from django.db.models import Q

from study.models.studies import Study


class Outcome(models.TextChoices):
    """The ends of a participant's way; each has its own code."""

    COMPLETED = "completed"
    NO_CONSENT = "no_consent", "no consent"
    SCREENED_OUT = "screened_out", "screened out"
    DEVICE_UNSUITABLE = "device_unsuitable", "device unsuitable"
    TECHNICAL = "technical", "technical problem"
    QUOTA_FULL = "quota_full", "quota full"
    WITHDREW = "withdrew"


class Code(models.Model):
    """The code of one outcome, random or as the recruiter registered it; none can be told from another."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="codes")
    outcome = models.CharField(max_length=20, choices=Outcome)
    code = models.CharField(max_length=32)

    class Meta:
        ordering = ["study", "id"]
        constraints = [
            models.UniqueConstraint(fields=["study", "outcome"], name="one_code_per_outcome"),
            models.UniqueConstraint(fields=["study", "code"], name="codes_differ"),
        ]

    def __str__(self) -> str:
        return self.code


class Recruit(models.Model):
    """What the recruiter calls a participant: a claim from the link, not a credential."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="recruits")
    participant = models.OneToOneField(
        "study.Participant", null=True, on_delete=models.CASCADE, related_name="recruit"
    )
    platform = models.CharField(max_length=10, choices=Study.Recruiter)
    person = models.CharField(max_length=100, blank=True)
    submission = models.CharField(max_length=100, blank=True)
    project = models.CharField(max_length=100, blank=True)
    label = models.CharField(max_length=100, blank=True)
    label_signed = models.BooleanField(default=False)
    status = models.CharField(max_length=30, blank=True)
    """The submission's state as the recruiter last told it."""
    arrived_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["study", "platform", "person", "submission"],
                condition=~Q(person=""),
                name="one_recruit_per_submission",
            )
        ]

    def __str__(self) -> str:
        return self.submission or self.person or self.label


class Delivery(models.Model):
    """A recruiter's message that was taken; it is sent up to a dozen times and counts once."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=200)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "event"], name="one_delivery_per_event")]

    def __str__(self) -> str:
        return self.event
