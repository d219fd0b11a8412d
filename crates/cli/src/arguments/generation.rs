//! The flags of the generation options: one for each option that decoding honours, by its name in kebab case.
//!
//! They come from the table of `papo-generate`, so an option exists here exactly if it is honoured; any other name is an
//! unknown argument to the parser, which says so by that name.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};
use papo::GenerationConfig;
use papo::generate::{OptionInfo, OptionKind};

const HEADING: &str = "Generation options";

/// Options that have no place in a command, and why; typed all the same, they are refused with these words.
const OUT_OF_PLACE: &[(&str, &[&str], &str)] = &[
    (
        "bench",
        &["max_new_tokens", "min_new_tokens", "max_length", "min_length", "max_time", "stop_strings"],
        "bench makes an exact number of tokens; use --new-tokens",
    ),
    ("bench", &["num_beams"], "bench has a flag of its own; use --beams"),
    ("chat", &["num_return_sequences"], "a chat has one reply to each turn; leave it out"),
    ("compare", &["num_return_sequences"], "a comparison has one answer to each prompt; leave it out"),
    ("eval", &["num_return_sequences"], "one translation of each source is scored; leave it out"),
];

/// Refuses an option that has no place in a command, whatever its value.
pub fn out_of_place(command: &str, given: &GenerationFlags) -> Option<String> {
    given.given.iter().find_map(|(name, _)| {
        let (_, _, why) =
            OUT_OF_PLACE.iter().find(|(of, names, _)| *of == command && names.contains(name))?;
        Some(format!("--{} has no effect here: {why}", name.replace('_', "-")))
    })
}

/// The generation options given on a command line, names in Hugging Face's spelling, values as written.
#[derive(Clone, Debug, Default)]
pub struct GenerationFlags {
    /// Name and value of each, in the order of the table.
    pub given: Vec<(&'static str, String)>,
}

/// Names of the flags that may stand without a value, as typed but without dashes.
pub fn switch_names() -> Vec<String> {
    GenerationConfig::option_names().filter(|option| is_switch(option)).map(flag_name).collect()
}

fn is_switch(option: &OptionInfo) -> bool {
    matches!(option.kind, OptionKind::Switch | OptionKind::EarlyStopping)
}

fn flag_name(option: &OptionInfo) -> String {
    option.name.replace('_', "-")
}

fn flag(option: &'static OptionInfo, command: &str) -> Arg {
    let arg = Arg::new(option.name)
        .long(flag_name(option))
        .help(option.help)
        .help_heading(HEADING)
        .value_name(option.kind.placeholder())
        .action(ArgAction::Set)
        .allow_negative_numbers(true)
        .hide(OUT_OF_PLACE.iter().any(|(of, names, _)| *of == command && names.contains(&option.name)))
        // `-h` stays on one screen; `--help` shows them all.
        .hide_short_help(true);
    if is_switch(option) {
        arg.num_args(0..=1).require_equals(true).default_missing_value("true")
    } else {
        arg
    }
}

impl Args for GenerationFlags {
    fn augment_args(command: Command) -> Command {
        let name = command.get_name().to_owned();
        // A command's own flag of the same name goes first.
        let taken: Vec<_> =
            command.get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)).collect();
        command.args(
            GenerationConfig::option_names()
                .filter(|option| !taken.contains(&flag_name(option)))
                .map(|option| flag(option, &name)),
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for GenerationFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let given = GenerationConfig::option_names()
            .filter_map(|option| {
                let value = matches.try_get_one::<String>(option.name).ok().flatten()?;
                Some((option.name, value.clone()))
            })
            .collect();
        Ok(GenerationFlags { given })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::with_explicit_switches;

    fn parse(line: &str) -> Result<Vec<(&'static str, String)>, Error> {
        let words = with_explicit_switches(line.split(' ').map(Into::into), &switch_names());
        let command = GenerationFlags::augment_args(Command::new("papo")).arg(Arg::new("model"));
        Ok(GenerationFlags::from_arg_matches(&command.try_get_matches_from(words)?)?.given)
    }

    #[test]
    fn every_option_has_its_flag() {
        let command = GenerationFlags::augment_args(Command::new("papo"));
        for option in GenerationConfig::option_names() {
            assert!(
                command.get_arguments().any(|arg| arg.get_long() == Some(&flag_name(option))),
                "{}",
                option.name
            );
        }
    }

    #[test]
    fn values_come_through_as_written() {
        let given = parse(
            "papo --num-beams 4 --early-stopping never --length-penalty -0.5 --bad-words-ids [[1],[2,3]]",
        );
        let expected = [
            ("early_stopping", "never"),
            ("num_beams", "4"),
            ("length_penalty", "-0.5"),
            ("bad_words_ids", "[[1],[2,3]]"),
        ];
        assert_eq!(given.unwrap(), expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn a_switch_needs_no_value_and_swallows_no_model() {
        assert_eq!(parse("papo --do-sample blenderbot").unwrap(), [("do_sample", "true".to_owned())]);
        assert_eq!(parse("papo --do-sample false blenderbot").unwrap(), [("do_sample", "false".to_owned())]);
    }

    #[test]
    fn an_option_that_is_not_honoured_is_refused_by_name() {
        assert!(parse("papo --num-beam-groups 2").unwrap_err().to_string().contains("--num-beam-groups"));
    }
}
