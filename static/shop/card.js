/* The card's own field, by Stripe's script. What it makes of the card, a name that is good for this shop only, goes into the form. */
(function () {
  "use strict";

  var place = document.getElementById("card");
  if (!place) return;
  var form = place.closest("form");
  var error = document.getElementById("card-error");
  var stripe = null;
  var card = null;
  var busy = false;

  function say(text) {
    error.replaceChildren();
    if (!text) return;
    var line = document.createElement("li");
    line.textContent = text;
    error.append(line);
  }

  /* The form's button rests while it is sent (shop.js): here nothing was sent. */
  function wake() {
    busy = false;
    form.querySelectorAll("button[type=submit]").forEach(function (button) { button.disabled = false; });
  }

  function refuse(text) {
    say(text);
    setTimeout(wake);
  }

  function typed(name) {
    return form.elements[name].value || undefined;
  }

  function owner() {
    return {
      name: typed("name"),
      email: typed("email"),
      address: {
        line1: typed("line1"),
        line2: typed("line2"),
        city: typed("city"),
        state: typed("region"),
        postal_code: typed("postal_code"),
        country: typed("country")
      }
    };
  }

  function mount() {
    var look = getComputedStyle(place);
    stripe = window.Stripe(place.dataset.key);
    card = stripe.elements({ locale: document.documentElement.lang || "auto" }).create("card", {
      hidePostalCode: true,
      style: { base: { color: look.color, fontFamily: look.fontFamily, fontSize: look.fontSize } }
    });
    card.on("change", function (event) { say(event.error ? event.error.message : ""); });
    card.mount(place);
  }

  form.addEventListener("submit", function (event) {
    var button = event.submitter;
    if (form.elements.payment_method.value || (button && button.name === "update")) return;
    event.preventDefault();
    if (busy) return;
    if (!card) {
      refuse(place.dataset.failing || place.dataset.loading);
      return;
    }
    busy = true;
    say("");
    stripe.createPaymentMethod({ type: "card", card: card, billing_details: owner() }).then(function (result) {
      if (result.error) {
        refuse(result.error.message);
        return;
      }
      form.elements.payment_method.value = result.paymentMethod.id;
      form.requestSubmit();
    }).catch(function () { refuse(place.dataset.failed); });
  });

  /* A page that comes back from the browser's cache has an old name in it; each try needs a new one. */
  window.addEventListener("pageshow", function (event) {
    if (!event.persisted) return;
    form.elements.payment_method.value = "";
    wake();
  });

  var script = document.createElement("script");
  script.src = place.dataset.script;
  script.addEventListener("load", mount);
  script.addEventListener("error", function () {
    place.dataset.failing = place.dataset.unreachable;
    say(place.dataset.unreachable);
  });
  document.head.append(script);
})();
