//! Tests with a proxy and a web server of our own, to which names of the public Internet lead.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::fetch::{FetchError, Fetcher};
use super::way::Way;
use super::*;

/// The files by host and path, and the requests so far.
#[derive(Default)]
struct Web {
    files: Vec<(String, String)>,
    asked: Mutex<Vec<String>>,
}

/// The host and path of a request, and the answer.
fn answer(web: &Web, request: &str) -> String {
    let path = request.split(' ').nth(1).unwrap();
    let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let place = format!("{host}{path}");
    web.asked.lock().unwrap().push(place.clone());
    let found = web.files.iter().find(|(name, _)| *name == place).map(|(_, file)| file.as_str());
    match found {
        None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
        Some(file) => match file.strip_prefix("-> ") {
            Some(to) => format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"),
            None if file == "never" => String::new(),
            None if file == "broken" => "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n".to_owned(),
            None => format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{file}", file.len()),
        },
    }
}

fn identity(folder: &Path) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let (certificate, key) = (folder.join("c.pem"), folder.join("k.pem"));
    let names = "subjectAltName=DNS:*.example.org,DNS:example.org,DNS:*.example.com";
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-subj", "/CN=example.org", "-addext", names])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .args([&key, Path::new("-out"), &certificate])
        .output();
    assert!(made.expect("openssl is installed: scripts/install-deps installs it").status.success());
    (CertificateDer::from_pem_file(certificate).unwrap(), PrivateKeyDer::from_pem_file(key).unwrap())
}

/// The kind of proxy in front of the web server.
#[derive(Clone, Copy)]
enum Proxy {
    Socks,
    Http,
}

/// Starts the web server behind a proxy, and returns a client that uses it.
async fn start(web: Arc<Web>, proxy: Proxy) -> Fetcher {
    let folder = tempfile::TempDir::new().unwrap();
    let (certificate, key) = identity(folder.path());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (web, acceptor) = (web.clone(), acceptor.clone());
            tokio::spawn(async move {
                let stream = match proxy {
                    Proxy::Socks => socks(stream).await,
                    Proxy::Http => http(stream).await,
                };
                let Some(stream) = stream else { return };
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(stream.read_u8().await.unwrap());
                }
                let said = answer(&web, &String::from_utf8(request).unwrap());
                if said.is_empty() {
                    std::future::pending::<()>().await;
                }
                let _ = stream.write_all(said.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    let way = match proxy {
        Proxy::Socks => Way::of(&format!("socks5h://{at}")),
        Proxy::Http => Way::of(&format!("http://{at}/")),
    };
    Fetcher::trusting(roots, way.unwrap()).unwrap()
}

/// Whether the host does not exist.
fn is_missing(host: &[u8]) -> bool {
    host.starts_with(b"no.") || host.starts_with(b"openpgpkey.old.")
}

async fn socks(mut stream: TcpStream) -> Option<TcpStream> {
    let mut greeting = [0; 3];
    stream.read_exact(&mut greeting).await.ok()?;
    stream.write_all(&[5, 0]).await.ok()?;
    let mut head = [0; 5];
    stream.read_exact(&mut head).await.ok()?;
    assert_eq!(head[..4], [5, 1, 0, 3], "the proxy gets a name");
    let mut host = vec![0; usize::from(head[4]) + 2];
    stream.read_exact(&mut host).await.ok()?;
    assert!(host.ends_with(&443_u16.to_be_bytes()));
    let reply = if is_missing(&host) { 4 } else { 0 };
    stream.write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]).await.ok()?;
    (reply == 0).then_some(stream)
}

async fn http(mut stream: TcpStream) -> Option<TcpStream> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let there = head.strip_prefix(b"CONNECT ").is_some_and(|host| !is_missing(host));
    let reply = if there { "200 OK" } else { "502 Bad Gateway" };
    stream.write_all(format!("HTTP/1.1 {reply}\r\nVia: us\r\n\r\n").as_bytes()).await.ok()?;
    there.then_some(stream)
}

fn web(files: &[(&str, &str)]) -> Arc<Web> {
    let files = files.iter().map(|(place, file)| ((*place).to_owned(), (*file).to_owned())).collect();
    Arc::new(Web { files, asked: Mutex::default() })
}

