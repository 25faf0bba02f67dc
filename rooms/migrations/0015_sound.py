from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("rooms", "0014_level"),
    ]

    operations = [
        migrations.AddField(
            model_name="person",
            name="sound",
            field=models.BooleanField(default=False),
        ),
    ]
