"""Shoppers search documents (the app `search`): what served them here is read by nobody and costs every import."""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations
from django.db.models.functions import Upper

UNREAD = ("product_price", "product_rating", "product_sku_upper", "product_eans", "product_search")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("catalog", "0003_former_addresses")]

    operations = [
        AddIndexConcurrently(
            model_name="product",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(Upper("sku"), name="gin_trgm_ops"), name="product_sku_trigram"
            ),
        ),
        *(RemoveIndexConcurrently(model_name="product", name=name) for name in UNREAD),
    ]
