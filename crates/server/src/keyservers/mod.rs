//! Asks servers for people's certificates: the Web Key Directory of their domain, and a keyserver (VKS).

mod fetch;
mod reach;
#[cfg(test)]
mod tests;
mod way;

use std::pin::Pin;

use sealist_app::{KeyServerAnswer, KeyServers};
use sealist_mail::Address;
use sealist_openpgp::{Fingerprint, wkd};

use crate::config::{KeySettings, Refresh};
use fetch::{FetchError, Fetcher};
pub(crate) use way::Way;

/// The servers that the configuration names.
pub(crate) struct Servers {
    fetcher: Fetcher,
    wkd: bool,
    /// The URL of the keyserver, if it is to be asked.
    keyserver: Option<String>,
}

impl Servers {
    /// `None` if no server is to be asked. Errs if the configured proxy cannot be used.
    pub(crate) fn of(keys: &KeySettings) -> anyhow::Result<Option<Self>> {
        if keys.refresh == Refresh::None {
            return Ok(None);
        }
        let way = Way::of(&keys.proxy).unwrap_or(Way::Straight);
        let fetcher = Fetcher::new(way).map_err(anyhow::Error::msg)?;
        let keyserver = matches!(keys.refresh, Refresh::Keyserver | Refresh::Both);
        let keyserver = keyserver.then(|| keys.keyserver.trim_end_matches('/').to_owned());
        let wkd = matches!(keys.refresh, Refresh::Wkd | Refresh::Both);
        Ok(Some(Self { fetcher, wkd, keyserver }))
    }

    /// Asks by the advanced method, and by the direct method only if the host of the advanced method is not
    /// reachable.
    async fn ask_domain(&self, address: &Address) -> KeyServerAnswer {
        let (domain, local) = (address.ascii_domain(), address.local());
        let from = format!("WKD of {domain}");
        let file = format!("{}?l={}", wkd::file_name(local), percent_encoded(local));
        let advanced = format!("https://openpgpkey.{domain}/.well-known/openpgpkey/{domain}/hu/{file}");
        let mut said = self.fetcher.get(&advanced).await;
        if matches!(said, Err(FetchError::NoWay(_))) {
            said = self.fetcher.get(&format!("https://{domain}/.well-known/openpgpkey/hu/{file}")).await;
        }
        KeyServerAnswer { from, said: said.map_err(|why| why.to_string()) }
    }
}

impl KeyServers for Servers {
    fn look_up<'a>(
        &'a self,
        address: &'a Address,
        fingerprint: &'a Fingerprint,
    ) -> Pin<Box<dyn Future<Output = Vec<KeyServerAnswer>> + Send + 'a>> {
        Box::pin(async move {
            let mut answers = Vec::new();
            if self.wkd {
                answers.push(self.ask_domain(address).await);
            }
            if let Some(server) = &self.keyserver {
                let place = format!("{server}/vks/v1/by-fingerprint/{fingerprint}");
                let said = self.fetcher.get(&place).await.map_err(|why| why.to_string());
                answers.push(KeyServerAnswer { from: server.clone(), said });
            }
            answers
        })
    }
}

/// Encodes a local part as a query value ([RFC 3986, section 2.3]).
fn percent_encoded(local: &str) -> String {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~');
    local.bytes().map(|o| if plain(o) { char::from(o).to_string() } else { format!("%{o:02X}") }).collect()
}
