//! What the answers were computed on, so that times mean something.

/// The machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The processor's name, or the instruction set where the system does not tell.
    pub processor: String,
    /// Operating system and instruction set, as in `linux x86_64`.
    pub system: String,
}

impl Machine {
    /// The machine that this program runs on.
    pub fn this() -> Self {
        let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        let processor = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| model_name(&text));
        Self { processor: processor.unwrap_or_else(|| std::env::consts::ARCH.to_owned()), system }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", self.processor, self.system)
    }
}

/// The processor's name in the text of Linux's `/proc/cpuinfo`.
fn model_name(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    let name = line.split_once(':')?.1.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_what_follows_the_colon() {
        assert_eq!(
            model_name("processor\t: 0\nmodel name\t: A CPU @ 2GHz\n").as_deref(),
            Some("A CPU @ 2GHz")
        );
        assert_eq!(model_name("processor\t: 0\n"), None);
    }
}
