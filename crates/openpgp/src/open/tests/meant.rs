//! Intended recipients ([RFC 9580, section 5.2.3.36]): what Anne signed for others is not valid here.

use sequoia_openpgp::Fingerprint;

use super::*;

/// How Anne's signature lies in a message to the list.
const FORMS: [fn(&Stage, SignatureBuilder) -> Vec<u8>; 5] = [
    |s, template| {
        let mut out = Vec::new();
        let to = s.list.certificate();
        let subkeys = to.cert().keys().subkeys();
        let recipients = subkeys
            .map(|key| Recipient::new(seipd1(), key.key().key_handle(), key.key().role_as_unspecified()));
        let message = Encryptor::for_recipients(Message::new(&mut out), recipients).build().unwrap();
        let message = Signer::with_template(message, signing_key(&s.anne), template).unwrap();
        let message = message.creation_time(NOW.to_system_time()).build().unwrap();
        let mut literal = LiteralWriter::new(message).build().unwrap();
        literal.write_all(TEXT.as_bytes()).unwrap();
        literal.finalize().unwrap();
        mime(&armor::block("MESSAGE", &out))
    },
    |s, template| mime_signed(TEXT, &beside(s, template)),
    |s, template| {
        let signed = mime_signed(TEXT, &beside(s, template));
        let inner = signed.strip_prefix(b"From: anne@example.org\r\n").unwrap();
        mime(&Recipe::to(&s.list).armored(inner))
    },
    |s, template| {
        let mut out = Vec::new();
        let signer = Signer::with_template(Message::new(&mut out), signing_key(&s.anne), template).unwrap();
        let signer = signer.creation_time(NOW.to_system_time());
        let mut message = signer.cleartext().build().unwrap();
        message.write_all(b"We meet at seven.\r\n").unwrap();
        message.finalize().unwrap();
        [b"From: anne@example.org\r\n\r\n", &out[..]].concat()
    },
    |s, template| {
        let mut out = Vec::new();
        let message = Signer::with_template(Message::new(&mut out), signing_key(&s.anne), template).unwrap();
        let message = message.creation_time(NOW.to_system_time()).build().unwrap();
        let mut literal = LiteralWriter::new(message).build().unwrap();
        literal.write_all(b"We meet at seven.\r\n").unwrap();
        literal.finalize().unwrap();
        [b"From: anne@example.org\r\n\r\n", &armor::block("MESSAGE", &out)[..]].concat()
    },
];

fn beside(s: &Stage, template: SignatureBuilder) -> Vec<u8> {
    let mut out = Vec::new();
    let signer = Signer::with_template(Message::new(&mut out), signing_key(&s.anne), template).unwrap();
    let signer = signer.creation_time(NOW.to_system_time());
    let mut message = signer.detached().build().unwrap();
    message.write_all(TEXT.as_bytes()).unwrap();
    message.finalize().unwrap();
    out
}

#[test]
fn who_it_is_for_decides() {
    let (s, new) = (stage(), list());
    let prints = |key: &ListKey| -> Vec<Fingerprint> {
        key.cert().keys().map(|key| key.key().fingerprint()).collect()
    };
    let (own, others) = (prints(&s.list), [s.eve.fingerprint(), s.anne.fingerprint()]);
    let own_key = own[0].clone();
    for (at, form) in FORMS.iter().enumerate() {
        let verdict = |recipients: &[Fingerprint]| {
            let template =
                SignatureBuilder::new(SignatureType::Binary).set_intended_recipients(recipients).unwrap();
            let message = form(&s, template);
            let signers = [Certificate::of(s.anne.clone())];
            // The key that the mail was encrypted to is about to be replaced.
            let opened = open(&message, &[&new, &s.list], &signers, NOW, Limits::default());
            let [verdict] = opened.signatures() else { panic!("one signature: {at}") };
            assert_eq!(opened.valid_signature().is_some(), matches!(verdict, SignatureVerdict::Good(_)));
            word(verdict)
        };
        assert_eq!(verdict(&[]), "good", "{at}");
        assert_eq!(verdict(&own[..1]), "good", "{at}");
        assert_eq!(verdict(&[prints(&new)[0].clone()]), "good", "{at}");
        assert_eq!(verdict(&[others[0].clone(), own_key.clone()]), "good", "{at}");
        assert_eq!(verdict(&others[..1]), "for others", "{at}");
        assert_eq!(verdict(&others), "for others", "{at}");
    }
}

/// Anybody could have written them beside the signature.
#[test]
fn names_that_are_not_signed_say_nothing() {
    use sequoia_openpgp::packet::signature::subpacket::{Subpacket, SubpacketValue};
    let s = stage();
    for (template, expected) in [
        (SignatureBuilder::new(SignatureType::Binary), "good"),
        (
            SignatureBuilder::new(SignatureType::Binary)
                .set_intended_recipients([s.eve.fingerprint()])
                .unwrap(),
            "for others",
        ),
    ] {
        let template = template
            .modify_unhashed_area(|mut area| {
                for print in [s.eve.fingerprint(), s.list.cert().fingerprint()] {
                    area.add(Subpacket::new(SubpacketValue::IntendedRecipient(print), false)?)?;
                }
                Ok(area)
            })
            .unwrap();
        check(&s.open(&mime_signed(TEXT, &beside(&s, template))), Encryption::None, &[expected]);
    }
}
