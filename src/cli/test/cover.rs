//! `-cover`, `-covermode`, `-coverprofile`: what is said of how much of a package its tests run.
use crate::bytecode::cover::CoverMode;
use crate::cli::complain;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
#[command(next_help_heading = "Coverage")]
pub struct CoverArgs {
    /// Say how much of each package its tests run
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    cover: Option<bool>,
    /// Write how often each block ran, for go tool cover (implies -cover)
    #[arg(long, value_name = "FILE")]
    coverprofile: Option<PathBuf>,
    /// set: whether blocks ran; count, atomic: how often (implies -cover)
    #[arg(long, value_name = "MODE", value_parser = mode)]
    covermode: Option<CoverMode>,
}

/// The name of a mode.
pub fn mode(text: &str) -> Result<CoverMode, String> {
    let found = CoverMode::ALL.into_iter().find(|m| m.name() == text);
    found.ok_or_else(|| "valid modes are set, count and atomic".into())
}

impl CoverArgs {
    /// How blocks are counted, if they are.
    pub fn mode(&self) -> Option<CoverMode> {
        let implied = self.coverprofile.is_some() || self.covermode.is_some();
        (self.cover.unwrap_or(implied) || implied).then(|| self.covermode.unwrap_or_default())
    }

    /// Begins the file that is asked for.
    ///
    /// # Errors
    /// It cannot be written; that has been said.
    pub fn begin(&self) -> Result<Option<File>, ()> {
        let (Some(path), Some(mode)) = (&self.coverprofile, self.mode()) else { return Ok(None) };
        let begun = File::create(path).and_then(|mut file| {
            writeln!(file, "mode: {}", mode.name())?;
            Ok(file)
        });
        begun.map(Some).map_err(|e| complain(&format!("{}: {}", path.display(), crate::cli::terminal::why(&e))))
    }

    pub fn wants_profile(&self) -> bool {
        self.coverprofile.is_some()
    }
}

/// The lines of the blocks in a package's own profile; none if its tests did not come to write it.
pub fn blocks(profile: &Path) -> String {
    let text = std::fs::read_to_string(profile).unwrap_or_default();
    text.split_once('\n').map_or(String::new(), |(_, blocks)| blocks.to_string())
}

/// What the line of a package that passed says of its coverage, from what its tests printed.
pub fn summary(output: &[u8]) -> String {
    let line = output.split(|b| *b == b'\n').rev().find(|l| l.starts_with(b"coverage: "));
    line.map_or(String::new(), |l| format!("\t{}", String::from_utf8_lossy(l)))
}
