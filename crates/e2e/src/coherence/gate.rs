//! The gate between the edge and its origin: passes packets on, and does to some of them what a
//! network and a slow server do. Which, is arranged by a scene, or drawn at random.
//!
//! ```text
//!   hold the command    edge ──┤ …… ├──► origin
//!   hold the answer     edge ◄─┤ …… ├─── origin
//!   cut before          edge ──X           the command never arrives
//!   cut after           edge ──────► origin, and X before the answer
//!   late                edge ──X, and the command arrives up to 2 s later
//! ```
//!
//! Only a command that may be run at any later time, or not at all, is cut or late at random: one
//! whose text says [`FRAIL`], an execution, or a read. So what a row holds stays a matter of its
//! largest number, whatever happens to the statements on the way.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use bytes::{Buf, BytesMut};
use mysql_proto::{Command, HEADER_LEN, PacketHeader};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use crate::random::Random;

/// Says of a statement that it may be cut, and run late.
pub(super) const FRAIL: &str = "/* frail */";

/// A server that says nothing for so long has said what it had to say of a command.
const SILENCE: Duration = Duration::from_millis(300);

/// What is read at a time.
const BUFFER: usize = 16 * 1024;

/// What is done to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Treatment {
    Pass,
    HoldCommand(Duration),
    HoldAnswer(Duration),
    CutBefore,
    CutAfter,
    Late(Duration),
}

/// A gate that is open. Everything that went through it ends with it.
#[derive(Debug)]
pub(super) struct Gate {
    port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    origin: u16,
    orders: Mutex<Vec<Order>>,
    /// How many there are, so that nobody takes the lock for none.
    waiting: AtomicUsize,
    is_random: AtomicBool,
    random: Mutex<Random>,
    cuts: AtomicU64,
    holds: AtomicU64,
    late: AtomicU64,
}

/// A treatment for the next command that has this text in it.
#[derive(Debug)]
struct Order {
    text: String,
    treatment: Treatment,
    came: oneshot::Sender<()>,
}

/// How often something was done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) cuts: u64,
    pub(super) holds: u64,
    pub(super) late: u64,
}

impl Gate {
    /// Opens one before the origin on this port of 127.0.0.1.
    pub(super) async fn open(origin: u16, seed: u64) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let shared = Arc::new(Shared {
            origin,
            orders: Mutex::default(),
            waiting: AtomicUsize::new(0),
            is_random: AtomicBool::new(false),
            random: Mutex::new(Random::of(seed, 0x6A7E)),
            cuts: AtomicU64::new(0),
            holds: AtomicU64::new(0),
            late: AtomicU64::new(0),
        });
        Ok(Self {
            port: listener.local_addr()?.port(),
            task: tokio::spawn(listen(listener, Arc::clone(&shared))),
            shared,
        })
    }

    /// Where an edge finds its origin.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Treats the next command that has this text in it. What is returned is told when it comes.
    pub(super) fn arrange(&self, text: &str, treatment: Treatment) -> oneshot::Receiver<()> {
        let (came, receiver) = oneshot::channel();
        let mut orders = self.shared.orders();
        orders.push(Order {
            text: text.to_owned(),
            treatment,
            came,
        });
        self.shared.waiting.store(orders.len(), Ordering::SeqCst);
        receiver
    }

    /// Forgets what was arranged for commands that did not come.
    pub(super) fn clear(&self) {
        self.shared.orders().clear();
        self.shared.waiting.store(0, Ordering::SeqCst);
    }

    /// Begins or ends what is done at random.
    pub(super) fn be_random(&self, is_random: bool) {
        self.shared.is_random.store(is_random, Ordering::Relaxed);
    }

    pub(super) fn counts(&self) -> Counts {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            cuts: of(&self.shared.cuts),
            holds: of(&self.shared.holds),
            late: of(&self.shared.late),
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    let mut lines = JoinSet::new();
    while let Ok((edge, _)) = listener.accept().await {
        lines.spawn(serve(edge, Arc::clone(&shared)));
        while lines.try_join_next().is_some() {}
    }
}

async fn serve(edge: TcpStream, shared: Arc<Shared>) -> Result<()> {
    let origin = TcpStream::connect(("127.0.0.1", shared.origin)).await?;
    edge.set_nodelay(true)?;
    origin.set_nodelay(true)?;
    let line = Line {
        edge,
        origin,
        up: BytesMut::with_capacity(BUFFER),
        held_until: None,
        shared,
    };
    line.serve().await
}

/// A connection and its other half.
struct Line {
    edge: TcpStream,
    origin: TcpStream,
    /// What came from the edge and was not passed on.
    up: BytesMut,
    /// No answer passes before.
    held_until: Option<Instant>,
    shared: Arc<Shared>,
}

impl Line {
    async fn serve(mut self) -> Result<()> {
        let mut down = BytesMut::with_capacity(BUFFER);
        loop {
            tokio::select! {
                count = self.origin.read_buf(&mut down) => {
                    if count? == 0 {
                        return Ok(());
                    }
                    if let Some(until) = self.held_until.take() {
                        tokio::time::sleep_until(until).await;
                    }
                    self.edge.write_all(&down).await?;
                    down.clear();
                }
                count = self.edge.read_buf(&mut self.up) => {
                    if count? == 0 {
                        return Ok(());
                    }
                    if let Some((packet, treatment)) = self.pass().await? {
                        return self.break_off(&packet, treatment).await;
                    }
                }
            }
        }
    }

