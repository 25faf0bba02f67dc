"""What a room tells has three levels, in place of a switch that muted it."""

from django.db import migrations, models
from django.db.migrations.state import StateApps


def to_level(apps: StateApps, editor: object) -> None:
    apps.get_model("rooms", "Membership").objects.filter(is_muted=True).update(level="mentions")


def to_switch(apps: StateApps, editor: object) -> None:
    apps.get_model("rooms", "Membership").objects.exclude(level="everything").update(is_muted=True)


class Migration(migrations.Migration):

    dependencies = [
        ("rooms", "0013_threads"),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="level",
            field=models.CharField(
                choices=[
                    ("everything", "Everything"),
                    ("mentions", "Mentions and answers"),
                    ("nothing", "Nothing"),
                ],
                default="everything",
                max_length=10,
            ),
        ),
        migrations.RunPython(to_level, to_switch),
        migrations.RemoveField(model_name="membership", name="is_muted"),
    ]
