import django.db.models.deletion
from django.db import migrations, models

QUARTER = 900  # seconds


def count_what_was_said(apps, schema_editor):
    Message, Tally = apps.get_model("rooms", "Message"), apps.get_model("rooms", "Tally")
    rows, row = [], None
    said = Message.objects.order_by("room_id", "seq").values_list("room_id", "seq", "at")
    for room_id, seq, at in said.iterator(chunk_size=10_000):
        quarter = int(at.timestamp() // QUARTER)
        if row is None or (row.room_id, row.quarter) != (room_id, quarter):
            row = Tally(room_id=room_id, quarter=quarter, first_seq=seq, count=0)
            rows.append(row)
        row.last_seq = seq
        row.count += 1
    Tally.objects.bulk_create(rows, batch_size=500)


class Migration(migrations.Migration):

    dependencies = [
        ("rooms", "0004_settled_and_disabled"),
    ]

    operations = [
        migrations.CreateModel(
            name="Tally",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("quarter", models.BigIntegerField()),
                ("first_seq", models.PositiveBigIntegerField()),
                ("last_seq", models.PositiveBigIntegerField()),
                ("count", models.PositiveIntegerField()),
                (
                    "room",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="rooms.room"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("room"), models.F("quarter"), models.F("first_seq"), name="one_tally"
                    )
                ],
            },
        ),
        migrations.RunPython(count_what_was_said, migrations.RunPython.noop),
    ]
