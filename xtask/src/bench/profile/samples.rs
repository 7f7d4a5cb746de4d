//! What ran when perf looked: system calls and functions.

use std::collections::HashMap;

/// How the kernel's function of a system call begins, by processor.
const SYSTEM_CALLS: [&str; 3] = ["__x64_sys_", "__arm64_sys_", "__se_sys_"];

/// How often each was seen.
#[derive(Debug, Default)]
pub(super) struct Samples {
    count: u32,
    /// System calls, and what is in none.
    places: HashMap<String, u32>,
    /// Outside the kernel, by function.
    functions: HashMap<String, u32>,
}

/// The program itself and its libraries.
const USER: &str = "(user)";

/// Interrupts, switches of tasks, and the way into a system call and back.
const KERNEL: &str = "(kernel, in no system call)";

impl Samples {
    /// Reads what `perf script` writes with the fields ip, sym and dso.
    pub(super) fn read(text: &str) -> Self {
        let mut samples = Self::default();
        for stack in text.split("\n\n") {
            let frames: Vec<_> = stack.lines().filter_map(frame).collect();
            let Some((innermost, is_kernel)) = frames.first() else {
                continue;
            };
            samples.count += 1;
            let call = frames.iter().find_map(|(name, _)| system_call(name));
            let place = match (call, is_kernel) {
                (Some(call), _) => call,
                (None, true) => KERNEL,
                (None, false) => {
                    *samples
                        .functions
                        .entry((*innermost).to_owned())
                        .or_default() += 1;
                    USER
                }
            };
            *samples.places.entry(place.to_owned()).or_default() += 1;
        }
        samples
    }

    /// Of all processor time, the share of a system call or of one of the other places.
    pub(super) fn share(&self, place: &str) -> f64 {
        self.part(self.places.get(place).copied().unwrap_or(0))
    }

    /// All places and their shares.
    pub(super) fn places(&self) -> impl Iterator<Item = (String, f64)> {
        let places = self.places.iter();
        places.map(|(place, count)| (place.clone(), self.part(*count)))
    }

    /// Functions outside the kernel and their shares, the largest first.
    pub(super) fn functions(&self) -> Vec<(&str, f64)> {
        let functions = self.functions.iter();
        let functions = functions.map(|(name, count)| (name.as_str(), self.part(*count)));
        let mut functions: Vec<_> = functions.collect();
        functions.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(other.0)));
        functions
    }

    fn part(&self, count: u32) -> f64 {
        f64::from(count) / f64::from(self.count.max(1))
    }
}

/// Name and whether it is in the kernel, of `ffffffff81 name+0x5 ([kernel.kallsyms])`.
fn frame(line: &str) -> Option<(&str, bool)> {
    let (_, rest) = line.trim_start().split_once(' ')?;
    let (name, object) = rest.rsplit_once(" (")?;
    Some((
        name.trim(),
        object.starts_with("[kernel") || object.starts_with("[guest.kernel"),
    ))
}

fn system_call(function: &str) -> Option<&str> {
    SYSTEM_CALLS
        .iter()
        .find_map(|prefix| function.strip_prefix(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
    ffffffff81a tcp_sendmsg ([kernel.kallsyms])
    ffffffff81b __x64_sys_sendto ([kernel.kallsyms])
    7f00dead __send (/usr/lib/libc.so.6)

    ffffffff81c finish_task_switch.isra.0 ([kernel.kallsyms])

    55d0 <proxy::Session as Foo (bar)>::relay (/target/tidegate)

    55d0 <proxy::Session as Foo (bar)>::relay (/target/tidegate)
";

    #[test]
    fn tells_system_calls_from_functions() {
        let samples = Samples::read(TEXT);
        let close = |share: f64, expected: f64| (share - expected).abs() < f64::EPSILON;
        assert!(close(samples.share("sendto"), 0.25));
        assert!(close(samples.share(KERNEL), 0.25));
        assert!(close(samples.share(USER), 0.5));
        let functions = samples.functions();
        assert_eq!(functions, [("<proxy::Session as Foo (bar)>::relay", 0.5)]);
    }
}
