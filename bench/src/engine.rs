//! Measures the engine alone: copies and opening, without queue and network.

use std::time::Instant;

use anyhow::Context as _;
use sealist_mail::{Boundary, Timestamp, compose};
use sealist_openpgp::{
    self as openpgp, Certificate, KeyIds, Limits, ListKey, SealedPost, SignWith, StorageKey,
};

use crate::gpg::Gpg;

const LIST: &str = "team@lists.example";
const COPIES: u32 = 2000;
const OPENINGS: u32 = 200;

/// CPU time of one thread in milliseconds: for a copy of 4 KB, for a copy of 1 MB, and for opening a signed
/// and encrypted mail of 10 kB.
pub(crate) struct Figures {
    pub(crate) copy_4k_ms: f64,
    pub(crate) copy_1m_ms: f64,
    pub(crate) open_ms: f64,
}

pub(crate) fn measure() -> anyhow::Result<Figures> {
    let now = Timestamp::now();
    let address = LIST.parse()?;
    let posting = ListKey::generate("Team", &[address], now.plus_ms(-1000))?;
    let storage = StorageKey::generate(LIST, now)?;
    let author = Gpg::new()?;
    author.make_key("anne@example.org", "curve25519")?;
    author.import(&posting.certificate().armored())?;
    let reader = Certificate::read_one(&author.export("anne@example.org")?)?;
    Ok(Figures {
        copy_4k_ms: copy_ms(4096, &posting, &storage, &reader)?,
        copy_1m_ms: copy_ms(1 << 20, &posting, &storage, &reader)?,
        open_ms: open_ms(&author, &posting, &reader)?,
    })
}

fn copy_ms(
    octets: usize,
    posting: &ListKey,
    storage: &StorageKey,
    reader: &Certificate,
) -> anyhow::Result<f64> {
    let now = Timestamp::now();
    let entity = [&b"Content-Type: text/plain\r\n\r\n"[..], &vec![b'x'; octets]].concat();
    let sealed = openpgp::seal(&entity, b"", SignWith::Key(posting, now), &storage.certificate())?;
    let copies = SealedPost::new(sealed.clone(), storage.session_key(&sealed)?, KeyIds::Named);
    let card = reader.usable(now)?;
    copies.copy(&[&card])?;
    let began = Instant::now();
    for _ in 0..COPIES {
        copies.copy(&[&card])?;
    }
    Ok(began.elapsed().as_secs_f64() * 1000.0 / f64::from(COPIES))
}

fn open_ms(author: &Gpg, posting: &ListKey, reader: &Certificate) -> anyhow::Result<f64> {
    let line = "0123456789abcdef0123456789abcdef\r\n";
    let entity = format!("Content-Type: text/plain\r\n\r\n{}", line.repeat(10_000 / line.len()));
    let armor = author.sign_and_encrypt(LIST, entity.as_bytes())?;
    let (head, tail) = compose::encrypted_wrapper(&Boundary::from_entropy(openpgp::random()));
    let message = [b"From: anne@example.org\r\n", &head[..], &armor, &tail].concat();
    let open = || {
        openpgp::open(&message, &[posting], std::slice::from_ref(reader), Timestamp::now(), Limits::default())
    };
    open().valid_signature().context("the mail opens and its signature is good")?;
    let began = Instant::now();
    for _ in 0..OPENINGS {
        open();
    }
    Ok(began.elapsed().as_secs_f64() * 1000.0 / f64::from(OPENINGS))
}
