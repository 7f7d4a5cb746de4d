//! MySQL packets, both handshake roles, authentication and response tracking, sans-IO.
