//! Accepts connectors over QUIC, registers them, dials through them.
