from secrets import token_urlsafe

from django.db import models
from django.utils import timezone


def new_token() -> str:
    """What cannot be guessed: 128 bits, as a part of an address."""
    return token_urlsafe(16)


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def usable(self) -> "InvitationQuerySet":
        """Those neither past their time nor used up."""
        in_time = models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now())
        unused = models.Q(most_uses=None) | models.Q(uses__lt=models.F("most_uses"))
        return self.filter(in_time & unused)


class Invitation(models.Model):
    """A link into a room or, where no room is named, to sign up at this site."""

    token = models.CharField(max_length=32, unique=True, default=new_token, editable=False)
    room = models.ForeignKey("Room", null=True, blank=True, on_delete=models.CASCADE)
    by = models.ForeignKey("Person", null=True, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    most_uses = models.PositiveIntegerField(null=True, blank=True)
    uses = models.PositiveIntegerField(default=0, editable=False)

    objects = InvitationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"into {self.room_id or 'the site'}, by {self.by_id}"

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("invitation", args=[self.token])
