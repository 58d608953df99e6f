"""What staff may do, by role. Apps are named by label only: they lie above this one."""

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

SEE, CHANGE, ALL = ("view",), ("view", "change"), ("view", "add", "change", "delete")
MERCHANDISING = tuple((f"search.{model}", ALL) for model in ("synonyms", "queryrule", "placement"))
# By role: which models (`app` or `app.model`), and what may be done with them. Later rows add to earlier ones.
ROLES: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "catalogue": (("catalog", ALL), ("pricing", SEE), ("inventory", SEE), ("search", SEE), *MERCHANDISING),
    "warehouse": (
        ("inventory", SEE),
        ("inventory.warehouse", CHANGE),
        ("inventory.inventory", CHANGE),
        ("catalog", SEE),
        ("orders", CHANGE),
    ),
    "support": (
        ("orders", CHANGE),
        ("payments", SEE),
        ("cart", SEE),
        ("accounts", SEE),
        ("accounts.user", CHANGE),
        ("catalog", SEE),
        ("inventory", SEE),
    ),
}


def create_roles() -> dict[str, int]:
    """Bring the groups to what ROLES says; how many permissions each has. Safe to repeat; memberships stay."""
    counts: dict[str, int] = {}
    with transaction.atomic(durable=True):
        for name, rows in ROLES.items():
            group, _made = Group.objects.get_or_create(name=name)
            wanted = Permission.objects.filter(_any(rows))
            group.permissions.set(wanted)
            counts[name] = len(wanted)
    return counts


def _any(rows: tuple[tuple[str, tuple[str, ...]], ...]) -> Q:
    found = Q(pk=None)
    for where, actions in rows:
        app, _dot, model = where.partition(".")
        for action in actions:
            row = Q(content_type__app_label=app, codename__startswith=f"{action}_")
            found |= row & Q(content_type__model=model) if model else row
    return found
