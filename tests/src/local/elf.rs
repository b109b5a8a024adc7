//! For which machine a binary was built.

use std::path::Path;

use crate::trouble::{Result, Saying, Trouble};

/// The architectures that Lambda has, as the template's parameter names them.
pub const ARCHITECTURES: [&str; 2] = ["arm64", "x86_64"];

/// The architecture of an ELF binary: bytes 18 and 19 of its header.
///
/// # Errors
/// It cannot be read, or is no ELF binary for either architecture.
pub fn architecture(binary: &Path) -> Result<&'static str> {
    let bytes = std::fs::read(binary).saying(format!("cannot read {}", binary.display()))?;
    of_header(&bytes).saying(format!(
        "{} is no Linux binary for arm64 or x86_64",
        binary.display()
    ))
}

fn of_header(bytes: &[u8]) -> Option<&'static str> {
    if !bytes.starts_with(b"\x7fELF") {
        return None;
    }
    match bytes.get(18..20)? {
        [183, 0] => Some(ARCHITECTURES[0]),
        [62, 0] => Some(ARCHITECTURES[1]),
        _ => None,
    }
}

/// Checks that a binary is for this architecture: Lambda would only say so on the first event.
///
/// # Errors
/// It is for another, or none.
pub fn check(binary: &Path, wanted: &str) -> Result<()> {
    match architecture(binary)? {
        found if found == wanted => Ok(()),
        found => Err(Trouble::new(format!(
            "{} is built for {found}, but the stack is for {wanted}",
            binary.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_told_apart() {
        let header = |machine: u8| [b"\x7fELF".as_slice(), &[0; 14], &[machine, 0]].concat();
        assert_eq!(of_header(&header(183)), Some("arm64"));
        assert_eq!(of_header(&header(62)), Some("x86_64"));
        assert_eq!(of_header(&header(40)), None);
        assert_eq!(of_header(b"MZ"), None);
        assert_eq!(of_header(b"\x7fELF"), None);
    }

    #[test]
    fn a_binary_for_another_machine_is_refused() {
        let own = std::env::current_exe().expect("this test");
        let (is, is_not) = if cfg!(target_arch = "aarch64") {
            ("arm64", "x86_64")
        } else {
            ("x86_64", "arm64")
        };
        assert_eq!(check(&own, is), Ok(()));
        let refused = check(&own, is_not).expect_err("for another machine");
        let refused = refused.to_string();
        assert!(refused.contains(&format!("for {is}, but")), "{refused}");
        assert!(check(Path::new(file!()), is).is_err(), "no binary at all");
    }
}
