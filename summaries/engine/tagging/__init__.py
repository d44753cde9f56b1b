"""What tags of regions are worth: names of colour and pattern, agreement, and chance to set against it."""
