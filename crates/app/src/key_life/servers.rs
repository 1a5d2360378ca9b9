//! Servers on which certificates are published, and what their answers add to a certificate that is known.

use std::future::Future;
use std::pin::Pin;

use sealist_mail::Address;
use sealist_openpgp::{Certificate, Fingerprint, KeyMaterial};

use crate::error::AppError;
use crate::key_work::key_work;

/// Where certificates are published. An answer may hold anything.
pub trait KeyServers: Send + Sync {
    /// Asks everywhere for the key of that address, or by that fingerprint.
    fn ask<'a>(
        &'a self,
        address: &'a Address,
        fingerprint: &'a Fingerprint,
    ) -> Pin<Box<dyn Future<Output = Vec<KeyServerAnswer>> + Send + 'a>>;
}

/// What one of them said.
#[derive(Clone, Debug)]
pub struct KeyServerAnswer {
    /// Who.
    pub from: String,
    /// Certificates, armored or binary; `None`: nothing is known there. Or why there is no answer, in a few words.
    pub said: Result<Option<Vec<u8>>, String>,
}

/// What is known, with all that the servers have of it; and who gave no answer that helps, and why.
pub(super) async fn with_answers(
    servers: &dyn KeyServers,
    address: &Address,
    known: &Certificate,
) -> Result<(Certificate, Vec<String>), AppError> {
    let (mut merged, mut failures) = (known.clone(), Vec::new());
    for KeyServerAnswer { from, said } in servers.ask(address, &known.fingerprint()).await {
        let before = merged.clone();
        let with = match said {
            Ok(Some(data)) => key_work(move || with_answer(before, &data)).await?,
            Ok(None) => continue,
            Err(why) => Err(why),
        };
        match with {
            Ok(with) => merged = with,
            Err(why) => failures.push(format!("{from}: {why}")),
        }
    }
    Ok((merged, failures))
}

/// Of all that an answer holds only the certificate that is known.
fn with_answer(known: Certificate, answer: &[u8]) -> Result<Certificate, String> {
    let update = Certificate::find(answer, &known.fingerprint()).map_err(|error| error.to_string())?;
    let certificates = vec![update.ok_or("it has another key")?];
    let merged = known.merge_all(&KeyMaterial { certificates, ..KeyMaterial::default() });
    merged.map_err(|error| error.to_string())
}
