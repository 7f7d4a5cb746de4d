//! A server as a child process: it ends with its handle, and what it used is read from `/proc`.

use std::fs::{self, File};
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::ops::{Div, Sub};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::wait;
use crate::command::output;

/// Generous: the slowest needs a second or two, and the machine may be busy.
const START_LIMIT: Duration = Duration::from_secs(60);

/// One that accepts and then says nothing is not ready.
const GREETING_LIMIT: Duration = Duration::from_secs(5);

/// Below the ports that Linux gives to outgoing connections, one of which could take a port between
/// the moment it was found free and the start of its server.
const FIRST_PORT: u16 = 12_000;
const PORTS: u16 = 20_000;

static NEXT_PORT: AtomicU16 = AtomicU16::new(0);

/// A running server. Killed when dropped.
#[derive(Debug)]
pub(super) struct Server {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

/// Processor time of a process since its start, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Processor {
    pub(super) user: f64,
    pub(super) system: f64,
}

impl Server {
    /// Starts a program with both its outputs in `log`.
    pub(super) fn spawn(name: &'static str, command: &mut Command, log: PathBuf) -> Result<Self> {
        let file = File::create(&log).with_context(|| format!("cannot make {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name, child, log })
    }

    /// Fails, with what it wrote, when the server has ended.
    pub(super) fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            bail!("{} ended ({status}):\n{}", self.name, log.trim());
        }
        Ok(())
    }

    /// Waits until the answer is yes; fails at once when the server ends.
    pub(super) fn until(&mut self, what: &str, mut answer: impl FnMut() -> bool) -> Result<()> {
        let name = self.name;
        wait::until(&format!("{name} {what}"), START_LIMIT, || {
            self.check()?;
            Ok(answer())
        })
    }

    /// Waits until a MySQL server, or whatever leads to one, greets on a port.
    pub(super) fn until_greeting(&mut self, port: u16) -> Result<()> {
        self.until("greets", || greets(port).unwrap_or(false))
    }

    /// By which others find it.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has used of the processors.
    pub(super) fn processor(&self) -> Result<Processor> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.pid()))?;
        let ticks = ticks(&text).with_context(|| format!("cannot read {text}"))?;
        let microseconds = 1e6 / ticks_per_second()?;
        Ok(Processor {
            user: ticks.0 * microseconds,
            system: ticks.1 * microseconds,
        })
    }

    /// Its memory that is in RAM, in KiB.
    pub(super) fn memory(&self) -> Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        let number = number.context("/proc says nothing of memory")?;
        Ok(number.parse()?)
    }
}

impl Processor {
    /// In user and in kernel mode.
    pub(super) fn total(&self) -> f64 {
        self.user + self.system
    }
}

impl Sub for Processor {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            user: self.user - before.user,
            system: self.system - before.system,
        }
    }
}

impl Div<f64> for Processor {
    type Output = Self;

    fn div(self, count: f64) -> Self {
        Self {
            user: self.user / count,
            system: self.system / count,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// `utime` and `stime` of `/proc/PID/stat`, see proc(5). The name in parentheses may hold spaces.
fn ticks(stat: &str) -> Option<(f64, f64)> {
    let (_, after_name) = stat.rsplit_once(')')?;
    // The state, field 3, is the first of these.
    let mut fields = after_name.split_whitespace().skip(14 - 3);
    let mut next = || fields.next()?.parse().ok();
    Some((next()?, next()?))
}

fn ticks_per_second() -> Result<f64> {
    let text = output(Command::new("getconf").arg("CLK_TCK"))?;
    text.trim()
        .parse()
        .context("getconf CLK_TCK says no number")
}

/// A MySQL server speaks first.
fn greets(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(local(port))?;
    stream.set_read_timeout(Some(GREETING_LIMIT))?;
    stream.read(&mut [0; 64]).map(|length| length > 0)
}

/// A port of 127.0.0.1.
pub(super) fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// A port that nobody had a moment ago, neither TCP nor UDP.
pub(super) fn free_port() -> Result<u16> {
    // Two runs at the same time begin at different places: 997 is prime.
    let begin = u64::from(std::process::id()) * 997;
    for _ in 0..PORTS {
        let turn = u64::from(NEXT_PORT.fetch_add(1, Ordering::Relaxed));
        let port = FIRST_PORT + u16::try_from((begin + turn) % u64::from(PORTS))?;
        if TcpListener::bind(local(port)).is_ok() && UdpSocket::bind(local(port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port is free")
}

/// Makes a folder for a server.
pub(super) fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_times_of_a_process_with_an_odd_name() {
        let stat = "42 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 111 222 13 14 20 0 5 0 99";
        assert_eq!(ticks(stat), Some((111.0, 222.0)));
        assert_eq!(ticks("42 (a) S 1 2"), None);
    }
}
