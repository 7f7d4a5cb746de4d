//! A network path for UDP that can be cut without a word, and led elsewhere: what a killed process
//! or a pulled cable looks like to its peer.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::UdpSocket;
use tokio::task::JoinSet;

pub(crate) struct UdpPath {
    pub(crate) address: SocketAddr,
    /// Where packets go; `None`: nowhere, in both directions.
    target: Arc<Mutex<Option<SocketAddr>>>,
    _tasks: JoinSet<()>,
}

impl UdpPath {
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let address = socket.local_addr().unwrap();
        let target = Arc::new(Mutex::new(Some(target)));
        let mut tasks = JoinSet::new();
        tasks.spawn(forward(socket, target.clone()));
        Self {
            address,
            target,
            _tasks: tasks,
        }
    }

    pub(crate) fn cut(&self) {
        *self.target.lock().unwrap() = None;
    }

    pub(crate) fn lead_to(&self, target: SocketAddr) {
        *self.target.lock().unwrap() = Some(target);
    }
}

async fn forward(front: Arc<UdpSocket>, target: Arc<Mutex<Option<SocketAddr>>>) {
    let mut backs = HashMap::<SocketAddr, Arc<UdpSocket>>::new();
    let mut returning = JoinSet::new();
    let mut packet = vec![0; 65_536];
    loop {
        let (length, client) = front.recv_from(&mut packet).await.unwrap();
        let to = *target.lock().unwrap();
        let Some(to) = to else { continue };
        if let Entry::Vacant(new) = backs.entry(client) {
            let back = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
            let (back, front, target) = (new.insert(back).clone(), front.clone(), target.clone());
            returning.spawn(give_back(back, front, client, target));
        }
        // A closed port refuses a packet: lost, as on a real path.
        drop(backs[&client].send_to(&packet[..length], to).await);
    }
}

async fn give_back(
    back: Arc<UdpSocket>,
    front: Arc<UdpSocket>,
    client: SocketAddr,
    target: Arc<Mutex<Option<SocketAddr>>>,
) {
    let mut packet = vec![0; 65_536];
    loop {
        let Ok((length, _)) = back.recv_from(&mut packet).await else {
            continue;
        };
        if target.lock().unwrap().is_some() {
            drop(front.send_to(&packet[..length], client).await);
        }
    }
}
