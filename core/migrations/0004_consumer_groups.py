from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0003_claims_applied")]

    operations = [
        migrations.CreateModel(
            name="ConsumerGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("topic", models.CharField(max_length=100)),
                ("generation", models.PositiveIntegerField(default=1)),
                ("replay_from", models.DateTimeField(blank=True, null=True)),
                ("opened_at", models.DateTimeField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("name", "topic"), name="consumer_group_once")],
            },
        ),
    ]
