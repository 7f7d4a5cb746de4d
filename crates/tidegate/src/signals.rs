//! When to stop: Ctrl-C, or the signal of a service manager.

use tracing::info;

/// Waits for SIGINT or SIGTERM (Ctrl-C elsewhere than on Unix).
pub(crate) async fn shutdown() {
    signalled().await;
    info!("Asked to stop");
}

/// Waits until that has been asked twice.
pub(crate) async fn second_shutdown() {
    signalled().await;
    signalled().await;
    info!("Asked to stop at once");
}

async fn signalled() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut interrupt), Ok(mut terminate)) = (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
        ) else {
            // Without handlers the default action ends the process.
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        return std::future::pending().await;
    }
}
