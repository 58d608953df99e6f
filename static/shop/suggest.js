/* Suggestions below the search box: htmx fetches them, this lets the keyboard choose (the ARIA combobox pattern). Without it, the
   box is a box. */
(function () {
  "use strict";

  var box = document.querySelector("[data-suggest]");
  var place = document.getElementById("suggestions");
  if (!box || !place) return;
  var active = -1;

  function options() {
    return Array.prototype.slice.call(place.querySelectorAll("[role=option]"));
  }

  function show(open) {
    place.hidden = !open;
    box.setAttribute("aria-expanded", String(open));
    if (!open) choose(-1);
  }

  function choose(next) {
    var all = options();
    active = next;
    all.forEach(function (option, at) { option.setAttribute("aria-selected", String(at === active)); });
    if (active < 0) box.removeAttribute("aria-activedescendant");
    else {
      box.setAttribute("aria-activedescendant", all[active].id);
      all[active].scrollIntoView({ block: "nearest" });
    }
  }

  box.addEventListener("keydown", function (event) {
    var count = options().length;
    if (event.key === "Escape" && !place.hidden) {
      event.preventDefault(); /* the second Escape empties the box */
      show(false);
    } else if (!place.hidden && count && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      var step = event.key === "ArrowDown" ? 1 : -1;
      choose((active + 1 + step + count + 1) % (count + 1) - 1);
    } else if (event.key === "Enter" && !place.hidden && active >= 0) {
      event.preventDefault();
      options()[active].querySelector("a").click();
    }
  });
  /* What a form has sent off needs no suggestions any more. */
  box.form.addEventListener("submit", function () { show(false); });
  box.addEventListener("focus", function () { if (options().length) show(true); });
  document.addEventListener("click", function (event) { if (!box.form.contains(event.target)) show(false); });
  place.addEventListener("mousedown", function (event) { event.preventDefault(); });
  place.addEventListener("htmx:afterSwap", function () {
    active = -1;
    show(document.activeElement === box && options().length > 0);
  });
})();
