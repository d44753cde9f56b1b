"""What is known about images: image sets, files, class labels, concepts and their segments."""


class Refusal(ValueError):
    """A known refusal: its one sentence is shown to the person who sent the input."""
