//! Decides which addresses a request may reach that somebody else caused: only those of the public Internet
//! (CWE-918, server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is on the public Internet, and not on this machine, its network, or a provider's
/// internal network.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Whether a name may be resolved, here or by a proxy. Numbers in any notation are resolved as addresses, so
/// the last label must begin with a letter. Names of one label and names for internal networks are not
/// public.
pub(super) fn is_public_name(host: &str) -> bool {
    const INSIDE: [&str; 6] = ["localhost", "local", "internal", "intranet", "home", "arpa"];
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let Some((rest, last)) = host.rsplit_once('.') else { return false };
    let letter = last.starts_with(|first: char| first.is_ascii_alphabetic());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    letter && !rest.is_empty() && host.chars().all(plain) && !INSIDE.contains(&last)
}

/// Networks that are not public, by the IANA registries of special-purpose addresses, and one that a cloud
/// uses for its own services.
const NOT_PUBLIC_V4: &[([u8; 4], u32)] = &[
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 3), // multicast, reserved, broadcast
    ([168, 63, 129, 16], 32),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = |octets: [u8; 4]| u32::from_be_bytes(octets);
    let within = |(network, length): &([u8; 4], u32)| {
        (bits(address.octets()) ^ bits(*network)).checked_shr(32 - length) == Some(0)
    };
    !NOT_PUBLIC_V4.iter().any(within)
}

/// Accepts only the assigned unicast space (2000::/3), without tunnels, which end elsewhere, and
/// documentation.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    match (first, second) {
        // Teredo, benchmarks, ORCHID and others: 2001::/23.
        (0x2001, 0..0x0200) | (0x2001, 0x0db8) => false,
        // 6to4, which contains an IPv4 address.
        (0x2002, _) => false,
        (0x3fff, 0..0x1000) => false,
        _ => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_reached() {
        fn check(address: &str, expected: bool) {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
        for public in ["9.9.9.9", "100.63.255.255", "100.128.0.1", "172.32.0.1", "192.0.3.1", "198.20.0.1"] {
            check(public, true);
        }
        for public in ["2620:fe::fe", "2001:4860:4860::8888", "2a01:4f8::1"] {
            check(public, true);
        }
        for inside in ["0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254"]
        {
            check(inside, false);
        }
        for inside in ["169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.0.0.192"] {
            check(inside, false);
        }
        for special in ["192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "240.0.0.1"] {
            check(special, false);
        }
        for special in ["255.255.255.255", "168.63.129.16", "192.88.99.1"] {
            check(special, false);
        }
        for inside in ["::", "::1", "::ffff:127.0.0.1", "::ffff:9.9.9.9", "::7f00:1", "fe80::1", "fec0::1"] {
            check(inside, false);
        }
        for special in ["fc00::1", "fd00:ec2::254", "ff02::1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1"] {
            check(special, false);
        }
        for special in ["2001::1", "2001:db8::1", "2002:7f00:1::", "3fff:1::1", "5f00::1"] {
            check(special, false);
        }
    }

    #[test]
    fn only_names_are_looked_up() {
        fn check(name: &str, expected: bool) {
            assert_eq!(is_public_name(name), expected, "{name}");
        }
        for name in ["keys.openpgp.org", "openpgpkey.example.org", "EXAMPLE.org.", "xn--bcher-kva.example"] {
            check(name, true);
        }
        for number in
            ["127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "127.1", "1.2.3.0x4"]
        {
            check(number, false);
        }
        for inside in
            ["localhost", "a.localhost", "printer", "x.local", "metadata.google.internal", "1.in-addr.arpa"]
        {
            check(inside, false);
        }
        for odd in ["", ".", "a..", "exa mple.org", "a@b.org", "[::1]", "b\u{fc}cher.example", ".org"] {
            check(odd, false);
        }
    }
}
