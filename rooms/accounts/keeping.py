"""How a guest comes to an account, with the name and the messages they have."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed
from allauth.account.utils import setup_user_email
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.signals import social_account_added
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from rooms import invitations
from rooms.accounts.first import make_administrator_if_first
from rooms.models import Person, SiteSettings


@receiver(email_confirmed)
def by_email(email_address: EmailAddress, **kwargs: Any) -> None:
    """They have confirmed the email that they gave for it."""
    if email_address.user.is_guest:
        _make_account(email_address.user)


@receiver(social_account_added)
def by_another_site(request: HttpRequest, sociallogin: SocialLogin, **kwargs: Any) -> None:
    """They have come back from another site that knows them."""
    person: Person = sociallogin.user
    if not person.is_guest:
        return
    with transaction.atomic():
        _make_account(person)
        EmailAddress.objects.filter(user=person).delete()  # of an earlier attempt
        setup_user_email(request, person, sociallogin.email_addresses)
        if invitation := invitations.remembered(request.session):
            takes_one = SiteSettings.current().sign_up == SiteSettings.SignUp.INVITATION
            invitations.accept(invitation, person, signs_up=takes_one)
    invitations.forget(request.session)
    request.session.cycle_key()
    UserSession.objects.create_from_request(request)


def _make_account(guest: Person) -> None:
    with transaction.atomic():
        guest.is_guest = False
        make_administrator_if_first(guest)
        guest.save(update_fields=["is_guest", "is_staff", "is_superuser"])
