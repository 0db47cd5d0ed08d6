//! The administrator's files, and the decision.

pub mod document;
pub mod expression;
pub mod path;
pub mod reader;
