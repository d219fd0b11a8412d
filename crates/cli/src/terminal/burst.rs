//! What comes to a terminal in one piece: a key, or more than any key sends.
//!
//! A line editor takes all that is there, and what it has taken is gone if it stumbles over a byte that is not UTF-8. So a
//! piece that no key sends (a paste, an answer of another program, lines typed ahead) is read here, and keys are left to the editor.

#[cfg(unix)]
pub use unix::wait;

/// What there is to be read.
#[derive(Debug)]
pub enum Arrived {
    /// A key, or the end of the input; nothing was read.
    Key,
    /// More than a key, all of it.
    #[cfg_attr(not(unix), allow(dead_code))]
    Piece(Vec<u8>),
}

/// Elsewhere the editor reads everything, and shows the prompt.
#[cfg(not(unix))]
pub fn wait(_: &str) -> std::io::Result<Arrived> {
    Ok(Arrived::Key)
}

#[cfg(unix)]
mod unix {
    use std::io::{self, Stdin, Write};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::{Errno, ioctl_fionread, read};
    use rustix::termios::{
        InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
    };

    use super::Arrived;

    /// The most bytes that a key sends.
    const KEY: u64 = 8;

    /// What a terminal puts before and behind a paste, once it is told to.
    const PASTE_BEGINS: &[u8] = b"\x1b[200~";
    const PASTE_ENDS: &[u8] = b"\x1b[201~";

    /// How long the end of a piece may be waited for.
    const SOON: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
    const LATER: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

    /// Shows a prompt and waits until something comes to the terminal on standard input.
    pub fn wait(prompt: &str) -> io::Result<Arrived> {
        let input = io::stdin();
        let _unechoed = Unechoed::begin(&input)?;
        // Only now: whoever answers a prompt at once is not to be echoed, nor Ctrl-D to be taken for the end of a line.
        show(prompt)?;
        comes(&input, None)?;
        if ioctl_fionread(&input)? <= KEY {
            return Ok(Arrived::Key);
        }
        let mut piece = Vec::new();
        let mut buffer = [0; 4096];
        // A long paste comes in parts.
        while comes(&input, Some(if in_paste(&piece) { &LATER } else { &SOON }))? {
            match read(&input, &mut buffer) {
                Ok(0) => break,
                Ok(length) => piece.extend_from_slice(&buffer[..length]),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Arrived::Piece(piece))
    }

    /// Whether there is something to read before the time is over.
    fn comes(input: &Stdin, time: Option<&Timespec>) -> io::Result<bool> {
        loop {
            match poll(&mut [PollFd::new(input, PollFlags::IN)], time) {
                Ok(ready) => return Ok(ready > 0),
                // A window that changes its size, or a Ctrl-C that came too late for a reply.
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn in_paste(piece: &[u8]) -> bool {
        let last = |mark: &[u8]| piece.windows(mark.len()).rposition(|bytes| bytes == mark);
        last(PASTE_BEGINS) > last(PASTE_ENDS)
    }

    /// A terminal that hands on each key and echoes none, until this is dropped.
    struct Unechoed<'a> {
        input: &'a Stdin,
        before: Termios,
    }

    impl Unechoed<'_> {
        fn begin(input: &Stdin) -> io::Result<Unechoed<'_>> {
            let before = tcgetattr(input)?;
            let mut modes = before.clone();
            modes.local_modes -=
                LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN;
            modes.input_modes -=
                InputModes::ICRNL | InputModes::INLCR | InputModes::IXON | InputModes::ISTRIP;
            modes.special_codes[SpecialCodeIndex::VMIN] = 1;
            modes.special_codes[SpecialCodeIndex::VTIME] = 0;
            tcsetattr(input, OptionalActions::Drain, &modes)?;
            let unechoed = Unechoed { input, before };
            mark_pastes(true)?;
            Ok(unechoed)
        }
    }

    impl Drop for Unechoed<'_> {
        fn drop(&mut self) {
            // Nobody could be told.
            let _ = mark_pastes(false);
            let _ = tcsetattr(self.input, OptionalActions::Drain, &self.before);
        }
    }

    fn mark_pastes(on: bool) -> io::Result<()> {
        show(if on { "\x1b[?2004h" } else { "\x1b[?2004l" })
    }

    fn show(text: &str) -> io::Result<()> {
        let mut output = io::stdout().lock();
        output.write_all(text.as_bytes())?;
        output.flush()
    }
}
