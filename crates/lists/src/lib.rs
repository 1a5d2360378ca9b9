//! The list engine.

pub mod model;
