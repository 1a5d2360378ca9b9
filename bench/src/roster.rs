//! Makes a roster of any length quickly: a thousand new keys, and cards for every address.

use std::path::Path;

use anyhow::Context as _;
use sealist_lists::model::{ListName, Preferences, Role};
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::{Certificate, ListKey, MacKey, POLICY_EPOCH};
use sealist_store::keys::{self, CertificateRow};
use sealist_store::{Store, StoreError, key_checks, lists, people};

/// The number of keys. Longer rosters use them repeatedly, with cards of their own.
const KEYS: usize = 1000;
const ROWS: usize = 1000;

/// A new member.
struct Joining {
    address: Address,
    row: CertificateRow,
}

/// Adds the addresses as members; the first one has the given certificate. Returns the certificates of the
/// first thousand.
pub(crate) async fn fill(
    folder: &Path,
    list: &str,
    addresses: &[String],
    first: &Certificate,
) -> anyhow::Result<Vec<Certificate>> {
    let store = Store::open(&folder.join("data/sealist.db")).await?;
    let name: ListName = list.parse()?;
    let list = lists::by_name(&mut *store.reader().await?, &name).await?.context("the list was made")?.no;
    let secret = std::fs::read(folder.join("keys/site.mac"))?;
    let mac = MacKey::new(secret.try_into().ok().context("the site's key has its length")?);
    let now = Timestamp::now();
    let mut certificates = vec![first.clone()];
    for address in addresses.iter().take(KEYS).skip(1) {
        let address = address.parse()?;
        certificates.push(ListKey::generate("", &[address], now)?.certificate());
    }
    for (page, chunk) in addresses.chunks(ROWS).enumerate() {
        let mut joining = Vec::with_capacity(chunk.len());
        for (at, address) in chunk.iter().enumerate() {
            let address: Address = address.parse()?;
            let certificate = &certificates[(page * ROWS + at) % certificates.len()];
            let row = CertificateRow {
                fingerprint: certificate.fingerprint().to_string(),
                certificate: certificate.to_bytes(),
                card: Some(certificate.usable(now)?.to_bytes(&mac, &address.key())),
                unusable: None,
                confirmed_at: Some(now),
            };
            joining.push(Joining { address, row });
        }
        let joined = store.write(move |db| {
            Box::pin(async move {
                for Joining { address, row } in &joining {
                    let no = people::ensure_address(&mut *db, address, "", now).await?;
                    keys::set_certificate(&mut *db, no, row, now).await?;
                    people::add_member(&mut *db, list, no, Role::Member, Preferences::default(), now).await?;
                }
                Ok::<_, StoreError>(())
            })
        });
        joined.await?;
    }
    check_keys(&store).await?;
    Ok(certificates)
}

/// Records today's check of keys as done. Otherwise it would run during the measurement.
async fn check_keys(store: &Store) -> anyhow::Result<()> {
    let now = Timestamp::now();
    let checked = store.write(move |db| {
        Box::pin(async move {
            if let Some(pass) = key_checks::begin(&mut *db, POLICY_EPOCH, now).await? {
                key_checks::end(db, pass, now).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    Ok(checked.await?)
}
