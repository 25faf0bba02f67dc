from django.db import models


class FormerSlug(models.Model):
    """Where a room was before it was renamed; links there lead on."""

    slug = models.CharField(max_length=100, unique=True)
    room = models.ForeignKey("Room", on_delete=models.CASCADE, related_name="former_slugs")

    def __str__(self) -> str:
        return self.slug
