from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0002_events_claims_audit")]

    operations = [
        migrations.AddField(
            model_name="idempotencyclaim",
            name="is_applied",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
