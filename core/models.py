"""What no domain owns: events on their way out, idempotency claims, and the audit log."""

from django.db import models


class OutboxEvent(models.Model):
    """A past-tense fact, written in the transaction that made it true and sent afterwards (DESIGN.md section 5)."""

    event_id = models.UUIDField(unique=True)
    topic = models.CharField(max_length=100)
    key = models.CharField(max_length=100)
    bucket = models.PositiveSmallIntegerField()
    type = models.CharField(max_length=100)
    version = models.PositiveSmallIntegerField(default=1)
    data = models.JSONField()
    occurred_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(name="outbox_bucket_in_range", condition=models.Q(bucket__lt=64))]
        indexes = [
            # The relay polls this every 50 ms: it holds only what is still to be sent.
            models.Index(name="outbox_unpublished", fields=["bucket", "id"], condition=models.Q(published_at=None)),
            models.Index(
                name="outbox_published_at", fields=["published_at"], condition=models.Q(published_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class EventMark(models.Model):
    """That a consumer group has taken an event: written in the transaction of the effect, so the effect happens once."""

    group = models.CharField(max_length=100)
    generation = models.PositiveIntegerField(default=1)
    event_id = models.UUIDField()
    marked_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="event_mark_once", fields=["group", "generation", "event_id"])]
        indexes = [models.Index(name="event_mark_marked_at", fields=["marked_at"])]

    def __str__(self) -> str:
        return f"{self.group} {self.event_id}"


class ConsumerGroup(models.Model):
    """A group of subscribers whose topic was replayed: which generation it is in, and from when on that takes events."""

    name = models.CharField(max_length=100)
    topic = models.CharField(max_length=100)
    generation = models.PositiveIntegerField(default=1)
    replay_from = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="consumer_group_once", fields=["name", "topic"])]

    def __str__(self) -> str:
        return f"{self.name} of {self.topic}: {self.generation}"


class ParkedEvent(models.Model):
    """An event whose subscriber kept failing, and every later one of its key, until somebody tries again."""

    group = models.CharField(max_length=100)
    generation = models.PositiveIntegerField(default=1)
    event_id = models.UUIDField()
    topic = models.CharField(max_length=100)
    key = models.CharField(max_length=100)
    type = models.CharField(max_length=100)
    version = models.PositiveSmallIntegerField(default=1)
    data = models.JSONField()
    occurred_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    parked_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="parked_event_once", fields=["group", "generation", "event_id"])]
        indexes = [
            models.Index(
                name="parked_event_open",
                fields=["group", "generation", "key", "id"],
                condition=models.Q(resolved_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id} for {self.group}"


class IdempotencyClaim(models.Model):
    """Who runs a request of one key, until when, and what was answered.

    A claim is a lease: past ``lease_until`` another process may take it over with a higher ``fence``, and the one that lost it
    can no longer complete it (DESIGN.md section 4, "Checkout").
    """

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        REFUSED = "refused"

    scope = models.CharField(max_length=50)
    owner = models.CharField(max_length=100)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    fence = models.PositiveIntegerField(default=1)
    lease_until = models.DateTimeField()
    # That the effect is committed, though there may be no answer yet: whoever takes over must not do it again.
    is_applied = models.BooleanField(default=False, db_default=False)
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    response_headers = models.JSONField(default=dict)
    response_body = models.BinaryField(null=True, blank=True)
    created_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="idempotency_claim_once", fields=["scope", "owner", "key"]),
            models.CheckConstraint(
                name="idempotency_claim_answered",
                condition=models.Q(state="running")
                | models.Q(response_status__isnull=False, completed_at__isnull=False),
            ),
        ]
        indexes = [models.Index(name="idempotency_claim_expires", fields=["expires_at"])]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"


class AuditLog(models.Model):
    """Who changed stock, money or access, and how. Never personal data: ids and figures only."""

    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True, blank=True)
    action = models.CharField(max_length=100)
    object_type = models.CharField(max_length=50)
    object_id = models.CharField(max_length=50)
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(name="audit_log_object", fields=["object_type", "object_id", "at"]),
            models.Index(name="audit_log_at", fields=["at"]),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id}"
