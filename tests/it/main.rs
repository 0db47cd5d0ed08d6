//! Sluse from the outside, against real parts: Chromium and its authenticators, a certified OpenID Connect
//! provider, an upstream that keeps the bytes it was sent.

// Each part offers what any behaviour may need; the parts' own tests do not use all of it.
#![allow(dead_code)]

mod accessibility;
mod admin;
mod appearance;
mod arrows;
mod attacks;
mod audit;
mod behind;
mod bench;
mod break_glass;
mod broker;
mod browser;
mod claims;
mod colleague;
mod configuration;
mod corpus;
mod countries;
mod discretion;
mod employee;
mod expiry;
mod gallery;
mod guide;
mod harness;
mod idle;
mod in_process;
mod key;
mod key_only;
mod keyboard;
mod language;
mod layout;
mod ldap;
mod ldap_states;
mod lockout;
mod mitid;
mod observe;
mod origin;
mod own_password;
mod parked;
mod persistence;
mod person;
mod pin;
mod power_cut;
mod process;
mod provisioning;
mod raw;
mod reload;
mod self_service;
mod shared_devices;
mod slapd;
mod smtp;
mod stopping;
mod store;
mod telling;
mod temps;
mod terms;
mod trace;
mod upstream;
mod wait;
mod words;

mod parts;
