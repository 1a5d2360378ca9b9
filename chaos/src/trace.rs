//! Reads strace's record of a server: writes, syncs and replies in order.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context as _;

/// One recorded event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskEvent {
    /// A write to a file of the database.
    Written {
        /// The name of the file without the folder.
        file: String,
        /// The offset.
        at: usize,
        /// The octets.
        data: Vec<u8>,
    },
    /// A file was truncated or extended.
    Cut {
        /// The file.
        file: String,
        /// The new length.
        length: usize,
    },
    /// A sync has returned.
    Synced {
        /// The file.
        file: String,
        /// How many writes to the file began while the sync ran.
        unfinished: usize,
    },
    /// A 250 for a message was sent to the peer on that port.
    Taken {
        /// The peer's port.
        port: u16,
    },
}

/// Reads a record made with `-f -yy -xx`.
pub fn read(path: &Path) -> anyhow::Result<Vec<DiskEvent>> {
    let text = std::fs::read_to_string(path)?;
    let mut events = Vec::new();
    // Running syncs by process: the file, and how many writes were made before.
    let mut running: HashMap<&str, (String, usize)> = HashMap::new();
    let mut writes: HashMap<String, usize> = HashMap::new();
    for line in text.lines() {
        let Some((process, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        if let Some(sync) = call
            .strip_prefix("<... f")
            .filter(|rest| rest.starts_with("sync") || rest.starts_with("datasync"))
        {
            if let Some((file, before)) = running.remove(process)
                && sync.contains("= 0")
            {
                let unfinished = writes.get(&file).copied().unwrap_or_default() - before;
                events.push(DiskEvent::Synced { file, unfinished });
            }
            continue;
        }
        let Some((name, rest)) = call.split_once('(') else { continue };
        let file = || Some(file_name(&text_of(rest.split_once('<')?.1.split_once('>')?.0)));
        match name {
            "fsync" | "fdatasync" => {
                let Some(file) = file() else { continue };
                if rest.contains("<unfinished") {
                    let before = writes.get(&file).copied().unwrap_or_default();
                    running.insert(process, (file, before));
                } else if rest.ends_with("= 0") {
                    events.push(DiskEvent::Synced { file, unfinished: 0 });
                }
            }
            "pwrite64" => {
                let (Some(file), Some((data, numbers))) = (file(), quoted(rest)) else { continue };
                let at = numbers.trim_start_matches(", ").split([',', ')', ' ']).nth(2);
                let at =
                    at.and_then(|at| at.parse().ok()).with_context(|| format!("an offset in {numbers:?}"))?;
                *writes.entry(file.clone()).or_default() += 1;
                events.push(DiskEvent::Written { file, at, data: octets(data, 2) });
            }
            "ftruncate" => {
                let Some(file) = file() else { continue };
                let length = rest.rsplit_once("), ").or_else(|| rest.split_once(">, ")).map(|(_, rest)| rest);
                let length = length.and_then(|rest| rest.split([')', ' ']).next()?.parse().ok());
                *writes.entry(file.clone()).or_default() += 1;
                events.push(DiskEvent::Cut { file, length: length.context("a length")? });
            }
            "sendto" => {
                let Some((data, _)) = quoted(rest) else { continue };
                let said = String::from_utf8_lossy(&octets(data, 2)).into_owned();
                let port = rest
                    .split_once("->")
                    .and_then(|(_, peer)| peer.split(']').next()?.rsplit(':').next()?.parse().ok());
                if let Some(port) = port {
                    let count = said.matches("queued as ").count();
                    events.extend(std::iter::repeat_n(DiskEvent::Taken { port }, count));
                }
            }
            _ => {}
        }
    }
    Ok(events)
}

fn file_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// The quoted text of a call, and the rest.
fn quoted(rest: &str) -> Option<(&str, &str)> {
    let (_, rest) = rest.split_once('"')?;
    rest.split_once('"')
}

fn text_of(hexadecimal: &str) -> String {
    match hexadecimal.starts_with("\\x") {
        true => String::from_utf8_lossy(&octets(hexadecimal, 2)).into_owned(),
        false => hexadecimal.to_owned(),
    }
}

/// Everything that the calls of a record made with `-xx` wrote, concatenated.
pub fn written(path: &Path) -> anyhow::Result<Vec<u8>> {
    let text = std::fs::read_to_string(path)?;
    let quoted = text.lines().flat_map(|line| line.split('"').skip(1).step_by(2));
    Ok(quoted.flat_map(|data| octets(data, 2)).collect())
}

/// Decodes two digits per octet, each after a prefix of that length, such as `\x`.
pub fn octets(hexadecimal: &str, prefix: usize) -> Vec<u8> {
    let digit = |octet: u8| char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = hexadecimal.as_bytes().chunks_exact(prefix + 2).map(|chunk| &chunk[prefix..]);
    pairs.map(|pair| digit(pair[0]).unwrap_or_default() * 16 + digit(pair[1]).unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let text = "7  pwrite64(9<\\x2f\\x61>, \"\\x68\\x69\", 2, 4096) = 2\n\
                    7  fsync(9<\\x2f\\x61> <unfinished ...>\n\
                    8  ftruncate(9<\\x2f\\x61>, 3) = 0\n\
                    7  <... fsync resumed>) = 0\n\
                    8  sendto(5<TCP:[127.0.0.1:1->127.0.0.1:77]>, \"\\x71\\x75\\x65\\x75\\x65\\x64\\x20\\x61\\x73\\x20\\x37\", 11, 0, NULL, 0) = 11\n\
                    8  fsync(9<\\x2f\\x61>) = -1 EIO (Input/output error) (INJECTED)\n";
        std::fs::write(&path, text).unwrap();
        let file = || "a".to_owned();
        let expected = [
            DiskEvent::Written { file: file(), at: 4096, data: b"hi".to_vec() },
            DiskEvent::Cut { file: file(), length: 3 },
            DiskEvent::Synced { file: file(), unfinished: 1 },
            DiskEvent::Taken { port: 77 },
        ];
        assert_eq!(read(&path).unwrap(), expected);
    }
}
