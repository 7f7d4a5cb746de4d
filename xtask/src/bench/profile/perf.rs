//! perf: counts system calls of a process, and samples what it runs.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command::output;

/// All system calls, and those that a proxy makes by the thousand.
const EVENTS: [&str; 17] = [
    "raw_syscalls:sys_enter",
    "syscalls:sys_enter_epoll_wait",
    "syscalls:sys_enter_epoll_pwait",
    "syscalls:sys_enter_epoll_ctl",
    "syscalls:sys_enter_recvfrom",
    "syscalls:sys_enter_recvmsg",
    "syscalls:sys_enter_read",
    "syscalls:sys_enter_readv",
    "syscalls:sys_enter_sendto",
    "syscalls:sys_enter_sendmsg",
    "syscalls:sys_enter_write",
    "syscalls:sys_enter_writev",
    "syscalls:sys_enter_futex",
    "syscalls:sys_enter_clock_gettime",
    "syscalls:sys_enter_getrusage",
    "syscalls:sys_enter_madvise",
    "syscalls:sys_enter_sched_yield",
];

/// What stands before the name of a system call.
const PREFIX: &str = "syscalls:sys_enter_";

/// Samples per second of processor time: enough for a share of a percent, and no multiple of a
/// timer's rate.
const FREQUENCY: &str = "1999";

/// System calls per query.
#[derive(Debug)]
pub(super) struct Calls(Vec<(String, f64)>);

/// A command that counts while the command runs that is put behind it.
pub(super) fn count_calls(pid: u32, counts: &Path) -> Command {
    let mut command = Command::new("perf");
    command.args(["stat", "-x", ",", "-o"]).arg(counts);
    command.args(["-e", &EVENTS.join(","), "-p", &pid.to_string(), "--"]);
    command
}

/// What [`count_calls`] has counted.
pub(super) fn read_calls(counts: &Path, queries: f64) -> Result<Calls> {
    let text = fs::read_to_string(counts).context("perf has written no counts")?;
    Ok(Calls(calls(&text, queries)))
}

/// Lines such as `1234,,syscalls:sys_enter_read,…`; of an event that does not exist on this machine
/// there is no number.
fn calls(text: &str, queries: f64) -> Vec<(String, f64)> {
    let line = |line: &str| {
        let mut fields = line.split(',');
        let count: f64 = fields.next()?.trim().parse().ok()?;
        let name = fields.nth(1)?;
        let name = name.strip_prefix(PREFIX).unwrap_or(name);
        Some((name.to_owned(), count / queries))
    };
    text.lines().filter_map(line).collect()
}

/// A command that samples while the command runs that is put behind it. The callers of a function
/// in the kernel tell which system call it belongs to.
pub(super) fn record(pid: u32, data: &Path) -> Command {
    let mut command = Command::new("perf");
    command.args([
        "record",
        "-q",
        "-g",
        "-e",
        "cpu-clock",
        "-F",
        FREQUENCY,
        "-o",
    ]);
    command.arg(data);
    command.args(["-p", &pid.to_string(), "--"]);
    command
}

/// The samples of [`record`] as text: a line for each function of the stack, the innermost first,
/// and an empty line behind each sample.
pub(super) fn script(data: &Path) -> Result<String> {
    let mut command = Command::new("perf");
    command.args(["script", "-F", "ip,sym,dso", "-i"]).arg(data);
    output(&mut command)
}

impl Calls {
    /// Of one system call, when it was counted and made.
    pub(super) fn per_query(&self, name: &str) -> Option<f64> {
        let mut calls = self.0.iter();
        let (_, calls) = calls.find(|(counted, _)| counted == name)?;
        (*calls > 0.0).then_some(*calls)
    }

    /// Of all system calls.
    pub(super) fn all(&self) -> f64 {
        self.per_query("raw_syscalls:sys_enter").unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_counts() {
        let text = "# started on Sun Nov 22\n\n\
                    500,,raw_syscalls:sys_enter,1,100.00,,\n\
                    200,,syscalls:sys_enter_sendto,1,100.00,,\n\
                    0,,syscalls:sys_enter_read,1,100.00,,\n\
                    <not supported>,,syscalls:sys_enter_madvise,0,100.00,,\n";
        let calls = Calls(calls(text, 100.0));
        assert_eq!(calls.per_query("sendto"), Some(2.0));
        assert_eq!(calls.per_query("read"), None);
        assert_eq!(calls.per_query("madvise"), None);
        assert!((calls.all() - 5.0).abs() < f64::EPSILON);
    }
}
