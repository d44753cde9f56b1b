"""One module per form in which annotated images leave; each offers `write(image_set, out)`."""

from annotations.exporters import broden, coco

FORMATS = {"broden": broden.write, "coco": coco.write}
"""Format -> writer: (image set, folder, scale, advance). A new form is a new module and a line here."""
