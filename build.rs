//! The release build holds the built web files; whenever `make web` has built them anew, so must it
//! be. Other builds read them from disk.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("PROFILE").is_some_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed=clients/widget/dist");
        println!("cargo::rerun-if-changed=clients/desk/dist");
    }
}
