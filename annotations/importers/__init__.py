"""One module per form in which other people's images arrive; each offers `read(path)`."""

from annotations.importers import folder

FORMATS = {"folder": folder.read}
"""Format -> reader: (path) -> Collection. A new form is a new module and a line here."""
