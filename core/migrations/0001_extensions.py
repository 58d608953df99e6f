"""PostgreSQL extensions that the schema needs: trigram similarity and accent folding."""

from django.contrib.postgres.operations import TrigramExtension, UnaccentExtension
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = []
    operations = [TrigramExtension(), UnaccentExtension()]
