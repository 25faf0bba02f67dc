import re

from django import template
from django.utils.translation import gettext as _

register = template.Library()

# In this order: nearly all say that they are Safari, and many that they are Chrome.
BROWSERS = ["Edge", "Edg", "OPR", "Firefox", "FxiOS", "SamsungBrowser", "CriOS", "Chrome", "Safari", "curl"]
SYSTEMS = ["Android", "iPhone", "iPad", "CrOS", "Windows", "Mac OS", "Linux"]
CALLED = {
    "Edg": "Edge",
    "OPR": "Opera",
    "FxiOS": "Firefox",
    "SamsungBrowser": "Samsung Internet",
    "CriOS": "Chrome",
    "CrOS": "ChromeOS",
    "Mac OS": "macOS",
}


@register.filter
def browser(user_agent: str) -> str:
    """What a User-Agent header says, as people would: Firefox on Windows."""
    name, system = (
        next((CALLED.get(word, word) for word in words if re.search(rf"{word}\b", user_agent)), "")
        for words in (BROWSERS, SYSTEMS)
    )
    if name and system:
        return _("%(browser)s on %(system)s") % {"browser": name, "system": system}
    return name or system or _("An unknown browser")
