from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cart", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="cart",
            name="guest_address",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=32),
        ),
    ]
