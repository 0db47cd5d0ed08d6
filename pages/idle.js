"use strict";

// Warns before a session ends by idleness, and takes the page away once it has. An app may include it, too. What asks
// is no activity; what the person does is.
(() => {
  const WARNING = 60;
  const address = "/.sluse/idle";
  let words, over, deadline, timer, told, dialog, left, live;
  let active = Date.now();

  async function ask(method) {
    let reply;
    try {
      reply = await fetch(address, { method, cache: "no-store", headers: { Accept: "application/json" } });
    } catch {
      // Nobody knows. A session that may have ended is not shown.
      return deadline && Date.now() >= deadline ? leave() : wait(5);
    }
    if (!reply.ok) return words && leave();
    const answer = await reply.json();
    ({ words, over } = answer);
    deadline = Date.now() + answer.ends_in * 1000;
    if (answer.ends_in > WARNING) {
      if (dialog) dialog.close();
      return wait(answer.ends_in - WARNING);
    }
    if (!dialog || !dialog.open) warn();
    tick();
  }

  function wait(seconds) {
    clearTimeout(timer);
    timer = setTimeout(() => ask("GET"), seconds * 1000);
  }

  function tick() {
    clearTimeout(timer);
    const seconds = Math.max(0, Math.ceil((deadline - Date.now()) / 1000));
    left.textContent = words.left.replace("{seconds}", seconds);
    // A screen reader hears it now and then, not each second.
    for (const mark of [30, 10]) {
      if (seconds <= mark && told > mark) live.textContent = left.textContent;
    }
    told = seconds;
    // Perhaps the person is active elsewhere: only the gateway knows.
    if (seconds === 0) return wait(1);
    timer = setTimeout(tick, 1000);
  }

  function warn() {
    if (!dialog) build();
    told = Infinity;
    dialog.showModal();
  }

  function build() {
    const make = (name, text, parent) => {
      const element = document.createElement(name);
      element.textContent = text;
      parent.append(element);
      return element;
    };
    dialog = make("dialog", "", document.body);
    dialog.id = "sluse-idle";
    dialog.setAttribute("role", "alertdialog");
    dialog.setAttribute("aria-labelledby", "sluse-idle-title");
    dialog.setAttribute("aria-describedby", "sluse-idle-left");
    make("h2", words.title, dialog).id = "sluse-idle-title";
    left = make("p", "", dialog);
    left.id = "sluse-idle-left";
    live = make("p", "", dialog);
    live.setAttribute("role", "status");
    Object.assign(live.style, { position: "absolute", width: "1px", height: "1px", overflow: "hidden", clipPath: "inset(50%)" });
    const row = make("div", "", dialog);
    Object.assign(row.style, { display: "flex", flexWrap: "wrap", gap: "0.75rem" });
    const stay = make("button", words.stay, row);
    stay.type = "button";
    stay.className = "button";
    stay.autofocus = true;
    const end = make("form", "", row);
    end.method = "post";
    end.action = words.log_out_address;
    const out = make("button", words.log_out, end);
    out.className = "button quiet";
    for (const button of [stay, out]) Object.assign(button.style, { minHeight: "44px", font: "inherit" });
    stay.addEventListener("click", () => ask("POST"));
    // Escape means that somebody is there.
    dialog.addEventListener("cancel", () => ask("POST"));
  }

  // Nothing of the person is left, whatever comes next.
  function leave() {
    clearTimeout(timer);
    document.body.replaceChildren();
    document.title = "";
    location.replace(over);
  }

  // Somebody who types or scrolls is there, though nothing is sent.
  for (const sign of ["keydown", "pointerdown", "wheel"]) {
    addEventListener(sign, () => {
      if (!words || (dialog && dialog.open) || Date.now() - active < 30000) return;
      active = Date.now();
      ask("POST");
    }, { passive: true });
  }
  // A tablet that slept, and a page taken from memory, ask again.
  addEventListener("visibilitychange", () => document.visibilityState === "visible" && words && ask("GET"));
  addEventListener("pageshow", (event) => event.persisted && ask("GET"));
  ask("GET");
})();
