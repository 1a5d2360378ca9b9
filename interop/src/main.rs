//! `make interop`: a matrix of programs and kinds of keys. `docs/interop.md` holds the expected matrix.

mod cells;
mod gpg;
mod programs;
mod rnp;
mod script;
mod sop;
mod sq;

use std::process::ExitCode;

use crate::cells::{CELLS, CellOutcome};
use crate::programs::{PROGRAMS, Program};

/// The rows of the committed page.
const EXPECTED: &str = include_str!("../../docs/interop.md");

fn main() -> anyhow::Result<ExitCode> {
    let rows = rows()?;
    print_line(&heading());
    for row in &rows {
        print_line(&format!("{row}\n"));
    }
    let odd: Vec<&String> = rows.iter().filter(|row| !is_expected(row)).collect();
    for row in &odd {
        print_line(&format!("not as docs/interop.md says: {row}\n"));
    }
    Ok(if odd.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn heading() -> String {
    let names: Vec<&str> = CELLS.iter().map(|cell| cell.name).collect();
    format!("| program | key | {} |\n|{}\n", names.join(" | "), "---|".repeat(names.len() + 2))
}

/// One line for each program and kind of key, in the form of the page.
fn rows() -> anyhow::Result<Vec<String>> {
    let mut rows = Vec::new();
    for program in PROGRAMS {
        for key in program.keys {
            let with = (program.start)(key)?;
            rows.push(row(program, key, with.as_ref())?);
        }
    }
    Ok(rows)
}

fn row(program: &Program, key: &str, with: &dyn programs::OpenPgp) -> anyhow::Result<String> {
    let mut line = format!("| {} | {key} |", program.name);
    for cell in CELLS {
        let word = match (cell.check)(with)? {
            CellOutcome::Works => "ok",
            CellOutcome::Lacks(why) => {
                print_line(&format!("{}, {key}, {}: {why}\n", program.name, cell.name));
                "no"
            }
        };
        line.push_str(&format!(" {word} |"));
    }
    Ok(line)
}

fn is_expected(row: &str) -> bool {
    EXPECTED.lines().any(|line| line == row)
}

fn print_line(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stdout().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_matrix_is_as_the_page_says() {
        let rows = super::rows().expect("all programs are installed: scripts/install-deps installs them");
        let odd: Vec<&String> = rows.iter().filter(|row| !super::is_expected(row)).collect();
        assert!(odd.is_empty(), "{odd:#?}");
        let named = super::EXPECTED.lines().filter(|line| line.contains("| ok |")).count();
        assert_eq!(named, rows.len(), "each row of the page was seen");
    }
}
