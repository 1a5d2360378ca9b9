//! A self-signed certificate for localhost, made by openssl.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

static MADE: AtomicU32 = AtomicU32::new(0);

/// Makes a new certificate and its key.
pub(crate) fn make() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("sealist-smtp-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let made = make_in(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
    made
}

fn make_in(folder: &Path) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let (certificate, key) = (folder.join("c.pem"), folder.join("k.pem"));
    let output = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("openssl is installed: scripts/install-deps installs it");
    assert!(output.status.success(), "{output:?}");
    (CertificateDer::from_pem_file(certificate).unwrap(), PrivateKeyDer::from_pem_file(key).unwrap())
}

/// A server's TLS configuration with a new certificate.
#[allow(dead_code, reason = "one of the tests needs the certificate too")]
pub(crate) fn server() -> rustls::ServerConfig {
    let (certificate, key) = make();
    config(certificate, key)
}

/// A server's TLS configuration with the given certificate.
pub(crate) fn config(
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> rustls::ServerConfig {
    rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}