    /// Passes on what has come whole, up to a command that its connection does not outlive.
    async fn pass(&mut self) -> Result<Option<(BytesMut, Treatment)>> {
        while let Some(length) = packet_length(&self.up) {
            let packet = self.up.split_to(length);
            match self.shared.treatment(&packet) {
                Treatment::Pass => {}
                Treatment::HoldCommand(time) => sleep(time).await,
                Treatment::HoldAnswer(time) => self.held_until = Some(Instant::now() + time),
                breaking => return Ok(Some((packet, breaking))),
            }
            self.origin.write_all(&packet).await?;
        }
        Ok(None)
    }

    /// Closes the edge's side, and lets the origin have the command where it is to have it.
    async fn break_off(mut self, packet: &[u8], treatment: Treatment) -> Result<()> {
        if treatment == Treatment::CutAfter {
            self.origin.write_all(packet).await?;
        }
        drop(self.edge);
        match treatment {
            Treatment::CutBefore => return Ok(()),
            Treatment::Late(time) => {
                sleep(time).await;
                self.origin.write_all(packet).await?;
            }
            _ => {}
        }
        let mut answer = [0; 1024];
        while let Ok(Ok(1..)) = timeout(SILENCE, self.origin.read(&mut answer)).await {}
        Ok(())
    }
}

/// Bytes of the packet at the front; `None` until all are there.
fn packet_length(bytes: &BytesMut) -> Option<usize> {
    let length = HEADER_LEN + PacketHeader::decode(bytes.chunk())?.payload_len;
    (bytes.len() >= length).then_some(length)
}

impl Shared {
    fn treatment(&self, packet: &[u8]) -> Treatment {
        let Some([_, _, _, 0, command, text @ ..]) = packet.get(..) else {
            return Treatment::Pass;
        };
        if let Some(treatment) = self.arranged(text) {
            return self.counted(treatment);
        }
        if !self.is_random.load(Ordering::Relaxed) {
            return Treatment::Pass;
        }
        let treatment = match Command(*command) {
            Command::QUERY if contains(text, FRAIL) => self.draw(&OF_WRITES),
            Command::QUERY if text.starts_with(b"SELECT") => self.draw(&OF_READS),
            Command::STMT_EXECUTE => self.draw(&OF_READS),
            _ => Treatment::Pass,
        };
        self.counted(treatment)
    }

    fn arranged(&self, text: &[u8]) -> Option<Treatment> {
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return None;
        }
        let mut orders = self.orders();
        let place = orders
            .iter()
            .position(|order| contains(text, &order.text))?;
        let order = orders.swap_remove(place);
        self.waiting.store(orders.len(), Ordering::SeqCst);
        // Whoever arranged it may have left.
        order.came.send(()).ok();
        Some(order.treatment)
    }

    fn counted(&self, treatment: Treatment) -> Treatment {
        let count = match treatment {
            Treatment::Pass => return treatment,
            Treatment::HoldCommand(_) | Treatment::HoldAnswer(_) => &self.holds,
            Treatment::CutBefore | Treatment::CutAfter => &self.cuts,
            Treatment::Late(_) => &self.late,
        };
        count.fetch_add(1, Ordering::Relaxed);
        treatment
    }

    /// Draws what is done to one of many commands.
    fn draw(&self, rates: &Rates) -> Treatment {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let mut point = random.below(10_000);
        let mut is = |rate: usize| {
            let hit = point < rate;
            point = if hit { usize::MAX } else { point - rate };
            hit
        };
        if is(rates.hold_answer) {
            Treatment::HoldAnswer(milliseconds(random.between(3, 100)))
        } else if is(rates.hold_command) {
            Treatment::HoldCommand(milliseconds(random.between(3, 100)))
        } else if is(rates.cut_before) {
            Treatment::CutBefore
        } else if is(rates.cut_after) {
            Treatment::CutAfter
        } else if is(rates.late) {
            Treatment::Late(milliseconds(random.between(50, 2000)))
        } else {
            Treatment::Pass
        }
    }

    fn orders(&self) -> std::sync::MutexGuard<'_, Vec<Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn contains(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|one| one == part.as_bytes())
}

fn milliseconds(count: usize) -> Duration {
    Duration::from_millis(u64::try_from(count).unwrap_or_default())
}

/// How many of 10,000 commands are treated in a way.
struct Rates {
    hold_answer: usize,
    hold_command: usize,
    cut_before: usize,
    cut_after: usize,
    late: usize,
}

const OF_WRITES: Rates = Rates {
    hold_answer: 500,
    hold_command: 300,
    cut_before: 100,
    cut_after: 200,
    late: 120,
};

const OF_READS: Rates = Rates {
    hold_answer: 20,
    hold_command: 10,
    cut_before: 3,
    cut_after: 5,
    late: 2,
};
