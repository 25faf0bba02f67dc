from django.db import models


class SiteSettings(models.Model):
    """What the owner of this site has chosen; one row."""

    class SignUp(models.TextChoices):
        OPEN = "open", "Anyone"
        INVITATION = "invitation", "Who has an invitation"
        CLOSED = "closed", "Nobody"

    guests_allowed = models.BooleanField(
        default=True,
        help_text="Whether one may talk in open rooms with a name alone, without an account. Where it is "
        "turned off, guests who are here are signed out, within seconds. Once it is on again, they are "
        "back by their names.",
    )
    sign_up = models.CharField("who may sign up", max_length=10, choices=SignUp.choices, default=SignUp.OPEN)

    class Meta:
        verbose_name = verbose_name_plural = "site settings"

    def __str__(self) -> str:
        return "Site settings"

    @classmethod
    def current(cls) -> "SiteSettings":
        """The settings in force: the row, or the defaults where nobody has changed any."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)

    @classmethod
    def locked(cls) -> "SiteSettings":
        """The row, made if there is none, and locked until the transaction ends: what only one may
        do at a time begins with it."""
        cls.objects.get_or_create(pk=1)
        return cls.objects.select_for_update().get(pk=1)
