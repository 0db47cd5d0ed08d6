//! The interface of libz-ng-sys, from stock zlib.
pub use libz_sys::*;
