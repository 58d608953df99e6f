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

  /* Which of the products found was opened, in this tab or in another one, so that staff see what searches lead to. */
  function tellClick(event) {
    if (event.type === "auxclick" && event.button !== 1) return;
    var link = event.target.closest("[data-search] [data-product] a");
    if (!link || !navigator.sendBeacon) return;
    var list = link.closest("[data-search]"), card = link.closest("[data-product]");
    var told = {search_id: list.dataset.search, position: Number(card.dataset.position), product_id: Number(card.dataset.product)};
    navigator.sendBeacon(list.dataset.clicks, new Blob([JSON.stringify(told)], {type: "application/json"}));
  }
  document.addEventListener("click", tellClick);
  document.addEventListener("auxclick", tellClick);
})();
