"""Former addresses of products and categories, written by triggers."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0002_import_runs"),
    ]

    operations = [
        migrations.CreateModel(
            name="FormerCategoryAddress",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug_path", models.CharField(max_length=500, unique=True, verbose_name="address")),
                ("replaced_at", models.DateTimeField(verbose_name="replaced")),
            ],
        ),
        migrations.CreateModel(
            name="FormerProductAddress",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=500, unique=True, verbose_name="slug")),
                ("replaced_at", models.DateTimeField(verbose_name="replaced")),
            ],
        ),
        migrations.AlterField(
            model_name="product",
            name="slug",
            field=models.SlugField(
                help_text="The product's address. Links to a former one keep working.",
                max_length=500,
                unique=True,
                verbose_name="slug",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="category",
            trigger=pgtrigger.compiler.Trigger(
                name="take_address",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\nDELETE FROM catalog_formercategoryaddress former USING taken WHERE former.slug_path = taken.slug_path;\nRETURN NULL;\n",
                    hash="0cec00fd9ab2ddd04a16ae47224298d5ad0dc807",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_take_address_40d1d",
                    referencing="REFERENCING NEW TABLE AS taken ",
                    table="catalog_category",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="category",
            trigger=pgtrigger.compiler.Trigger(
                name="change_address",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."slug_path" IS DISTINCT FROM (NEW."slug_path"))',
                    func="\nIF OLD.slug_path ~ '^[^/]' THEN\n    INSERT INTO catalog_formercategoryaddress (slug_path, category_id, replaced_at) VALUES (OLD.slug_path, NEW.id, clock_timestamp())\n    ON CONFLICT (slug_path) DO UPDATE SET category_id = EXCLUDED.category_id, replaced_at = EXCLUDED.replaced_at;\nEND IF;\nDELETE FROM catalog_formercategoryaddress WHERE slug_path = NEW.slug_path;\nRETURN NULL;\n",
                    hash="e995dad18f80ed78e32431e1dbf34207bab98ea7",
                    operation='UPDATE OF "slug_path"',
                    pgid="pgtrigger_change_address_2a1fb",
                    table="catalog_category",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="product",
            trigger=pgtrigger.compiler.Trigger(
                name="take_address",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\nDELETE FROM catalog_formerproductaddress former USING taken WHERE former.slug = taken.slug;\nRETURN NULL;\n",
                    hash="ce7662bd376a9982c2a1461b4c840425cfcc6e49",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_take_address_8c0dc",
                    referencing="REFERENCING NEW TABLE AS taken ",
                    table="catalog_product",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="product",
            trigger=pgtrigger.compiler.Trigger(
                name="change_address",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."slug" IS DISTINCT FROM (NEW."slug"))',
                    func="\nIF OLD.slug ~ '^[^/]' THEN\n    INSERT INTO catalog_formerproductaddress (slug, product_id, replaced_at) VALUES (OLD.slug, NEW.id, clock_timestamp())\n    ON CONFLICT (slug) DO UPDATE SET product_id = EXCLUDED.product_id, replaced_at = EXCLUDED.replaced_at;\nEND IF;\nDELETE FROM catalog_formerproductaddress WHERE slug = NEW.slug;\nRETURN NULL;\n",
                    hash="140bd90849762a0e3325e07f700a7f1d96cd9045",
                    operation='UPDATE OF "slug"',
                    pgid="pgtrigger_change_address_c052e",
                    table="catalog_product",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="formercategoryaddress",
            name="category",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="former_addresses", to="catalog.category"
            ),
        ),
        migrations.AddField(
            model_name="formerproductaddress",
            name="product",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="former_addresses", to="catalog.product"
            ),
        ),
    ]