#[tokio::test]
async fn files_are_fetched_within_bounds() {
    let large = "x".repeat(300 * 1024);
    let files = [
        ("a.example.org/file", "words"),
        ("a.example.org/once", "-> /file"),
        ("a.example.org/far", "-> https://b.example.com/twice"),
        ("b.example.com/twice", "-> https://a.example.org/once"),
        ("b.example.com/near", "-> https://a.example.org/once"),
        ("a.example.org/inside", "-> https://127.0.0.1/file"),
        ("a.example.org/metadata", "-> https://169.254.169.254/latest"),
        ("a.example.org/number", "-> https://2130706433/"),
        ("a.example.org/six", "-> https://[::ffff:127.0.0.1]/"),
        ("a.example.org/local", "-> https://localhost/file"),
        ("a.example.org/clear", "-> http://a.example.org/file"),
        ("a.example.org/file-scheme", "-> file:///etc/passwd"),
        ("a.example.org/user", "-> https://a.example.org@b.example.com/"),
        ("a.example.org/nothing", "-> //"),
        ("a.example.org/large", large.as_str()),
        ("a.example.org/broken", "broken"),
    ];
    for proxy in [Proxy::Socks, Proxy::Http] {
        let fetcher = start(web(&files), proxy).await;
        let check = async |place: &str, expected: Result<Option<&str>, &str>| {
            let got = fetcher.get(place).await;
            let got = got.map(|file| file.map(|file| String::from_utf8(file).unwrap()));
            match (&got, expected) {
                (Ok(got), Ok(expected)) => assert_eq!(got.as_deref(), expected, "{place}"),
                (Err(got), Err(expected)) => assert!(got.to_string().contains(expected), "{place}: {got}"),
                _ => panic!("{place}: {got:?}"),
            }
        };
        check("https://a.example.org/file", Ok(Some("words"))).await;
        check("https://a.example.org/missing", Ok(None)).await;
        check("https://a.example.org/once", Ok(Some("words"))).await;
        check("https://b.example.com/near", Ok(Some("words"))).await;
        check("https://a.example.org/far", Err("from place to place")).await;
        for inside in ["inside", "metadata", "number", "six", "local"] {
            check(&format!("https://a.example.org/{inside}"), Err("no name of the public Internet")).await;
        }
        check("https://a.example.org/clear", Err("without TLS")).await;
        check("http://a.example.org/file", Err("without TLS")).await;
        check("https://a.example.org/file-scheme", Err("it sends")).await;
        check("https://a.example.org/user", Err("to no host")).await;
        check("https://a.example.org/nothing", Err("it sends")).await;
        check("https://a.example.org/large", Err("too long")).await;
        check("https://a.example.org/broken", Err("it answers 500")).await;
        check("https://other.test.example/", Err("TLS is not trusted")).await;
        check("https://no.example.org/", Err("does not get there")).await;
    }
}

#[tokio::test]
async fn who_never_answers_is_not_waited_for() {
    let mut fetcher = start(web(&[("a.example.org/", "never")]), Proxy::Socks).await;
    fetcher.timeout = Duration::from_secs(1);
    assert_eq!(
        fetcher.get("https://a.example.org/").await,
        Err(FetchError::Answer("it does not answer in time"))
    );
}

/// The address behind a name is checked, in whatever notation the name is given.
#[tokio::test]
async fn no_dress_of_loopback_is_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in
        ["127.0.0.1", "localhost", "0x7f000001", "2130706433", "017700000001", "127.1", "::ffff:127.0.0.1"]
    {
        let refused = way::straight(host, port, reach::is_public).await;
        assert!(refused.is_err(), "{host}");
    }
    assert!(way::straight("127.0.0.1", port, |_| true).await.is_ok(), "somebody listens");
}

#[tokio::test]
async fn a_domain_is_asked_by_the_advanced_method_first() {
    async fn check(domain: &str, files: &[(&str, &str)], expected: Option<&str>, asked: &[&str]) {
        let web = web(files);
        let fetcher = start(web.clone(), Proxy::Socks).await;
        let servers = Servers { fetcher, wkd: true, keyserver: None };
        let address: Address = format!("Joe.Doe@{domain}").parse().unwrap();
        let answer = servers.ask_domain(&address).await;
        assert_eq!(answer.said, Ok(expected.map(|file| file.as_bytes().to_vec())));
        assert_eq!(*web.asked.lock().unwrap(), asked);
    }
    let hash = "hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe";
    let advanced = format!("openpgpkey.example.org/.well-known/openpgpkey/example.org/{hash}");
    let direct = format!("example.org/.well-known/openpgpkey/{hash}");
    check("example.org", &[(&advanced, "key"), (&direct, "other")], Some("key"), &[&advanced]).await;
    check("example.org", &[(&direct, "other")], None, &[&advanced]).await;
    let direct = format!("old.example.org/.well-known/openpgpkey/{hash}");
    check("old.example.org", &[(&direct, "key")], Some("key"), &[&direct]).await;
}
