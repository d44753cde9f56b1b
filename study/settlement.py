"""What to do about a submission, by its state here and its state at the recruiter. Pure."""

from study.models import Outcome

ACTIVE, WAITING, APPROVED, REJECTED = "active", "waiting", "approved", "rejected"
RETURNED, TIMED_OUT, SCREENED, OTHER = "returned", "timed out", "screened out", "other"
MISSING = "not in the file"
STATES = {
    **dict.fromkeys(("RESERVED", "ACTIVE", "IN PROGRESS", "SIGNED UP"), ACTIVE),
    **dict.fromkeys(("AWAITING REVIEW", "PENDING", "PENDING REVIEW", "SUBMITTED", "COMPLETED"), WAITING),
    **dict.fromkeys(
        ("APPROVED", "AUTO APPROVED", "PARTIALLY APPROVED", "PAID", "CREDITED", "CREDIT GRANTED"), APPROVED
    ),
    **dict.fromkeys(("REJECTED", "NO CREDIT", "UNEXCUSED NO SHOW"), REJECTED),
    **dict.fromkeys(("RETURNED", "CANCELLED", "CANCELED", "ABANDONED"), RETURNED),
    **dict.fromkeys(("TIMED-OUT", "EXPIRED"), TIMED_OUT),
    "SCREENED OUT": SCREENED,
}
"""Recruiters' words for a submission's state."""
THEIRS = (ACTIVE, WAITING, APPROVED, REJECTED, RETURNED, TIMED_OUT, SCREENED, OTHER, MISSING)
LIVE, LEFT, UNKNOWN = "at it", "left", "unknown here"
ENDS = {outcome.value: outcome.label.lower() for outcome in Outcome}
"""An outcome in words."""
OURS = (*ENDS.values(), LIVE, LEFT, UNKNOWN)
NO_CODE, FOREIGN_CODE = "none", "not of this study"

NOTHING, APPROVE, BONUS, RELEASE, RETURN, LOOK = (
    "nothing",
    "approve",
    "pay by bonus",
    "release",
    "ask to return",
    "look",
)
ACTIONS = (APPROVE, BONUS, RELEASE, RETURN, LOOK, NOTHING)


def theirs(status: str) -> str:
    """The kind of a state in the recruiter's words, as `recruitment.state` spells them."""
    return STATES.get(status, OTHER)


def action(
    ours: str, theirs: str, *, entered: str | None = None, excluded: bool = False, twice: bool = False
) -> tuple[str, str]:
    """What to do about a submission, and why, in words.

    `entered` is the outcome whose code was given there; `twice`: the person is known by another submission.
    """
    if theirs == OTHER:
        return LOOK, "The recruiter's state is not known here."
    if ours == UNKNOWN:
        return _of_unknown(theirs, entered, twice)
    if theirs == MISSING:
        if ours == LIVE:
            return NOTHING, "Still at it; the file may be older."
        return LOOK, "Not in the file: either it is not whole, or they did not come from the recruiter."
    if theirs == ACTIVE:
        return NOTHING, "Not yet sent in there."
    if ours == ENDS[Outcome.COMPLETED]:
        return _of_completed(theirs, entered, excluded)
    if ours in (LIVE, LEFT):
        return _of_incomplete(ours, theirs, entered)
    return _of_ended(ours, theirs, entered)


def _of_unknown(theirs: str, entered: str | None, twice: bool) -> tuple[str, str]:
    if theirs not in (WAITING, APPROVED):
        return NOTHING, "Never pressed Start here."
    if twice:
        return LOOK, "The same person took part here with another submission."
    if entered in ENDS.values():
        return (
            LOOK,
            f"Gave our code for “{entered}”, but is unknown here: withdrawn and erased, or passed on.",
        )
    return LOOK, "Sent in there, but unknown here."


def _of_completed(theirs: str, entered: str | None, excluded: bool) -> tuple[str, str]:
    if theirs == APPROVED:
        return (
            NOTHING,
            "Paid; excluded here, so the answers stay out of the analysis." if excluded else "Paid.",
        )
    if theirs == WAITING and excluded:
        return LOOK, "Complete but excluded here: approve, unless the recruiter's rules allow to reject."
    if theirs == WAITING:
        return APPROVE, _of_code(entered)
    if theirs in (TIMED_OUT, RETURNED):
        return BONUS, f"Complete here, but {theirs} there: every answer was given."
    return LOOK, f"Complete here, but {theirs} there."


def _of_code(entered: str | None) -> str:
    if entered == NO_CODE:
        return "Complete here; no code was entered, as happens when the way back fails."
    if entered in (None, ENDS[Outcome.COMPLETED]):
        return "Complete here."
    return f"Complete here, though the code entered there is {_spoken(entered)}."


def _of_incomplete(ours: str, theirs: str, entered: str | None) -> tuple[str, str]:
    if theirs in (WAITING, APPROVED):
        given = f"; the code entered is {_spoken(entered)}" if entered and entered != NO_CODE else ""
        return LOOK, f"Sent in there, but incomplete here{given}."
    if ours == LIVE:
        return RELEASE, f"The place is still held here, but {theirs} there."
    return NOTHING, "Left on both sides."


def _of_ended(ours: str, theirs: str, entered: str | None) -> tuple[str, str]:
    """Those with an end other than completion. Who could not help it is paid what was promised."""
    unpaid = ours in (ENDS[Outcome.NO_CONSENT], ENDS[Outcome.DEVICE_UNSUITABLE])
    if theirs in (WAITING, APPROVED) and entered == ENDS[Outcome.COMPLETED]:
        return LOOK, f"Gave the code for completion, but the end here was “{ours}”."
    if theirs == WAITING:
        return (
            (RETURN, f"The end here was “{ours}”: nothing was done that is paid.")
            if unpaid
            else (APPROVE, f"The end here was “{ours}”: pay what was promised for it.")
        )
    if theirs == APPROVED and unpaid:
        return LOOK, f"Paid, though the end here was “{ours}”."
    if theirs == TIMED_OUT and not unpaid:
        return BONUS, f"The end here was “{ours}”: pay what was promised for it."
    if theirs == REJECTED and not unpaid:
        return LOOK, f"Rejected, though the end here was “{ours}”."
    return NOTHING, f"The end here was “{ours}”."


def _spoken(entered: str) -> str:
    return entered if entered == FOREIGN_CODE else f"that for “{entered}”"
