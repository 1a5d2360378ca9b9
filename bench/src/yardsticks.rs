//! What the same work costs elsewhere, measured in the same run.

use std::time::Instant;

use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};

use crate::cpu;
use crate::site::Site;

const AGREEMENTS: u32 = 2000;

/// The public-key part of one copy: an ephemeral key and one agreement.
pub(crate) fn x25519_ms() -> f64 {
    let Ok(reader) = PrivateKey::generate(&X25519) else { return f64::NAN };
    let Ok(point) = reader.compute_public_key() else { return f64::NAN };
    let point = UnparsedPublicKey::new(&X25519, point.as_ref().to_vec());
    let began = Instant::now();
    for _ in 0..AGREEMENTS {
        if let Ok(ephemeral) = PrivateKey::generate(&X25519) {
            let _ = ephemeral.compute_public_key();
            let _ = agree(&ephemeral, &point, (), |_| Ok(()));
        }
    }
    began.elapsed().as_secs_f64() * 1000.0 / f64::from(AGREEMENTS)
}

/// GnuPG encrypting the same octets once to all members together.
pub(crate) fn gpg_ms(site: &Site, octets: usize) -> anyhow::Result<f64> {
    let rounds = if site.members() < 100 { 20_u32 } else { 5 };
    let text = vec![b'x'; octets];
    let before = cpu::of_children()?;
    for _ in 0..rounds {
        site.gpg_encrypt(&text)?;
    }
    Ok((cpu::of_children()? - before) / f64::from(rounds))
}
