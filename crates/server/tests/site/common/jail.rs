//! A mail server that is unpacked and not installed: it runs as root in a folder that holds it, the libraries
//! it needs and users of its own, and sees nothing of this machine but the network.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::postfix::{as_root, root_command};

pub(crate) struct Jail {
    folder: TempDir,
    child: Option<Child>,
}

impl Jail {
    /// Around a package that `scripts/install-mail-servers` unpacked. Mail of people is to be delivered by
    /// `mail`.
    pub(crate) fn around(package: &str) -> Self {
        let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/mail-servers").join(package);
        assert!(unpacked.exists(), "{package} is not unpacked: run scripts/install-mail-servers");
        let folder = TempDir::with_prefix("sl-jail").unwrap();
        let jail = Self { folder, child: None };
        let unpacked = unpacked.to_str().unwrap();
        run("cp", &["-a", &format!("{unpacked}/."), &jail.path("")]);
        let programs = |folder: &str| files(&Path::new(unpacked).join(folder));
        let programs = [programs("usr/sbin"), programs("usr/libexec/opensmtpd")].concat();
        for library in libraries(programs.into_iter().chain(["/bin/sh".into()])) {
            run("cp", &["-L", "--parents", &library, &jail.path("")]);
        }
        for name in [
            "dev",
            "etc/exim4",
            "run",
            "tmp",
            "var/spool/exim4",
            "var/spool/smtpd",
            "var/log/exim4",
            "home/mail",
        ] {
            std::fs::create_dir_all(jail.path(name)).unwrap();
        }
        std::os::unix::fs::symlink("../run", jail.path("var/run")).unwrap();
        run("cp", &["-L", "--parents", "/bin/sh", &jail.path("")]);
        // What is delivered must be ours to read.
        let own = rustix::process::geteuid();
        let mail = if own.is_root() { 8 } else { own.as_raw() };
        let mut users = format!("root:x:0:0::/:/bin/sh\nmail:x:{mail}:{mail}::/home/mail:/bin/sh\n");
        let mut groups = format!("root:x:0:\nmail:x:{mail}:\n");
        for (number, name) in (90_001..).zip(["Debian-exim", "opensmtpd", "opensmtpq"]) {
            users += &format!("{name}:x:{number}:{number}::/var/lib/opensmtpd/empty:/bin/false\n");
            groups += &format!("{name}:x:{number}:\n");
        }
        for (name, text) in [
            ("passwd", users.as_str()),
            ("group", &groups),
            ("hosts", "127.0.0.1 localhost\n"),
            ("mailname", "mx.example.org\n"),
            ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
        ] {
            jail.file(&format!("etc/{name}"), text);
        }
        as_root("chown", &["-R", "0:0", &jail.path("")]);
        let [home, spool, log] =
            ["home/mail", "var/spool/exim4", "var/log/exim4"].map(|name| jail.path(name));
        as_root("chown", &[&format!("{mail}:{mail}"), &home, &spool, &log]);
        as_root("chmod", &["711", &jail.path(""), &jail.path("var/spool/smtpd")]);
        for (name, minor) in [("null", "3"), ("urandom", "9")] {
            let made = as_root("mknod", &["-m", "666", &jail.path(&format!("dev/{name}")), "c", "1", minor]);
            assert!(made.status.success(), "{made:?}");
        }
        jail
    }

    /// A file in it, before it is closed.
    fn file(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Writes the configuration, and runs that program until the jail is dropped. It answers on that port
    /// then.
    pub(crate) fn start(&mut self, configuration: (&str, &str), program: &[&str], port: u16) {
        let (name, text) = configuration;
        let mut own = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut own, text.as_bytes()).unwrap();
        as_root("install", &["-m", "644", own.path().to_str().unwrap(), &self.path(name)]);
        let log = std::fs::File::create(self.log_path()).unwrap();
        let mut command = root_command("chroot");
        command.arg(self.folder.path()).args(program).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().unwrap());
        let end = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "{program:?} does not come up:\n{}\n{text}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for so many messages in the maildir of that user and returns them.
    pub(crate) fn mail_of(&self, user: &str, count: usize) -> Vec<Vec<u8>> {
        super::maildir::wait_for(&self.folder.path().join("home/mail").join(user), count, || self.log())
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().with_extension("log")
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Jail {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            as_root("kill", &[&child.id().to_string()]);
            let _ = child.wait();
        }
        let _ = std::fs::remove_file(self.log_path());
        as_root("rm", &["-rf", &self.path("")]);
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path()).collect()
}

/// The shared libraries that these programs load.
fn libraries(programs: impl Iterator<Item = PathBuf>) -> Vec<String> {
    let output = Command::new("ldd").args(programs).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("not found"), "a library is missing, run scripts/install-deps:\n{text}");
    let words = text.split_whitespace();
    words.filter(|word| word.starts_with('/') && !word.ends_with(':')).map(str::to_owned).collect()
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
}
