//! Whether this process may open as many sockets as a scenario needs: asked before the first is
//! opened, since to fail in the middle of a run wastes it.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors that are needed for everything that is no visitor's socket.
pub const DESCRIPTORS_SPARE: u64 = 64;

/// Why there is not enough room.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// The process may not open so many descriptors.
    #[error(
        "{wanted} visitors need {needed} open descriptors, but this process may have {most}; ask \
         for at most {} visitors, or raise the limit (ulimit -Hn as root, or LimitNOFILE= of the \
         service)",
        most.saturating_sub(DESCRIPTORS_SPARE)
    )]
    Descriptors {
        /// How many visitors are asked for.
        wanted: u32,
        /// How many descriptors that takes.
        needed: u64,
        /// How many this process may have.
        most: u64,
    },
    /// The system does not tell, or does not let its own limit be used.
    #[error("cannot raise the limit of open descriptors: {0}")]
    System(#[from] nix::Error),
}

/// Makes room for this many visitors: raises the limit of open descriptors as far as it must be
/// and may be.
///
/// # Errors
/// There is not enough room for all of them.
pub fn make_room(visitors: u32) -> Result<(), RoomError> {
    let needed = u64::from(visitors) + DESCRIPTORS_SPARE;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if hard < needed {
        return Err(RoomError::Descriptors { wanted: visitors, needed, most: hard });
    }
    if soft < needed {
        setrlimit(Resource::RLIMIT_NOFILE, needed, hard)?;
    }
    Ok(())
}
