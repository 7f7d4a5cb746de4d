//! An unmodified cloudflared is served: it registers, carries flows, and leaves in good order.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use domain::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::origin;
use crate::world::{Edge, PATIENCE, World};

/// `CLOUDFLARED_BIN`, or what PATH has; `None` where there is none.
#[expect(
    clippy::disallowed_methods,
    reason = "a test is told by its environment"
)]
async fn binary() -> Option<PathBuf> {
    let named = std::env::var_os("CLOUDFLARED_BIN").map(PathBuf::from);
    let binary = named.unwrap_or_else(|| "cloudflared".into());
    let version = Command::new(&binary)
        .arg("version")
        .stdout(Stdio::null())
        .status()
        .await;
    version
        .is_ok_and(|status| status.success())
        .then_some(binary)
}

fn start(binary: &Path, dir: &Path, world: &World, edge: &Edge, service: &str) -> Child {
    let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).unwrap();
    write("ca.pem", world.authority.certificate_pem());
    write("creds.json", world.credentials().to_file().expose_secret());
    write(
        "config.yml",
        &format!(
            "tunnel: {}\ncredentials-file: {}\ningress:\n  - service: {service}\n",
            world.tunnel,
            dir.join("creds.json").display(),
        ),
    );
    let port = edge.address.port();
    let edges = (1..=3).flat_map(|host| ["--edge".to_owned(), format!("127.0.0.{host}:{port}")]);
    Command::new(binary)
        .arg("tunnel")
        .arg("--config")
        .arg(dir.join("config.yml"))
        .arg("--cacert")
        .arg(dir.join("ca.pem"))
        .args(["--no-autoupdate", "--no-prechecks", "--protocol", "quic"])
        .args(["--ha-connections", "2", "--metrics", "127.0.0.1:0"])
        .args(["--grace-period", "20s"])
        .args(edges)
        .arg("run")
        .stderr(std::fs::File::create(dir.join("log")).unwrap())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudflared_registers_and_carries_flows() {
    let Some(binary) = binary().await else {
        eprintln!("skipped: no cloudflared in CLOUDFLARED_BIN or on PATH");
        return;
    };
    let world = World::new();
    let origin = origin::echo().await;
    let edge = world.edge_at("0.0.0.0:0".parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut child = start(
        &binary,
        dir.path(),
        &world,
        &edge,
        &format!("tcp://{origin}"),
    );
    let log = || std::fs::read_to_string(dir.path().join("log")).unwrap();

    // Looking for the edge by DNS, which is not needed, takes it a while on some networks.
    let registered = edge.monitor.wait_for(world.tunnel, 2);
    let registered = timeout(3 * PATIENCE, registered).await;
    assert!(registered.is_ok(), "not registered; its log:\n{}", log());
    let told = |status: &tunnel_edge::TunnelStatus| {
        let told = status.connectors[0].configuration.as_ref();
        told.is_some_and(|told| told.contains(&origin.to_string()))
    };
    edge.until(told).await;

    let mut flow = edge.dial(&origin).await.unwrap();
    let sent = vec![5; 300_000];
    let (mut read, mut write) = tokio::io::split(&mut flow);
    let writing = async {
        write.write_all(&sent).await.unwrap();
        // Stock cloudflared would cut the answer if it heard of this.
        write.shutdown().await.unwrap();
    };
    let mut answer = vec![0; sent.len()];
    let reading = async { read.read_exact(&mut answer).await.unwrap() };
    timeout(PATIENCE, async { tokio::join!(writing, reading) })
        .await
        .expect("all comes back");
    assert!(answer == sent);

    let refused = edge.dial(&origin::nobody().await).await.unwrap_err();
    assert!(refused.to_string().contains("refused"), "{refused}");
    let by_name = domain::Address::new("localhost", origin.port);
    let no_names = edge.dial(&by_name).await.unwrap_err();
    assert!(no_names.to_string().contains("IP address"), "{no_names}");

    // Told to stop, it takes no more flows, lets this one go on, and ends with it.
    terminate(&child).await;
    edge.until(|status| status.connections() == 0).await;
    assert!(child.try_wait().unwrap().is_none());
    drop(flow);
    let ended = timeout(PATIENCE / 2, child.wait()).await;
    let status = ended.expect("it ends before its grace period").unwrap();
    assert!(status.success(), "{status}; its log:\n{}", log());
}

async fn terminate(child: &Child) {
    let pid = child.id().unwrap().to_string();
    let killed = Command::new("kill").args(["-TERM", &pid]).status().await;
    assert!(killed.unwrap().success());
}
