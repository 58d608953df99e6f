"""What stands in for Stripe in a browser: its script, the frame with its card field, its API, and its page for a bank's question.

They answer under Stripe's own names, which the browser is told to look for on this machine: so the page is the shoppers' own,
and what it is allowed to load is tried as well.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, sync_playwright

from tests.requirements import CHROMIUM_FLAGS, chromium
from tests.servers.stand_in import Answer, Asked, make_certificate, standing_in

SCRIPT = """
window.Stripe = function (key) {
  var number = "";
  return {
    elements: function () {
      return { create: function (kind) {
        return {
          on: function () {},
          mount: function (place) {
            var frame = document.createElement("iframe");
            frame.src = "https://js.stripe.com/card.html";
            frame.title = "Secure card payment input frame";
            place.append(frame);
            window.addEventListener("message", function (event) {
              if (event.origin === "https://js.stripe.com") number = event.data;
            });
          }
        };
      } };
    },
    createPaymentMethod: function (given) {
      if (!number) return Promise.resolve({ error: { message: "Your card number is incomplete." } });
      return fetch("https://api.stripe.com/v1/payment_methods", {
        method: "POST",
        headers: { "Authorization": "Bearer " + key, "Content-Type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ type: given.type, number: number, name: given.billing_details.name })
      }).then(function (answer) { return answer.json(); }).then(function (made) { return { paymentMethod: made }; });
    }
  };
};
"""
FRAME = """<!DOCTYPE html><label>Card number <input></label><script>
document.querySelector("input").addEventListener("input", function () { parent.postMessage(this.value, "*"); });
</script>"""
QUESTION = (
    """<!DOCTYPE html><h1>Your bank asks</h1><form method="post"><button>Complete authentication</button></form>"""
)
ALLOWED = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Content-Type": "application/json",
}
CARDS = {"4242424242424242": "pm_good", "4000000000000002": "pm_declined", "4000002760003184": "pm_asks"}


@dataclass
class StripeInBrowser:
    """Remembers for whom payment methods were made, and which addresses were asked about."""

    made_for: list[tuple[str, str]] = field(default_factory=list)
    approved: list[str] = field(default_factory=list)

    def answer(self, asked: Asked) -> Answer:
        """As Stripe's hosts would."""
        match asked.host, asked.what.split(" ")[0], asked.what.split(" ")[1]:
            case "js.stripe.com", "GET", "/v3/":
                return Answer(SCRIPT, headers={"Content-Type": "text/javascript"})
            case "js.stripe.com", "GET", "/card.html":
                return Answer(FRAME, headers={"Content-Type": "text/html"})
            case "api.stripe.com", "OPTIONS", _:
                return Answer(headers=ALLOWED)
            case "api.stripe.com", "POST", "/v1/payment_methods":
                self.made_for.append((asked.headers["Authorization"], asked.given["name"][0]))
                return Answer(json.dumps({"id": CARDS[asked.given["number"][0]]}), headers=ALLOWED)
            case "hooks.stripe.com", "GET", _:
                return Answer(QUESTION, headers={"Content-Type": "text/html"})
            case "hooks.stripe.com", "POST", _:
                self.approved.append(asked.given["payment"][0])
                return Answer(status=303, headers={"Location": asked.given["return_url"][0]})
        return Answer(status=404)


@contextmanager
def browser_and_stripe(
    folder: Path, *, scripts: bool = True, reachable: bool = True
) -> Iterator[tuple[BrowserContext, StripeInBrowser]]:
    """Chromium with a fresh window, and what stands in for Stripe, nowhere to be found unless ``reachable``.

    While it is there, its thread can not use the database.
    """
    stripe = StripeInBrowser()
    with standing_in(stripe.answer, certificate=make_certificate(folder)) as port, sync_playwright() as playwright:
        here = f"--host-resolver-rules=MAP *.stripe.com 127.0.0.1:{port if reachable else 9}"
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*CHROMIUM_FLAGS, here])
        context = browser.new_context(locale="en-US", ignore_https_errors=True, java_script_enabled=scripts)
        context.set_default_timeout(15_000)
        yield context, stripe
        context.close()
        browser.close()
