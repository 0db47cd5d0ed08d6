//! The gateway's own pages.

pub mod asset;
pub mod text;
pub mod view;
