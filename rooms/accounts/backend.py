from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from asgiref.sync import sync_to_async

from rooms import access
from rooms.models import Person


class PersonBackend(AuthenticationBackend):
    """Knows people by email or name and password, and by their sessions. Whoever is not welcome, as
    when they are banned from the site, is nobody to it, from the next request on."""

    def get_user(self, user_id: Any) -> Person | None:
        return access.welcome_person(user_id)

    async def aget_user(self, user_id: Any) -> Person | None:
        return await sync_to_async(access.welcome_person)(user_id)

    def user_can_authenticate(self, user: Any) -> bool:
        return super().user_can_authenticate(user) and not user.is_banned

    def _authenticate_by_username(self, username: str, password: str) -> Any:
        # Exactly: allauth would find an "ANN" in an archive as well as our ann, and then take neither.
        return self._check_password(Person.objects.filter(username=username).first(), password)
