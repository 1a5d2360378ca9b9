//! A Postfix of our own: configuration, queue and maildirs in a temporary folder, started as root.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// The services that receive, relay by LMTP and deliver to maildirs.
const SERVICES: &str = "\
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
tlsmgr    unix  - - n 1000? 1 tlsmgr
proxymap  unix  - - n - - proxymap
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
lmtp      unix  - - n - - lmtp
virtual   unix  - n n - - virtual
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
postlog   unix-dgram n - n - 1 postlogd
";

pub(crate) struct Postfix {
    folder: TempDir,
    pub(crate) port: u16,
}

impl Postfix {
    /// Starts on that port with `lines` added to main.cf. Mail to `example.org` goes to maildirs.
    pub(crate) fn start_at(port: u16, lines: &str) -> Self {
        let folder = TempDir::with_prefix("sl-postfix").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let dir = folder.path().display();
        // Postfix delivers as nobody in particular, never as root; what it delivers must be ours to read.
        let own = rustix::process::geteuid();
        let owner = if own.is_root() { 65534 } else { own.as_raw() };
        for name in ["etc", "queue", "data", "mail"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let main = format!(
            "compatibility_level = 3.6\n\
             queue_directory = {dir}/queue\ndata_directory = {dir}/data\n\
             maillog_file = {dir}/log\nmaillog_file_prefixes = /tmp, {dir}\n\
             myhostname = mx.example.org\nmydestination =\nlocal_recipient_maps =\nmynetworks = 127.0.0.9/32\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nalias_maps =\naddress_verify_map =\n\
             virtual_mailbox_domains = example.org\nvirtual_mailbox_base = {dir}/mail\n\
             virtual_mailbox_maps = inline:{{ {{anne@example.org=anne/}} {{bart@example.org=bart/}} {{cris@example.org=cris/}} }}\n\
             virtual_uid_maps = static:{owner}\nvirtual_gid_maps = static:{owner}\n{lines}\n"
        );
        std::fs::write(folder.path().join("etc/main.cf"), main).unwrap();
        let services = format!("127.0.0.1:{port} inet n - n - - smtpd\n{SERVICES}");
        std::fs::write(folder.path().join("etc/master.cf"), services).unwrap();
        let postfix = Self { folder, port };
        as_root("chown", &["postfix", &postfix.path("data")]);
        as_root("chown", &[&format!("{owner}:{owner}"), &postfix.path("mail")]);
        let output = postfix.control("start");
        assert!(output.status.success(), "Postfix does not start: {output:?}\n{}", postfix.log());
        postfix
    }

    /// The folder of main.cf.
    pub(crate) fn configuration(&self) -> String {
        self.path("etc")
    }

    /// Adds lines to main.cf, as an admin does.
    pub(crate) fn add(&self, lines: &str) {
        let path = self.path("etc/main.cf");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, format!("{text}{lines}")).unwrap();
        assert!(self.control("reload").status.success(), "{}", self.log());
    }

    fn control(&self, verb: &str) -> Output {
        as_root("postfix", &["-c", &self.path("etc"), verb])
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Waits for so many messages in the maildir of that user and returns them.
    pub(crate) fn mail_of(&self, user: &str, count: usize) -> Vec<Vec<u8>> {
        super::maildir::wait_for(&self.folder.path().join("mail").join(user), count, || self.log())
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // One that cannot write its log would stop never.
        as_root("timeout", &["--signal=KILL", "30", "postfix", "-c", &self.path("etc"), "stop"]);
        as_root("rm", &["-rf", &self.path("queue"), &self.path("data"), &self.path("mail")]);
    }
}

/// Mail servers must be started by root, and their files are their own.
pub(crate) fn as_root(program: &str, arguments: &[&str]) -> Output {
    let output = root_command(program).args(arguments).output();
    output.expect("mail servers are installed and root, or sudo without a password, is at hand")
}

/// A command that runs as root.
pub(crate) fn root_command(program: &str) -> Command {
    let mut command = match rustix::process::geteuid().is_root() {
        true => Command::new(program),
        false => {
            let mut command = Command::new("sudo");
            command.args(["-n", program]);
            command
        }
    };
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command
}

/// A self-signed certificate and its key, PEM.
pub(crate) fn certificate(folder: &Path) -> (String, String) {
    let (certificate, key) = (folder.join("tls.pem"), folder.join("tls.key"));
    let output = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("openssl is installed: scripts/install-deps installs it");
    assert!(output.status.success(), "{output:?}");
    (certificate.to_str().unwrap().to_owned(), key.to_str().unwrap().to_owned())
}
