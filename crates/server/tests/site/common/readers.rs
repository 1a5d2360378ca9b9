//! Other programs beside the test: whatever the list sends out has one reading.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex};

/// One process for all tests of the program; it ends with its standard input.
struct Readers {
    _child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

static READERS: LazyLock<Mutex<Readers>> = LazyLock::new(|| {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../app/tests/readers/read.py");
    let mut command = Command::new("/usr/bin/python3");
    let mut child =
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 is there");
    let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    Mutex::new(Readers { _child: child, to, from })
});

/// Python's email and GMime see the same parts with the same content in a payload of the list, decrypted.
pub(crate) fn assert_one_reading(payload: &[u8]) {
    let mut readers = READERS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    readers.to.write_all(format!("{}\n", payload.len()).as_bytes()).unwrap();
    readers.to.write_all(payload).unwrap();
    readers.to.flush().unwrap();
    let mut answer = String::new();
    readers.from.read_line(&mut answer).unwrap();
    drop(readers);
    assert_eq!(
        answer.trim(),
        "same",
        "two programs read it differently: {}",
        String::from_utf8_lossy(payload)
    );
}
