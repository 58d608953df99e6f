import django.db.models.deletion
from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial"), ("payments", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="RefundLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("quantity", models.IntegerField(verbose_name="quantity")),
                ("amount", core.fields.AmountField(decimal_places=3, max_digits=14, verbose_name="amount")),
                (
                    "order_line",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunded",
                        to="orders.orderline",
                    ),
                ),
                (
                    "refund",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="payments.refund"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("refund", "order_line"), name="refund_line_once", nulls_distinct=False
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gte", 0), ("quantity__gt", 0)), name="refund_line_in_range"
                    ),
                ],
            },
        ),
    ]
