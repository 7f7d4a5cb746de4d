//! One MySQL session to an origin: login, commands, pins, relay.
