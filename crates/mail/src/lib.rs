//! Messages as bytes: addresses, header fields, MIME structure, the shapes of RFC 3156, list fields.
//!
//! What comes in is never changed unless it is asked for, and nothing here fails on bad mail: bad mail is
//! data. This crate knows no lists, no keys, no files, no sockets and no clock but [`Timestamp::now`].
//!
//! Reading in the order of a message's way: [`scan`] guards the sub-address, [`origin`] and [`sole_author`] tell who
//! sent it, [`rfc3156`] what its root is, [`multipart`] splits it strictly. Writing: [`Field`] and
//! [`Headers`], [`list_headers`], [`subject`], [`compose`].

mod address;
mod attached;
mod author;
mod beginning;
mod beside;
pub mod compose;
mod content_type;
mod crlf;
pub mod dsn;
mod encoded_word;
mod entity;
pub mod fit;
mod headers;
mod html;
pub mod inline;
pub mod list_headers;
mod lookalike;
pub mod multipart;
pub mod origin;
mod refusal;
pub mod rfc3156;
pub mod scan;
mod signed_part;
pub mod subject;
mod tame;
mod time;
pub mod transfer;
mod visible;
mod words;

pub use address::{Address, AddressError, Mailbox, parse_mailboxes};
pub use attached::{armored_keys, autocrypt_key, is_archive, key_blocks};
pub use author::{AuthorProblem, sole_author};
pub use beginning::beginning;
pub use beside::holds_encrypted;
pub use compose::{Boundary, Part};
pub use content_type::ContentType;
pub use crlf::{Dots, has_doubtful_lines, is_crlf, is_wire_form, to_crlf, wire_form};
pub use entity::Entity;
pub use headers::{Field, FieldError, Headers};
pub use html::html_text;
pub use lookalike::{looks_like, mixes_scripts};
pub use origin::{Answerable, EnvelopeSender, MessageOrigin};
pub use refusal::{Concern, HopRefusal, SmtpStage};
pub use signed_part::is_signed_part;
pub use tame::{tamed, tamed_message};
pub use time::Timestamp;
pub use visible::{one_line, shown};
pub use words::first_text;
