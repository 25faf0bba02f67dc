from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import migrations

OLD, NEW = "django.contrib.auth.backends.ModelBackend", "rooms.accounts.backend.PersonBackend"


def name_the_backend(apps, schema_editor):
    """A session names the backend that signed it in, and is nobody's where that is not in use. A
    guest whose session is nobody's could never come back."""
    for session in apps.get_model("sessions", "Session").objects.iterator():
        data = SessionStore().decode(session.session_data)
        if data.get(BACKEND_SESSION_KEY) == OLD:
            session.session_data = SessionStore().encode(data | {BACKEND_SESSION_KEY: NEW})
            session.save(update_fields=["session_data"])


class Migration(migrations.Migration):

    dependencies = [
        ("rooms", "0002_people_and_privacy"),
        ("sessions", "0001_initial"),
    ]

    operations = [migrations.RunPython(name_the_backend, migrations.RunPython.noop)]
