//! A byte stream with two directions, whatever carries it.

use tokio::io::{AsyncRead, AsyncWrite};

/// A byte stream that can be read and written: TCP, TLS, or a flow through a tunnel.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin + std::fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + std::fmt::Debug> Duplex for T {}

/// Any [`Duplex`]. One virtual call per read or write, which is nothing beside the system call.
pub type BoxStream = Box<dyn Duplex>;
