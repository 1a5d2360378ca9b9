//! The stream of a session or a connection: plain or TLS.

use tokio::io::{AsyncRead, AsyncWrite};

/// A stream of octets in both directions.
pub(crate) trait SmtpStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> SmtpStream for T {}
