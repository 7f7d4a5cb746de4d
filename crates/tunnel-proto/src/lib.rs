//! cloudflared's wire: registration RPC, stream preambles, credentials, sans-IO.
