// Runs the WebAuthn ceremony that the page carries in its form's data- attributes (WebAuthn Level 3).
//
// One press is one attempt. The only automatic one is the first of an authentication, and browsers that want a
// press first refuse it at once. The server's answer says where to go, and the page says which origins that may be.
"use strict";

(() => {
  const form = document.getElementById("ceremony");
  if (!form) return;
  const status = document.getElementById("status");
  const start = document.getElementById("start");
  const again = document.getElementById("again");
  const kind = form.getAttribute("data-kind");
  const text = (name) => form.getAttribute("data-text-" + name);

  function say(state, words) {
    form.setAttribute("data-state", state);
    status.textContent = words;
  }

  // The challenge still waits on the server: the same button may try once more.
  function mayTryAgain(state, words) {
    say(state, words);
    start.textContent = form.getAttribute("data-again");
    start.disabled = false;
  }

  // The challenge is spent: only a new page has a new one.
  function mustStartOver(words, code) {
    say("failed", code ? `${words} ${text("code")}: ${code}` : words);
    start.hidden = true;
    again.hidden = false;
    again.focus();
  }

  async function run(automatic) {
    start.disabled = true;
    say("waiting", text("waiting"));
    let credential;
    try {
      credential = await navigator.credentials[kind]({ publicKey: options() });
    } catch (error) {
      if (automatic && error.name === "NotAllowedError") {
        say("ready", text("ready"));
        start.disabled = false;
      } else {
        mayTryAgain("failed", text(reason(error)));
      }
      return;
    }
    if (!credential) return mayTryAgain("failed", text("unknown"));
    say("working", text("finishing"));
    await finish(credential);
  }

  async function finish(credential) {
    const message = { ceremony: form.getAttribute("data-ceremony"), response: asJSON(credential) };
    for (const field of form.querySelectorAll("input[type=hidden]")) message[field.name] = field.value;
    let reply, answer;
    try {
      reply = await fetch(form.getAttribute("action"), {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify(message),
        redirect: "error",
      });
      answer = await reply.json();
    } catch {
      return mustStartOver(text(reply ? "unknown" : "network"));
    }
    const target = reply.ok && allowed(answer.next);
    if (!target) return mustStartOver(answer.message || text("unknown"), answer.code);
    say("done", text("done"));
    // Going back must not lead to a challenge that is spent.
    location.replace(target);
  }

  function allowed(next) {
    if (typeof next !== "string") return null;
    let target;
    try {
      target = new URL(next, location.origin);
    } catch {
      return null;
    }
    const origins = [location.origin, ...form.getAttribute("data-allowed").split(" ")];
    return origins.includes(target.origin) ? target.href : null;
  }

  function reason(error) {
    switch (error.name) {
      case "NotAllowedError":
      case "AbortError":
        return "not-allowed";
      case "InvalidStateError":
        return kind === "create" ? "already" : "unsupported";
      case "NotSupportedError":
      case "ConstraintError":
        return "unsupported";
      case "SecurityError":
        return "wrong-address";
      default:
        return "unknown";
    }
  }

  function options() {
    const json = JSON.parse(form.getAttribute("data-options"));
    const parse = kind === "create" ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";
    if (PublicKeyCredential[parse]) return PublicKeyCredential[parse](json);
    const binary = (credential) => ({ ...credential, id: toBytes(credential.id) });
    const parsed = { ...json, challenge: toBytes(json.challenge) };
    if (json.user) parsed.user = binary(json.user);
    if (json.excludeCredentials) parsed.excludeCredentials = json.excludeCredentials.map(binary);
    if (json.allowCredentials) parsed.allowCredentials = json.allowCredentials.map(binary);
    return parsed;
  }

  function asJSON(credential) {
    // Some password managers put an object of their own in place, whose toJSON throws.
    try {
      if (credential.toJSON) return credential.toJSON();
    } catch {}
    const { id, type, rawId, response, authenticatorAttachment } = credential;
    const encoded = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (response[name]) encoded[name] = toBase64url(response[name]);
    }
    if (response.getTransports) encoded.transports = response.getTransports();
    const clientExtensionResults = credential.getClientExtensionResults();
    return { id, type, rawId: toBase64url(rawId), response: encoded, authenticatorAttachment, clientExtensionResults };
  }

  function toBytes(base64url) {
    const base64 = base64url.replaceAll("-", "+").replaceAll("_", "/");
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  }

  function toBase64url(buffer) {
    const binary = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
    return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }

  if (!window.PublicKeyCredential || !navigator.credentials) {
    say("failed", text("no-webauthn"));
    return;
  }
  start.disabled = false;
  start.addEventListener("click", () => run(false));
  if (kind === "get" && document.visibilityState === "visible") run(true);
})();
