//! Other programs beside a test: what the list sends has one reading, and no words but those of the list and
//! those that are signed.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use sealist_openpgp::Certificate;
use sealist_openpgp::testing::Person;

/// A program that reads messages from its standard input. One process serves all tests of a test binary. The
/// process ends with its standard input.
struct Program {
    _child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Program {
    fn start(interpreter: &str, script: &str) -> Self {
        let script = format!("{}/../app/tests/readers/{script}", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(interpreter);
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{interpreter}: {error}"));
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { _child: child, to, from }
    }

    fn ask(&mut self, message: &[u8]) {
        self.to.write_all(format!("{}\n", message.len()).as_bytes()).unwrap();
        self.to.write_all(message).unwrap();
        self.to.flush().unwrap();
    }

    fn answer(&mut self) -> String {
        let mut answer = String::new();
        self.from.read_line(&mut answer).unwrap();
        answer.trim().to_owned()
    }
}

static PROGRAMS: LazyLock<Mutex<[Program; 2]>> = LazyLock::new(|| {
    Mutex::new([Program::start("/usr/bin/python3", "read.py"), Program::start("perl", "read.pl")])
});

/// Python's `email`, GMime and Perl's MIME::Parser see the same parts with the same content in what the list
/// made. Between these parts stands nothing that some reader could show, as far as no signature of the author
/// covers it.
pub(crate) fn assert_one_reading(payload: &[u8]) {
    let mut programs = PROGRAMS.lock().unwrap_or_else(PoisonError::into_inner);
    programs.iter_mut().for_each(|program| program.ask(payload));
    let [python, perl] = programs.each_mut().map(Program::answer);
    drop(programs);
    let answers: Vec<&str> = python.split('\t').chain([&*perl]).collect();
    let [gaps, readings @ ..] = &answers[..] else { unreachable!("there is a first answer") };
    let shown = String::from_utf8_lossy(payload);
    assert_eq!(*gaps, "-", "words between the parts: {shown}");
    assert_eq!(readings.len(), 3, "a program gave no answer: {answers:?}\n{shown}");
    let is_one = !readings[0].is_empty() && readings.iter().all(|reading| *reading == readings[0]);
    assert!(is_one, "the programs read it differently: {readings:#?}\n{shown}");
}

/// What that person reads of a copy or of a notice, and whether the signature of the list in it is good. All
/// programs read it alike. `None`: it is not encrypted to a key of that person.
pub(crate) fn read_copy(reader: &Person, armor: &[u8], list: &Certificate) -> Option<(Vec<u8>, bool)> {
    let (payload, is_good) = reader.read(armor, list)?;
    assert_one_reading(&payload);
    Some((payload, is_good))
}
