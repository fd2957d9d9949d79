//! To come.

pub mod knowledge;
