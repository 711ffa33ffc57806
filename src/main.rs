//! The `gmpl` command.

fn main() {
    let status = gmpl::cli::main(std::env::args_os().collect());
    std::process::exit(status);
}
