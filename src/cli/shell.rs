//! `gmpl version`, `gmpl completions`, `gmpl man`: what a shell and a person want to know of the tool itself.
use super::{answer, complain, status};
use crate::vm::source;
use std::fmt::Write;

#[derive(clap::Args)]
pub struct CompletionArgs {
    /// The shell
    shell: clap_complete::Shell,
}

pub fn completions(args: CompletionArgs, mut command: clap::Command) -> i32 {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut command, "gmpl", &mut out);
    answer(&String::from_utf8_lossy(&out))
}

/// One page: the command, then each subcommand.
pub fn man(command: clap::Command) -> i32 {
    let mut out = Vec::new();
    let mut page = || -> std::io::Result<()> {
        let mut all = command.clone().disable_help_subcommand(true);
        all.build();
        clap_mangen::Man::new(all.clone()).render(&mut out)?;
        for sub in all.get_subcommands().filter(|s| !s.is_hide_set()) {
            let name = format!("gmpl {}", sub.get_name());
            let mut heading = clap_mangen::roff::Roff::new();
            heading.control("SH", [name.to_uppercase().as_str()]);
            heading.to_writer(&mut out)?;
            let man = clap_mangen::Man::new(sub.clone());
            man.render_synopsis_section(&mut out)?;
            man.render_description_section(&mut out)?;
            man.render_options_section(&mut out)?;
            man.render_extra_section(&mut out)?;
        }
        Ok(())
    };
    if let Err(e) = page() {
        complain(&format!("cannot make the manual page: {e}"));
        return status::FAILED;
    }
    answer(&String::from_utf8_lossy(&out))
}

pub fn version() -> i32 {
    let mut text = format!("gmpl {}\n", env!("CARGO_PKG_VERSION"));
    let packages: Vec<&str> = source::std_packages().collect();
    let build = if cfg!(debug_assertions) { "development" } else { "optimised" };
    let _ = writeln!(text, "system:   {}/{}, {build} build", std::env::consts::OS, std::env::consts::ARCH);
    let _ = writeln!(text, "language: Go 1.27 without unsafe and cgo, and scripts");
    let hostile = if cfg!(feature = "hostile") { ", hostile" } else { "" };
    let _ = writeln!(
        text,
        "features: session, check, test with coverage, doc, disasm, trace, profiles; replay by seed, leak and deadlock reports,\n          \
         limits and sandbox of a run{hostile}"
    );
    let _ = write!(text, "packages: {} standard packages inside", packages.len());
    let mut width = usize::MAX;
    for p in packages {
        if width > 80 {
            text.push_str("\n         ");
            width = 9;
        }
        let _ = write!(text, " {p}");
        width += p.len() + 1;
    }
    text.push('\n');
    answer(&text)
}
