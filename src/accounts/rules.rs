//! What a login, a password and a display name may be.

use unicode_normalization::UnicodeNormalization;

use super::AccountError;
use crate::identity;

/// The longest login in characters.
pub const LOGIN_CHARS_MAX: usize = 64;

/// The shortest password in characters.
pub const PASSWORD_CHARS_MIN: usize = 10;

/// The longest password in bytes.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// A login as it is stored and compared: however it is written, it is the same person's.
///
/// # Errors
/// [`AccountError::Unfit`] if it is none.
pub fn login(text: &str) -> Result<String, AccountError> {
    let folded: String = text.trim().to_lowercase().nfkc().collect();
    let sound = (1..=LOGIN_CHARS_MAX).contains(&folded.chars().count())
        && !folded.chars().any(|c| c.is_control() || c.is_whitespace());
    if sound {
        Ok(folded)
    } else {
        let problem = "a login is 1 to 64 characters without spaces, such as a mail address";
        Err(AccountError::unfit("login", problem))
    }
}

/// A password as it is hashed: one keyboard's é is another's e and accent.
///
/// # Errors
/// [`AccountError::Unfit`] if it is too easily guessed, or beyond measure.
pub fn new_password(text: &str, login: &str) -> Result<String, AccountError> {
    let password = password(text)
        .ok_or_else(|| AccountError::unfit("password", "a password is at most 1024 bytes"))?;
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(AccountError::unfit("password", "a password has at least 10 characters"));
    }
    if password.to_lowercase() == login {
        return Err(AccountError::unfit("password", "a password is not the login"));
    }
    Ok(password)
}

/// A password that is to be compared; none if it is beyond what one may be.
pub(super) fn password(text: &str) -> Option<String> {
    (text.len() <= PASSWORD_BYTES_MAX)
        .then(|| text.nfc().collect::<String>())
        .filter(|password| password.len() <= PASSWORD_BYTES_MAX)
}

/// The name that visitors see.
///
/// # Errors
/// [`AccountError::Unfit`] if it is none.
pub fn display_name(text: &str) -> Result<String, AccountError> {
    let name = text.trim();
    if identity::is_display_name(name) {
        Ok(name.to_owned())
    } else {
        let problem = "a display name is 1 to 64 characters";
        Err(AccountError::unfit("display_name", problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_the_same_however_it_is_written() {
        for (text, expected) in [
            ("ana", Some("ana")),
            ("Ana@Shop.Example", Some("ana@shop.example")),
            (" ana ", Some("ana")),
            ("ĀNA", Some("āna")),
            ("e\u{301}va", Some("\u{e9}va")),
            ("\u{ff41}na", Some("ana")),
            ("", None),
            ("  ", None),
            ("a na", None),
            ("a\u{0}na", None),
            ("a\u{a0}na", None),
        ] {
            assert_eq!(login(text).ok().as_deref(), expected, "{text:?}");
        }
        assert!(login(&"a".repeat(64)).is_ok() && login(&"a".repeat(65)).is_err());
    }

    #[test]
    fn a_password_has_ten_characters_and_a_bound_and_is_not_the_login() {
        for (text, sound) in [
            ("ten letter", true),
            ("nine lett", false),
            ("ļoti garšīg", true),
            ("āāāāāāāāā", false),
            ("ana.berzina", false),
            ("Ana.Berzina", false),
            ("", false),
        ] {
            assert_eq!(new_password(text, "ana.berzina").is_ok(), sound, "{text:?}");
        }
        assert!(new_password(&"p".repeat(1024), "ana").is_ok());
        assert!(new_password(&"p".repeat(1025), "ana").is_err());
        assert_eq!(new_password("cafe\u{301} noir", "a"), new_password("caf\u{e9} noir", "a"));
    }

    #[test]
    fn a_display_name_is_what_a_token_may_carry() {
        assert_eq!(display_name(" Ana Bērziņa ").unwrap(), "Ana Bērziņa");
        for bad in ["", "  ", "a\nb", "\u{7}", &"x".repeat(65)] {
            assert!(display_name(bad).is_err(), "{bad:?}");
        }
    }
}
