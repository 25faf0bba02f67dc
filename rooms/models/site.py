from django.db import models
from django.utils.translation import gettext_lazy as _


class SiteSettings(models.Model):
    """What the owner of this site has chosen; one row."""

    class SignUp(models.TextChoices):
        OPEN = "open", _("Anyone")
        INVITATION = "invitation", _("Who has an invitation")
        CLOSED = "closed", _("Nobody")

    guests_allowed = models.BooleanField(
        default=True,
        help_text=_(
            "Whether one may talk in open rooms with a name alone, without an account. Where it is "
            "turned off, guests who are here are signed out, within seconds. Once it is on again, they are "
            "back by their names."
        ),
    )
    sign_up = models.CharField(
        _("who may sign up"), max_length=10, choices=SignUp.choices, default=SignUp.OPEN
    )

    class Meta:
        verbose_name = verbose_name_plural = _("site settings")

    def __str__(self) -> str:
        return str(_("Site settings"))

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
