//! The tests of each program and key.

use anyhow::Context as _;
use sealist_mail::{Boundary, Timestamp, compose};
use sealist_openpgp::{
    self as openpgp, Certificate, Encryption, Family, KeyIds, ListKey, Opened, SealedPost, SignWith,
    StorageKey,
};

use crate::programs::OpenPgp;

/// A column of the matrix.
pub(crate) struct Cell {
    pub(crate) name: &'static str,
    pub(crate) check: fn(&dyn OpenPgp) -> anyhow::Result<CellOutcome>,
}

pub(crate) enum CellOutcome {
    Works,
    Lacks(String),
}

/// All columns.
pub(crate) const CELLS: &[Cell] = &[
    Cell { name: "its mail opened", check: its_mail },
    Cell { name: "its inline mail opened", check: its_inline_mail },
    Cell { name: "its signed mail verified", check: its_signature },
    Cell { name: "our copy read", check: our_copy },
    Cell { name: "our anonymous copy read", check: our_anonymous_copy },
];

const ENTITY: &[u8] = b"Content-Type: text/plain; charset=utf-8\r\n\r\nWe meet at seven.\r\n";

fn list() -> anyhow::Result<(ListKey, StorageKey)> {
    let now = Timestamp::now().plus_ms(-5000);
    let address = |local: &str| format!("{local}@lists.example").parse();
    let posting = ListKey::generate("Team", &[address("team")?, address("team-request")?], now)?;
    Ok((posting, StorageKey::generate("team", now)?))
}

fn judged(
    message: &[u8],
    list: &ListKey,
    with: &dyn OpenPgp,
    wanted: Encryption,
) -> anyhow::Result<CellOutcome> {
    let signer = Certificate::read_one(&with.certificate()?)?;
    let opened: Opened =
        openpgp::open(message, &[list], &[signer], Timestamp::now(), openpgp::Limits::default());
    Ok(match (opened.encryption() == wanted, opened.valid_signature()) {
        (true, Some(_)) => CellOutcome::Works,
        _ => CellOutcome::Lacks(format!("{:?}, {:?}", opened.encryption(), opened.signatures())),
    })
}

fn its_mail(with: &dyn OpenPgp) -> anyhow::Result<CellOutcome> {
    let (posting, _) = list()?;
    let armor = with.write(&posting.certificate().armored(), ENTITY)?;
    let (head, tail) = compose::encrypted_wrapper(&Boundary::from_entropy(openpgp::random()));
    let message = [b"From: anne@example.org\r\n", &head[..], &armor, &tail].concat();
    judged(&message, &posting, with, Encryption::Whole)
}

fn its_inline_mail(with: &dyn OpenPgp) -> anyhow::Result<CellOutcome> {
    let (posting, _) = list()?;
    let armor = with.write(&posting.certificate().armored(), b"We meet at seven.\n")?;
    let message = [b"From: anne@example.org\r\n\r\n", &armor[..]].concat();
    judged(&message, &posting, with, Encryption::Whole)
}

fn its_signature(with: &dyn OpenPgp) -> anyhow::Result<CellOutcome> {
    let (posting, _) = list()?;
    let signature = with.sign(ENTITY)?;
    let boundary = Boundary::from_entropy(openpgp::random());
    let entity = compose::signed(ENTITY, &signature, "pgp-sha512", &boundary);
    judged(&[b"From: anne@example.org\r\n", &entity[..]].concat(), &posting, with, Encryption::None)
}

fn our_copy(with: &dyn OpenPgp) -> anyhow::Result<CellOutcome> {
    copy(with, KeyIds::Named)
}

fn our_anonymous_copy(with: &dyn OpenPgp) -> anyhow::Result<CellOutcome> {
    copy(with, KeyIds::Hidden)
}

fn copy(with: &dyn OpenPgp, ids: KeyIds) -> anyhow::Result<CellOutcome> {
    let (posting, storage) = list()?;
    let now = Timestamp::now();
    let card = match Certificate::read_one(&with.certificate()?)?.usable(now) {
        Ok(card) => card,
        Err(problem) => return Ok(CellOutcome::Lacks(problem.to_string())),
    };
    let sealed = openpgp::seal(ENTITY, b"", SignWith::Key(&posting, now), &storage.certificate())?;
    let sealed = match card.family() {
        Family::V4 => sealed,
        Family::V6 => storage.reseal(&sealed)?,
    };
    let session_key = storage.session_key(&sealed)?;
    let copy =
        SealedPost::new(sealed.clone(), session_key, ids).copy(&[&card]).context("its key takes copies")?;
    Ok(match with.read(&copy.joined(), &posting.certificate().armored()) {
        // Some programs write the line ends of their system.
        Ok(text) if sealist_mail::to_crlf(&text) == ENTITY => CellOutcome::Works,
        Ok(text) => CellOutcome::Lacks(format!("another text: {}", String::from_utf8_lossy(&text))),
        Err(error) => CellOutcome::Lacks(error.to_string().lines().next().unwrap_or_default().to_owned()),
    })
}
