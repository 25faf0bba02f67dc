"""What administrators see of the site's data, and may change, at /admin/."""

from . import order, people, rooms

__all__ = ["order", "people", "rooms"]
