"""The two pages of the simulated bank, and their style sheet."""

from html import escape
from typing import Any

STYLE = """body { font: 1rem/1.5 system-ui, sans-serif; margin: 0; background: #f4f5f7; color: #1d2330; }
main { max-width: 26rem; margin: 12vh auto; padding: 2rem; background: #fff; border-radius: .75rem; }
h1 { font-size: 1.25rem; margin-top: 0; }
form { display: flex; gap: .75rem; }
button { flex: 1; font: inherit; padding: .7rem; border-radius: .5rem; border: 1px solid #1d4f91; cursor: pointer; }
button[value=approve] { background: #1d4f91; color: #fff; }
button[value=refuse] { background: #fff; color: #1d4f91; }
"""


def challenge(payment: dict[str, Any]) -> str:
    """Asks the shopper whether it was them."""
    return _page(
        "Confirm your payment",
        f"<p>Order <strong>{escape(payment['reference'])}</strong> asks for a payment. This is a simulated bank: no money"
        " moves. What should it answer?</p>"
        '<form method="post"><button name="decision" value="approve">Approve</button>'
        '<button name="decision" value="refuse">Refuse</button></form>',
    )


def done() -> str:
    """Says that there is nothing to decide any more."""
    return _page("Nothing to confirm", "<p>This payment has been decided. You can close this page.</p>")


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title}</title><link rel="stylesheet" href="/style.css"></head>'
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    )
