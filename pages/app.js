"use strict";

// "Vis kodeord": a button that shows what was typed. It is hidden until this script can serve it.
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

// A page that goes on by itself after a moment, as its link would. Whoever moves, types or says so takes the time
// they want.
for (const link of document.querySelectorAll("[data-moves-on]")) {
  const timer = setTimeout(() => location.replace(link.href), 1000 * link.getAttribute("data-moves-on"));
  const status = document.getElementById("moving");
  const button = document.getElementById("stay");
  const stay = () => {
    clearTimeout(timer);
    status.textContent = status.getAttribute("data-stopped");
    if (document.activeElement === button) link.focus();
    button.hidden = true;
  };
  button.hidden = false;
  for (const sign of ["click", "keydown", "pointerdown", "wheel"]) addEventListener(sign, stay, { once: true, passive: true });
}

// A form that has been filled in already: its button is for browsers without scripts.
for (const form of document.querySelectorAll("form[data-submits]")) form.requestSubmit();
