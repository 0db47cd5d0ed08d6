//! Sluse from the outside, against real parts: Chromium and its authenticators, a certified OpenID Connect
//! provider, an upstream that keeps the bytes it was sent.

// Each part offers what any behaviour may need; the parts' own tests do not use all of it.
#![allow(dead_code)]

mod broker;
mod browser;
mod employee;
mod guide;
mod harness;
mod key;
mod origin;
mod persistence;
mod process;
mod raw;
mod reload;
mod wait;

mod parts;
