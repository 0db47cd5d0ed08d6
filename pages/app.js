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

// How strong a new password looks while it is typed: a guess by its length and by how little of it repeats or runs
// on. What counts is the server's verdict. The bar follows every key, the words only a pause.
for (const shown of document.querySelectorAll("[data-strength-of]")) {
  const field = document.getElementById(shown.getAttribute("data-strength-of"));
  const own = document.getElementById(shown.getAttribute("data-own"))?.value.split("@")[0].toLowerCase();
  const status = shown.querySelector("[role=status]");
  const words = ["short", "weak", "fair", "good", "strong"];
  let pause;

  const strength = (typed) => {
    const letters = [...typed.normalize("NFKC").toLowerCase()];
    if (letters.length < Number(shown.getAttribute("data-least"))) return 0;
    if (own?.length > 2 && letters.join("").includes(own)) return 1;
    const runsOn = (letter, at) => at > 0 && Math.abs(letter.codePointAt(0) - letters[at - 1].codePointAt(0)) < 2;
    const worth = letters.filter((letter, at) => !runsOn(letter, at)).length;
    const score = Math.min(worth, 2 * new Set(letters).size);
    return [10, 14, 18].filter((least) => score > least).length + 1;
  };

  field.addEventListener("input", () => {
    const level = strength(field.value);
    shown.hidden = !field.value;
    shown.setAttribute("data-level", level);
    clearTimeout(pause);
    pause = setTimeout(() => (status.textContent = shown.getAttribute("data-" + words[level])), 400);
  });
}
