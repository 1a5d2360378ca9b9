//! Envelopes for delivery, and their results.

use bytes::Bytes;
use sealist_mail::{Dots, SmtpStage, wire_form};

use super::replies::PeerReply;

/// One message for one or more recipients.
#[derive(Clone)]
pub struct Envelope {
    /// The caller's id for the envelope. It is returned with the results.
    pub id: u64,
    /// MAIL FROM; `None` is the null sender.
    pub sender: Option<String>,
    /// RCPT TO, in order.
    pub recipients: Vec<String>,
    /// The content in wire form.
    pub body: WireBody,
}

/// Content in wire form: CRLF line ends, stuffed dots, and a line end after the last line. Shared pieces are
/// not copied.
#[derive(Clone)]
pub struct WireBody {
    pieces: Vec<Bytes>,
    dots: Dots,
}

impl WireBody {
    /// Converts any message: stuffs dots, and replaces bare line ends by CRLF.
    pub fn from_message(message: &[u8]) -> Self {
        let (wire, dots) = wire_form(message);
        Self { pieces: vec![wire.into()], dots }
    }

    /// Pieces that together are already in wire form. `dots` says whether dots are stuffed.
    pub fn from_wire_pieces(pieces: Vec<Bytes>, dots: Dots) -> Self {
        Self { pieces, dots }
    }

    /// The pieces.
    pub(super) fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    /// Whether any dots are stuffed, so that the content differs from the message.
    pub(super) fn has_stuffed_dots(&self) -> bool {
        self.dots == Dots::Stuffed
    }

    /// Whether the content is ASCII.
    pub(super) fn is_seven_bit(&self) -> bool {
        self.pieces.iter().all(|piece| piece.is_ascii())
    }

    /// The size in octets.
    pub fn octets(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }
}

/// The result for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipientResult {
    /// The next hop accepted responsibility.
    Sent(PeerReply),
    /// The next hop refused temporarily. The caller retries.
    Deferred(PeerReply, SmtpStage),
    /// The next hop refused permanently.
    Failed(PeerReply, SmtpStage),
    /// The content has octets above 127, which the next hop does not accept ([RFC 6152]). The caller encodes
    /// it and sends it again.
    NeedsSevenBit,
    /// The connection broke before the message was complete. The caller retries.
    NotSent,
    /// The message was complete, but no reply arrived. The caller retries, and the recipient may get a second
    /// copy.
    Unknown,
}

impl RecipientResult {
    pub(super) fn refused(reply: PeerReply, stage: SmtpStage) -> Self {
        if reply.code >= 500 { Self::Failed(reply, stage) } else { Self::Deferred(reply, stage) }
    }
}
