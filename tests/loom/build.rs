//! Has the kernels' files take the model checker's atomics.
fn main() {
    println!("cargo:rustc-cfg=loom");
    println!("cargo:rerun-if-changed=build.rs");
}
