// "Vis kodeord": a button that shows what was typed. It is hidden until this script can serve it.
"use strict";

for (const button of document.querySelectorAll("[data-reveals]")) {
  const field = document.getElementById(button.getAttribute("data-reveals"));
  const show = (visible) => {
    field.type = visible ? "text" : "password";
    button.textContent = button.getAttribute(visible ? "data-hide" : "data-show");
  };
  button.addEventListener("click", () => show(field.type === "password"));
  // A password manager saves only what leaves the page as a password.
  field.form.addEventListener("submit", () => show(false));
  button.hidden = false;
}
