from django.db import migrations, models


def empty_settled(apps, schema_editor):
    """A report that has been seen to keeps nothing of what was said."""
    apps.get_model("rooms", "Report").objects.exclude(resolved_at=None).update(quote="")


class Migration(migrations.Migration):

    dependencies = [
        ('rooms', '0003_sessions_of_guests'),
    ]

    operations = [
        migrations.RunPython(empty_settled, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='act',
            name='what',
            field=models.CharField(choices=[('deleted', 'Deleted a message'), ('removed', 'Removed from the room'), ('banned', 'Banned'), ('unbanned', 'Lifted a ban'), ('role', 'Changed a role'), ('renamed', 'Renamed the room'), ('archived', 'Archived the room'), ('restored', 'Restored the room'), ('closed', 'Closed the room to posting'), ('opened', 'Opened the room to posting'), ('slowed', 'Set slow mode'), ('reported', 'Reported a message'), ('dismissed', 'Dismissed a report'), ('disabled', 'Closed the account'), ('enabled', 'Opened the account again')], max_length=10),
        ),
        migrations.AlterField(
            model_name='sitesettings',
            name='guests_allowed',
            field=models.BooleanField(default=True, help_text='Whether one may talk in open rooms with a name alone, without an account. Where it is turned off, guests who are here are signed out, within seconds. Once it is on again, they are back by their names.'),
        ),
    ]
