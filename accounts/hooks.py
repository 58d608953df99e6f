"""What happens after somebody has logged in, by web or API: the functions that LOGIN_HOOKS name."""

import logging
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string

from core.errors import DomainError

logger = logging.getLogger(__name__)


def run_login_hooks(*, user_id: int, cart_token: str, now: datetime) -> None:
    """Call each hook. One that refuses is logged and does not keep the user out."""
    for path in settings.LOGIN_HOOKS:
        try:
            import_string(path)(user_id=user_id, cart_token=cart_token, now=now)
        except DomainError as refusal:
            logger.warning("After the log-in of user %d, %s refused: %s", user_id, path, refusal.detail)
