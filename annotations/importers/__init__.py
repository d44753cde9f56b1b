"""One module per form in which other people's images arrive; each offers `read(path)`."""

from annotations.importers import ade20k, broden, coco, folder, label_maps, pascal_part

FORMATS = {
    "folder": folder.read,
    "broden": broden.read,
    "coco": coco.read,
    "pascal-part": pascal_part.read,
    "ade20k": ade20k.read,
    "label-maps": label_maps.read,
}
"""Format -> reader: (path) -> Collection or AnnotatedCollection. A new form is a module and a line here."""
