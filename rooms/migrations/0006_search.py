from django.db import migrations

# Made empty: `manage.py reindex` puts in what was said before.
SQL = {
    "sqlite": [
        "CREATE VIRTUAL TABLE rooms_search USING fts5"
        """(terms, tokenize = "ascii tokenchars '='", columnsize = 0)""",
    ],
    "postgresql": [
        "CREATE TABLE rooms_search (place bigint PRIMARY KEY, terms tsvector NOT NULL)",
        "CREATE INDEX rooms_search_terms ON rooms_search USING gin (terms)",
    ],
}


def make(apps, schema_editor):
    for statement in SQL[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    schema_editor.execute("DROP TABLE rooms_search")


class Migration(migrations.Migration):

    dependencies = [("rooms", "0005_history")]

    operations = [migrations.RunPython(make, drop)]
