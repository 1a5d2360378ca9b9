//! The words people read in mail: MiniJinja templates, one file per text and language.
//!
//! ```text
//! Text, Place (list, language) ──▶ the admin's file for the list, its domain, the site
//!                                  ──▶ ours in that language ──▶ ours in English
//! ```
//!
//! The first line of a notice is its subject, then an empty line, then the body. To add a text, add a row to the table
//! in `table.rs` and a file per language; to add a language, a variant of [`Language`], a folder, and its name in the rows.

mod catalogue;
pub mod language;
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
