//! Secrets typed or piped in: never an argument, where every process on the machine could read them.

use std::io::{self, BufRead, IsTerminal as _, Write as _};

use rustix::termios::{self, LocalModes, OptionalActions};

use crate::secret::Secret;

/// Where secrets come from.
pub trait Input: Send + Sync {
    /// One line, without its end; at the end of the input an error.
    fn secret(&self, prompt: &str) -> io::Result<Secret<String>>;

    /// Whether a person is typing, who can mistype and be asked again.
    fn interactive(&self) -> bool;
}

/// Standard input.
#[derive(Debug, Default)]
pub struct Stdin;

impl Input for Stdin {
    fn secret(&self, prompt: &str) -> io::Result<Secret<String>> {
        if !self.interactive() {
            return line(&mut io::stdin().lock());
        }
        // On stderr: stdout is for data.
        eprint!("{prompt}: ");
        io::stderr().flush()?;
        let _hidden = Hidden::begin()?;
        line(&mut io::stdin().lock())
    }

    fn interactive(&self) -> bool {
        io::stdin().is_terminal()
    }
}

fn line(input: &mut impl BufRead) -> io::Result<Secret<String>> {
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "nothing came on standard input"));
    }
    // The line's end alone: a space typed at the end is part of a password.
    let line = line.strip_suffix('\n').unwrap_or(&line);
    Ok(Secret::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

/// The terminal shows nothing of what is typed while this lives.
struct Hidden(termios::Termios);

impl Hidden {
    fn begin() -> io::Result<Self> {
        let before = termios::tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        termios::tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Nothing better can be done: the shell puts its terminal right by itself.
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
        eprintln!();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_all_but_its_end() {
        for (typed, expected) in [
            (" kode \n", " kode "),
            ("kode\r\nmere\n", "kode"),
            ("kode", "kode"),
            ("\n", ""),
            ("k\r\r\n", "k\r"),
        ] {
            assert_eq!(line(&mut typed.as_bytes()).unwrap().expose(), expected, "{typed:?}");
        }
        assert_eq!(line(&mut &b""[..]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
