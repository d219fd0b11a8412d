//! `PAPO_KERNELS` chooses among what the machine has, and nothing else.

use std::process::Command;

use papo_kernels::Kernels;

/// Prints the level in use, for the test below, which runs this one in a process of its own.
#[test]
fn print_the_level() {
    println!("level={}", Kernels::best().name());
}

fn level_with(wanted: Option<&str>) -> String {
    let mut command = Command::new(std::env::current_exe().expect("this test's program"));
    command.args(["--exact", "print_the_level", "--nocapture"]).env_remove("PAPO_KERNELS");
    if let Some(wanted) = wanted {
        command.env("PAPO_KERNELS", wanted);
    }
    let output = String::from_utf8(command.output().expect("runs").stdout).expect("text");
    let (_, rest) = output.split_once("level=").expect("the level is printed");
    rest.split_whitespace().next().expect("a name").to_owned()
}

#[test]
fn the_environment_lowers_the_level_and_never_raises_it() {
    let available: Vec<&str> = Kernels::available().iter().map(|kernels| kernels.name()).collect();
    let best = *available.last().expect("scalar at least");
    assert_eq!(available[0], "scalar");
    assert_eq!(level_with(None), best);
    for name in Kernels::names() {
        let expected = if available.contains(&name) { name } else { best };
        assert_eq!(level_with(Some(name)), expected, "PAPO_KERNELS={name}");
    }
    assert_eq!(level_with(Some("nonsense")), best);
    assert_eq!(level_with(Some("")), best);
}
