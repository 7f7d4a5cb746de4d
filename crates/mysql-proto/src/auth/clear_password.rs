//! `mysql_clear_password`: the password itself, so only over TLS.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_authentication_methods_clear_text_password.html>

/// The plugin's name on the wire.
pub const NAME: &str = "mysql_clear_password";

/// The password and a NUL.
pub fn response(password: &[u8]) -> Vec<u8> {
    let mut response = Vec::with_capacity(password.len().saturating_add(1));
    response.extend_from_slice(password);
    response.push(0);
    response
}
