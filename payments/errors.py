"""What can go wrong with money."""

from core.errors import Conflict, InvalidInput, NotFound, Unavailable


class ProviderUnavailable(Unavailable):
    """The provider did not answer: what happened there is unknown."""

    code = "payment_provider_unavailable"


class ProviderRefused(Conflict):
    """The provider says no for good; params hold its ``failure_code``."""

    code = "payment_refused"

    @property
    def failure_code(self) -> str:
        """The provider's word for why."""
        return str(self.params.get("failure_code", ""))


class PaymentNotFound(NotFound):
    """There is no such payment."""

    code = "payment_not_found"


class PaymentNotAuthorised(Conflict):
    """Only an authorised payment can be captured."""

    code = "payment_not_authorised"


class RefundTooLarge(Conflict):
    """More would go back than was taken; params hold what is left as ``refundable``."""

    code = "refund_too_large"


class RefundKeyReused(Conflict):
    """The key belongs to another refund."""

    code = "refund_key_reused"


class WebhookRefused(InvalidInput):
    """The webhook does not come from the provider, or makes no sense."""

    code = "webhook_refused"


class WebhookTooOld(WebhookRefused):
    """The signature is right but old: somebody may be playing it again."""

    code = "webhook_too_old"


class WebhookMismatch(Conflict):
    """The webhook speaks of another amount or currency than the payment has."""

    code = "webhook_amount_mismatch"
