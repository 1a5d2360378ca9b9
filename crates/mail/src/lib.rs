//! Messages as bytes: addresses, header fields, MIME structure, the shapes of RFC 3156, list fields.
//!
//! Incoming bytes are changed only on request, and no function fails on bad mail, because bad mail is data.
//! This crate knows no lists, keys, files or sockets, and no clock except [`Timestamp::now`].
//!
//! To read the modules in the order in which a message passes them: [`scan`] checks the incoming stream,
//! [`origin`] and [`sole_author`] tell who sent the message, [`rfc3156`] classifies its root, and
//! [`multipart`] splits it strictly. For writing: [`Field`] and [`Headers`], [`list_headers`], [`subject`],
//! [`compose`].

mod address;
mod attachments;
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
mod key_blocks;
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
pub use attachments::{AttachedFile, attachments};
pub use author::{AuthorProblem, sole_author};
pub use beginning::beginning;
pub use beside::holds_encrypted;
pub use compose::{Boundary, Part};
pub use content_type::ContentType;
pub use crlf::{Dots, has_doubtful_lines, is_crlf, is_wire_form, to_crlf, wire_form};
pub use entity::Entity;
pub use headers::{Field, FieldError, Headers};
pub use html::html_text;
pub use key_blocks::{armored_keys, autocrypt_key, is_archive, key_blocks};
pub use lookalike::{looks_like, mixes_scripts};
pub use origin::{Answerable, EnvelopeSender, MessageOrigin};
pub use refusal::{Concern, HopRefusal, SmtpStage};
pub use signed_part::is_signed_part;
pub use tame::{tamed, tamed_message};
pub use time::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp};
pub use visible::{one_line, shortened, shown};
pub use words::first_text;
