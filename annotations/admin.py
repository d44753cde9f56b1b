"""Image sets at a glance. Images come in by command; here they are read, and whole sets removed."""

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from annotations.models import ClassLabel, Concept, ImageSet


class ReadOnly:
    def has_add_permission(self, request: HttpRequest, obj=None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj=None) -> bool:
        return False


class ClassLabelInline(ReadOnly, admin.TabularInline):
    model = ClassLabel
    fields = readonly_fields = ["name", "synset", "folder", "images"]
    verbose_name_plural = "classes"
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).annotate(images=Count("labelled_images"))

    def images(self, label: ClassLabel) -> int:
        return label.images


@admin.register(ImageSet)
class ImageSetAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["name", "classes", "images", "source", "created"]
    search_fields = ["name"]
    inlines = [ClassLabelInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        counts = {
            "classes": Count("labels", distinct=True),
            "images": Count("labelled_images__image", distinct=True),
        }
        return super().get_queryset(request).annotate(**counts)

    @admin.display(ordering="classes")
    def classes(self, image_set: ImageSet) -> int:
        return image_set.classes

    @admin.display(ordering="images")
    def images(self, image_set: ImageSet) -> int:
        return image_set.images


@admin.register(Concept)
class ConceptAdmin(admin.ModelAdmin):
    list_display = ["name", "category", "images"]
    list_filter = ["category"]
    search_fields = ["name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).annotate(images=Count("segments__image", distinct=True))

    @admin.display(ordering="images")
    def images(self, concept: Concept) -> int:
        return concept.images
