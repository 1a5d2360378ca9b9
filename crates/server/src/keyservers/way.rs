//! How a connection to another host is made: directly, where the name is resolved once and its address
//! checked, or through a proxy, which resolves the name.

use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::reach::{is_public, is_public_name};

/// How other hosts are reached.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// Directly, if the name has a public address.
    Straight,
    /// Through a SOCKS 5 proxy at that host and port.
    Socks(String),
    /// Through an HTTP proxy at that host and port.
    Http(String),
}

/// The longest header of an HTTP proxy's answer, in octets.
const MAX_HEAD: usize = 4096;

impl Way {
    /// Parses the setting `proxy`: empty, `socks5h://host:port` or `http://host:port`. `None` if it is
    /// neither.
    pub(crate) fn of(proxy: &str) -> Option<Self> {
        let place = |rest: &str| {
            let rest = rest.strip_suffix('/').unwrap_or(rest);
            let (host, port) = rest.rsplit_once(':')?;
            let good = !host.is_empty() && !host.contains(['@', '/']) && port.parse::<u16>().is_ok();
            good.then(|| rest.to_owned())
        };
        match proxy.split_once("://") {
            None if proxy.is_empty() => Some(Self::Straight),
            Some(("socks5h", rest)) => place(rest).map(Self::Socks),
            Some(("http", rest)) => place(rest).map(Self::Http),
            _ => None,
        }
    }

    /// Connects to that host, which must be a name of the public Internet.
    pub(super) async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, String> {
        if !is_public_name(host) {
            return Err(format!("{host} is no name of the public Internet"));
        }
        match self {
            Self::Straight => straight(host, port, is_public).await,
            Self::Socks(proxy) => through_socks(proxy, host, port).await,
            Self::Http(proxy) => through_http(proxy, host, port).await,
        }
    }
}

/// The name is resolved once, so that the address that was checked is the address that is connected to. If
/// one of its addresses is not allowed, none is used.
pub(super) async fn straight(
    host: &str,
    port: u16,
    may: impl Fn(IpAddr) -> bool,
) -> Result<TcpStream, String> {
    let found = tokio::net::lookup_host((host, port)).await;
    let found: Vec<SocketAddr> = found.map_err(|_| format!("{host} is not found"))?.collect();
    if !found.iter().all(|address| may(address.ip())) {
        return Err(format!("{host} is not in the public Internet"));
    }
    TcpStream::connect(&found[..]).await.map_err(|error| format!("{host} is not reached: {}", error.kind()))
}

/// [RFC 1928], without a password.
async fn through_socks(proxy: &str, host: &str, port: u16) -> Result<TcpStream, String> {
    let failed = |what: &str| format!("the proxy {proxy} {what}");
    let mut stream = to_proxy(proxy).await?;
    let length = u8::try_from(host.len()).map_err(|_| failed("takes no name so long"))?;
    let mut greeting = vec![5, 1, 0];
    stream.write_all(&greeting).await.map_err(|_| failed("does not listen"))?;
    let mut method = [0; 2];
    stream.read_exact(&mut method).await.map_err(|_| failed("does not answer"))?;
    if method != [5, 0] {
        return Err(failed("wants a password, or is no SOCKS 5 proxy"));
    }
    greeting = vec![5, 1, 0, 3, length];
    greeting.extend_from_slice(host.as_bytes());
    greeting.extend_from_slice(&port.to_be_bytes());
    stream.write_all(&greeting).await.map_err(|_| failed("does not listen"))?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.map_err(|_| failed("does not answer"))?;
    let bound = match head {
        [5, 0, _, 1] => 4,
        [5, 0, _, 4] => 16,
        [5, 0, _, 3] => usize::from(stream.read_u8().await.map_err(|_| failed("breaks off"))?),
        _ => return Err(failed("does not get there")),
    };
    stream.read_exact(&mut vec![0; bound + 2]).await.map_err(|_| failed("breaks off"))?;
    Ok(stream)
}

async fn through_http(proxy: &str, host: &str, port: u16) -> Result<TcpStream, String> {
    let failed = |what: &str| format!("the proxy {proxy} {what}");
    let mut stream = to_proxy(proxy).await?;
    let request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|_| failed("does not listen"))?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_HEAD {
            return Err(failed("says too much"));
        }
        // Reads octet by octet, because TLS follows the header.
        head.push(stream.read_u8().await.map_err(|_| failed("does not answer"))?);
    }
    let status = head.split(|octet| *octet == b' ').nth(1).unwrap_or_default();
    if status.starts_with(b"2") { Ok(stream) } else { Err(failed("does not get there")) }
}

/// The admin chose the proxy, so it may be anywhere.
async fn to_proxy(proxy: &str) -> Result<TcpStream, String> {
    TcpStream::connect(proxy)
        .await
        .map_err(|error| format!("the proxy {proxy} is not reached: {}", error.kind()))
}
