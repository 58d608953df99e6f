/* What makes the pages smoother; each of them works without it. */
(function () {
  "use strict";

  /* htmx sends Django's CSRF token, which it finds in the page's meta element. */
  document.addEventListener("htmx:configRequest", function (event) {
    var token = document.querySelector("meta[name=csrf-token]");
    if (token) event.detail.headers["X-CSRFToken"] = token.content;
  });

  /* A hold's countdown: the server says until when; at zero the cart is asked for anew. */
  function tick() {
    document.querySelectorAll("[data-held-until]").forEach(function (place) {
      var left = Math.floor((Date.parse(place.dataset.heldUntil) - Date.now()) / 1000);
      if (left < 0) {
        place.removeAttribute("data-held-until");
        if (place.dataset.lapsed) window.location.assign(place.dataset.lapsed);
        return;
      }
      place.textContent = Math.floor(left / 60) + ":" + String(left % 60).padStart(2, "0");
    });
  }
  setInterval(tick, 1000);
  document.addEventListener("DOMContentLoaded", tick);
  document.addEventListener("htmx:afterSettle", tick);

  /* A form is sent once: its button rests until the next page is there. Pages that come back from the cache start fresh. */
  document.addEventListener("submit", function (event) {
    if (event.target.hasAttribute("data-once")) {
      event.target.querySelectorAll("button[type=submit]").forEach(function (button) { button.disabled = true; });
    }
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-once] button[type=submit]").forEach(function (button) { button.disabled = false; });
  });

  /* Choosing a sort order or a filter needs no second click. */
  document.addEventListener("change", function (event) {
    var form = event.target.closest("form[data-auto]");
    if (form) form.requestSubmit();
  });
})();
