//! Servers that publish certificates, and how their answers are merged into a known certificate.

use std::future::Future;
use std::pin::Pin;

use sealist_mail::Address;
use sealist_openpgp::{Certificate, Fingerprint, KeyMaterial};

use crate::error::AppError;
use crate::key_work::key_work;

/// Servers that publish certificates. Their answers are not trusted.
pub trait KeyServers: Send + Sync {
    /// Asks all servers for the key of that address or fingerprint.
    fn look_up<'a>(
        &'a self,
        address: &'a Address,
        fingerprint: &'a Fingerprint,
    ) -> Pin<Box<dyn Future<Output = Vec<KeyServerAnswer>> + Send + 'a>>;
}

/// The answer of one server.
#[derive(Clone, Debug)]
pub struct KeyServerAnswer {
    /// The server.
    pub from: String,
    /// Certificates, armored or binary; `None` if the server has none. Or why there is no answer, in a few
    /// words.
    pub said: Result<Option<Vec<u8>>, String>,
}

/// The known certificate merged with all answers, and which servers gave no useful answer, and why.
pub(super) async fn with_answers(
    servers: &dyn KeyServers,
    address: &Address,
    known: &Certificate,
) -> Result<(Certificate, Vec<String>), AppError> {
    let (mut merged, mut failures) = (known.clone(), Vec::new());
    for KeyServerAnswer { from, said } in servers.look_up(address, &known.fingerprint()).await {
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

/// Uses only the known certificate in an answer.
fn with_answer(known: Certificate, answer: &[u8]) -> Result<Certificate, String> {
    let update = Certificate::find(answer, &known.fingerprint()).map_err(|error| error.to_string())?;
    let certificates = vec![update.ok_or("it has another key")?];
    let merged = known.merge_all(&KeyMaterial { certificates, ..KeyMaterial::default() });
    merged.map_err(|error| error.to_string())
}
