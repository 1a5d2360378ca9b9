//! Whether the next hop still takes mail for the contact: lines for the lists may have taken its domain over. Nothing is
//! sent: the dialogue ends before DATA. Settings: `[site] contact`, `[outgoing]`.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Finding;
use crate::config::{Config, Security};

const PATIENCE: Duration = Duration::from_secs(10);

/// `None` where it cannot be asked: without a contact, and where the next hop wants TLS or a login first.
pub(super) async fn examine(config: &Config) -> Option<Finding> {
    let contact = config.contact()?.to_string();
    let outgoing = &config.outgoing;
    if outgoing.security != Security::None || !outgoing.user.is_empty() {
        return None;
    }
    let asked = timeout(PATIENCE, ask(&outgoing.host, outgoing.port, &contact)).await;
    let reply = asked.ok()?.ok()?;
    Some(if reply.starts_with('5') {
        Finding::fault(
            "contact",
            format!("the next hop refuses mail for {contact}: {reply}"),
            "if its domain has lists too, take the lines of `sealist mta print`, which leave its mailboxes alone; \
             else correct contact in [site]",
        )
    } else {
        Finding::good("contact", format!("the next hop takes mail for {contact}"))
    })
}

/// The reply to RCPT.
async fn ask(host: &str, port: u16, contact: &str) -> std::io::Result<String> {
    let mut wire = BufReader::new(TcpStream::connect((host, port)).await?);
    let mut reply = read(&mut wire).await?;
    for command in ["EHLO localhost", "MAIL FROM:<>", &format!("RCPT TO:<{contact}>")] {
        wire.write_all(format!("{command}\r\n").as_bytes()).await?;
        reply = read(&mut wire).await?;
    }
    wire.write_all(b"RSET\r\nQUIT\r\n").await?;
    Ok(reply)
}

/// The last line of a reply.
async fn read(wire: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    loop {
        let mut line = String::new();
        if wire.read_line(&mut line).await? == 0 || line.len() > 4096 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(line.trim_end().to_owned());
        }
    }
}
