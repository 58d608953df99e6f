from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("cart", "0002_guest_address")]

    operations = [
        AddIndexConcurrently(
            model_name="cart",
            index=models.Index(
                condition=models.Q(("guest_address", ""), _negated=True),
                fields=["guest_address", "updated_at"],
                name="cart_guest_address",
            ),
        ),
    ]
