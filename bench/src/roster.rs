//! Makes a roster of any length quickly: a thousand new keys, and cards for every address.

use std::path::Path;

use anyhow::Context as _;
use sealist_app::testing::{JoiningMember, RosterWriter};
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::{Certificate, ListKey, MacKey};

/// The number of keys. Longer rosters use them repeatedly, with cards of their own.
const KEYS: usize = 1000;
const ROWS: usize = 1000;

/// Adds the addresses as members; the first one has the given certificate. Returns the certificates of the
/// first thousand.
pub(crate) async fn fill(
    folder: &Path,
    list: &str,
    addresses: &[String],
    first: &Certificate,
) -> anyhow::Result<Vec<Certificate>> {
    let secret = std::fs::read(folder.join("keys/site.mac"))?;
    let mac = MacKey::new(secret.try_into().ok().context("the site's key has its length")?);
    let now = Timestamp::now();
    let roster = RosterWriter::open(&folder.join("data/sealist.db"), &list.parse()?, now).await?;
    let mut certificates = vec![first.clone()];
    for address in addresses.iter().take(KEYS).skip(1) {
        let address = address.parse()?;
        certificates.push(ListKey::generate("", &[address], now)?.certificate());
    }
    for (page, chunk) in addresses.chunks(ROWS).enumerate() {
        let mut joining = Vec::with_capacity(chunk.len());
        for (at, address) in chunk.iter().enumerate() {
            let address: Address = address.parse()?;
            let certificate = certificates[(page * ROWS + at) % certificates.len()].clone();
            let card = certificate.usable(now)?.to_bytes(&mac, &address.key());
            joining.push(JoiningMember { address, certificate, card });
        }
        roster.add(joining).await?;
    }
    roster.finish().await?;
    Ok(certificates)
}
