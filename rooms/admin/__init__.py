"""What administrators see of the site's data, and may change, at /admin/."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from . import order, people, rooms, site

# Django's own login would let somebody in without their second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Parlor"
admin.site.index_title = _("This site")

__all__ = ["order", "people", "rooms", "site"]
