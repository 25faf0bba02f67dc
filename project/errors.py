"""What is said where the site cannot start."""

from django.core.exceptions import ImproperlyConfigured


def first_line(error: Exception) -> str:
    """What `error` says, as far as it goes into a sentence."""
    return (str(error).splitlines() or [repr(error)])[0].rstrip(".")


def no_database(error: Exception) -> ImproperlyConfigured:
    """What to raise where the database failed with `error`."""
    return ImproperlyConfigured(
        f"cannot use the database ({first_line(error)}): check that it runs and that "
        "DATABASE_URL is right, or unset DATABASE_URL to use SQLite"
    )
