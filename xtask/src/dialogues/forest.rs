//! Reads `seed.txt` and `more.txt`, our own hand-written small talk: a forest of exchanges.
//!
//! ```text
//! @ NAME [opening|closing]     an exchange; an opening one begins a dialogue, a closing one ends it
//! > a | b | c                  what the user may say; one is drawn
//! < a | b                      what Papo replies; one is drawn
//!   > ... / < ...              two spaces deeper: what may follow this reply
//! (x|y|)                       a choice inside a line; an empty one leaves it out
//! % slot: a | b                values for {slot}; the same value all through one exchange
//! ```
//!
//! Read next: `walk.rs`, which draws conversations from the forest.

use std::collections::HashMap;

use anyhow::{Result, bail};

/// Where in a conversation an exchange belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// It begins a conversation.
    Opening,
    /// Anywhere.
    Middle,
    /// It ends a conversation.
    Closing,
}

/// One exchange; the exchanges that may follow are places in `Forest::nodes`.
#[derive(Debug)]
pub struct Node {
    pub name: String,
    pub place: Place,
    pub says: Vec<String>,
    pub replies: Vec<String>,
    pub follows: Vec<usize>,
}

/// All exchanges, the ones that stand alone, and the values of the slots.
#[derive(Debug, Default)]
pub struct Forest {
    pub nodes: Vec<Node>,
    pub roots: Vec<usize>,
    pub slots: HashMap<String, Vec<String>>,
}

impl Forest {
    /// Adds the exchanges of one file; `origin` is its name in messages.
    pub fn read(&mut self, origin: &str, text: &str) -> Result<()> {
        let mut stack: Vec<usize> = Vec::new();
        let (mut name, mut place) = (String::new(), Place::Middle);
        for (number, line) in (1..).zip(text.lines()) {
            let content = line.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let depth = (line.len() - line.trim_start().len()) / 2;
            let (mark, rest) = content.split_once(' ').unwrap_or((content, ""));
            match mark {
                "%" => {
                    let Some((slot, values)) = rest.split_once(": ") else {
                        bail!("{origin}:{number}: a slot has a name, a colon and its values");
                    };
                    self.slots.insert(slot.to_owned(), alternatives(values));
                }
                "@" => {
                    let mut words = rest.split_whitespace();
                    name = words.next().unwrap_or_default().to_owned();
                    place = match words.next() {
                        None => Place::Middle,
                        Some("opening") => Place::Opening,
                        Some("closing") => Place::Closing,
                        Some(other) => {
                            bail!("{origin}:{number}: an exchange is opening or closing, not {other:?}")
                        }
                    };
                    stack.clear();
                }
                ">" => {
                    if depth > stack.len() {
                        bail!("{origin}:{number}: a turn stands deeper than the reply that it answers");
                    }
                    let index = self.nodes.len();
                    let (name, says) = (name.clone(), alternatives(rest));
                    self.nodes.push(Node { name, place, says, replies: Vec::new(), follows: Vec::new() });
                    stack.truncate(depth);
                    match stack.last() {
                        Some(&parent) => self.nodes[parent].follows.push(index),
                        None => self.roots.push(index),
                    }
                    stack.push(index);
                }
                "<" => match stack.get(depth) {
                    Some(&node) if depth + 1 == stack.len() => {
                        self.nodes[node].replies.extend(alternatives(rest))
                    }
                    _ => bail!("{origin}:{number}: a reply stands right below its turn"),
                },
                _ => bail!("{origin}:{number}: a line begins with {mark:?}; expected one of # % @ > <"),
            }
        }
        if let Some(node) = self.nodes.iter().find(|node| node.replies.is_empty()) {
            bail!("{origin}: the turn {:?} of exchange {:?} has no reply", node.says, node.name);
        }
        Ok(())
    }
}

fn alternatives(text: &str) -> Vec<String> {
    text.split(" | ").map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchanges_nest_by_their_indentation() {
        let text = "% pet: dog | cat\n@ hello opening\n> hi | hey\n< Hello!\n  > how are you?\n  < Fine.\n  > bye\n  < Bye!\n@ next\n> ok\n< Good.\n";
        let mut forest = Forest::default();
        forest.read("seed.txt", text).unwrap();
        assert_eq!(forest.slots["pet"], ["dog", "cat"]);
        assert_eq!(forest.roots, [0, 3]);
        assert_eq!(forest.nodes[0].follows, [1, 2]);
        assert_eq!((forest.nodes[0].place, forest.nodes[3].place), (Place::Opening, Place::Middle));
        assert_eq!(forest.nodes[1].replies, ["Fine."]);
    }

    #[test]
    fn a_turn_that_answers_nothing_is_named_with_its_line() {
        let error =
            Forest::default().read("seed.txt", "@ a\n> x\n< y\n    > too deep\n    < z\n").unwrap_err();
        assert!(error.to_string().starts_with("seed.txt:4:"), "{error}");
    }
}
