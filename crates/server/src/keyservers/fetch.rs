//! Fetches one small file by HTTPS from a place that others name, with limits on time, size and redirects.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{HOST, LOCATION};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::way::Way;
use FetchError::Answer;

/// The limit for all steps together. It is longer through a proxy, which may be an anonymity network.
const TIMEOUT: Duration = Duration::from_secs(5);
const PROXY_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_OCTETS: usize = 256 * 1024;
const MAX_REDIRECTS: usize = 2;
const HTTPS: u16 = 443;

/// The client.
#[derive(Clone)]
pub(super) struct Fetcher {
    pub(super) way: Way,
    pub(super) tls: TlsConnector,
    pub(super) timeout: Duration,
}

/// Why there is no file, in a few words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FetchError {
    /// The host is not found or not reachable.
    #[error("{0}")]
    NoWay(String),
    /// The answer cannot be used.
    #[error("{0}")]
    Answer(&'static str),
    /// The host refused with this status.
    #[error("it answers {0}")]
    Status(u16),
}

/// The result of one request.
enum FetchStep {
    Found(Vec<u8>),
    Nothing,
    Elsewhere(Uri),
}

impl Fetcher {
    /// Makes a client with the certificate authorities of this machine.
    pub(super) fn new(way: Way) -> Result<Self, String> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err("this machine trusts no certificate authority: install ca-certificates".to_owned());
        }
        Self::trusting(roots, way)
    }

    pub(super) fn trusting(roots: rustls::RootCertStore, way: Way) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let timeout = if matches!(way, Way::Straight) { TIMEOUT } else { PROXY_TIMEOUT };
        Ok(Self { way, tls: TlsConnector::from(Arc::new(tls)), timeout })
    }

    /// Fetches the file at that URL. `None`: there is no such file.
    pub(super) async fn get(&self, place: &str) -> Result<Option<Vec<u8>>, FetchError> {
        let all = async {
            let mut place: Uri = place.parse().map_err(|_| Answer("its address cannot be read"))?;
            for _ in 0..=MAX_REDIRECTS {
                match self.step(&place).await? {
                    FetchStep::Found(file) => return Ok(Some(file)),
                    FetchStep::Nothing => return Ok(None),
                    FetchStep::Elsewhere(next) => place = next,
                }
            }
            Err(Answer("it sends from place to place"))
        };
        tokio::time::timeout(self.timeout, all).await.map_err(|_| Answer("it does not answer in time"))?
    }

    async fn step(&self, place: &Uri) -> Result<FetchStep, FetchError> {
        let authority = place.authority().filter(|authority| !authority.as_str().contains('@'));
        let authority = authority.ok_or(Answer("it sends to no host"))?;
        if place.scheme_str() != Some("https") {
            return Err(Answer("it sends to a place without TLS"));
        }
        let (host, port) = (authority.host(), authority.port_u16().unwrap_or(HTTPS));
        let stream = self.way.connect(host, port).await.map_err(FetchError::NoWay)?;
        let name = ServerName::try_from(host.to_owned()).map_err(|_| Answer("its name cannot be one"))?;
        let stream = self.tls.connect(name, stream).await.map_err(|_| Answer("its TLS is not trusted"))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|_| Answer("it speaks no HTTP"))?;
        let connection = tokio::spawn(connection);
        let path = place.path_and_query().map_or("/", |path| path.as_str());
        let request = Request::get(path).header(HOST, authority.as_str()).body(Empty::<Bytes>::new());
        let request = request.map_err(|_| Answer("its address cannot be asked for"))?;
        let answer = async {
            let answer = sender.send_request(request).await.map_err(|_| Answer("it breaks off"))?;
            match answer.status() {
                StatusCode::OK => {
                    let body = Limited::new(answer.into_body(), MAX_OCTETS).collect().await;
                    let body = body.map_err(|_| Answer("its answer is too long, or breaks off"))?;
                    Ok(FetchStep::Found(body.to_bytes().to_vec()))
                }
                StatusCode::NOT_FOUND | StatusCode::GONE => Ok(FetchStep::Nothing),
                status if status.is_redirection() => {
                    let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
                    to.and_then(|to| moved(place, to))
                        .map(FetchStep::Elsewhere)
                        .ok_or(Answer("it sends nowhere"))
                }
                status => Err(FetchError::Status(status.as_u16())),
            }
        };
        let answer = answer.await;
        connection.abort();
        answer
    }
}

/// The target of a redirect: a whole URL, or a path on the same host.
fn moved(from: &Uri, to: &str) -> Option<Uri> {
    if to.starts_with('/') && !to.starts_with("//") {
        let mut parts = from.clone().into_parts();
        parts.path_and_query = Some(to.parse().ok()?);
        return Uri::from_parts(parts).ok();
    }
    to.parse().ok()
}
