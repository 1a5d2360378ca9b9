//! The texts that people read in mail: MiniJinja templates, one file per text and language.
//!
//! ```text
//! Text, TextPlace (list, language) ──▶ the admin's file for the list, its domain, the site
//!                                  ──▶ the built-in text in that language ──▶ in English
//! ```
//!
//! The first line of a notice is its subject, followed by an empty line and the body. To add a text, add a
//! row to the table in `table.rs` and a file per language. To add a language, add a variant of [`Language`],
//! a folder, and its name in the rows.

mod catalogue;
pub(crate) mod language;
mod overrides;
mod render;
mod table;
#[cfg(test)]
mod tests;
mod values;

pub use catalogue::{TextPlace, TextSource, Texts};
pub use language::Language;
pub use minijinja::{Value, context};
pub use overrides::{Fault, Override};
pub use render::NoticeText;
pub use table::{Text, TextForm};
pub use values::{Described, described};
