//! Sluse from the outside, against real parts: Chromium and its authenticators, a certified OpenID Connect
//! provider, an upstream that keeps the bytes it was sent.

// Each part offers what any behaviour may need; the parts' own tests do not use all of it.
#![allow(dead_code)]

mod arrows;
mod attacks;
mod audit;
mod behind;
mod broker;
mod browser;
mod claims;
mod configuration;
mod corpus;
mod discretion;
mod employee;
mod expiry;
mod guide;
mod harness;
mod idle;
mod in_process;
mod key;
mod language;
mod ldap;
mod lockout;
mod mitid;
mod observe;
mod origin;
mod parked;
mod persistence;
mod person;
mod pin;
mod power_cut;
mod process;
mod raw;
mod reload;
mod self_service;
mod shared_devices;
mod slapd;
mod stopping;
mod store;
mod trace;
mod wait;

mod parts;
