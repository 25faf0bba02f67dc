from django.db import migrations


def set_automerge(pages):
    """FTS5 keeps what it is told so (https://sqlite.org/fts5.html, "The 'automerge' Configuration Option")."""

    def carry_out(apps, schema_editor):
        if schema_editor.connection.vendor == "sqlite":
            schema_editor.execute(
                f"INSERT INTO rooms_search (rooms_search, rank) VALUES ('automerge', {pages})"  # noqa: S608
            )

    return carry_out


class Migration(migrations.Migration):

    dependencies = [("rooms", "0015_sound")]

    # rooms.search.sqlite has it merge a little with everything that it adds; 4 is what it does by itself.
    operations = [migrations.RunPython(set_automerge(0), set_automerge(4))]
